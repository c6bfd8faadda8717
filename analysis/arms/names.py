"""Names of arms: distinct among those that stand side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from analysis.arms.arm import Arm


def name_arms(arms: Sequence[Arm]) -> list[str]:
    """Return a distinct name for each arm: its label, with its study and factors where labels repeat."""
    names = [arm.label for arm in arms]
    if len({tuple(study.root for study in arm.studies) for arm in arms}) > 1:
        names = [f"{_origin(arm)}: {name}" for arm, name in zip(arms, names, strict=True)]
    for name in ("model", "variant", "prompt_style", "annotations", "template"):
        counts = Counter(names)
        names = [
            f"{old} {arm.factor(name)}" if counts[old] > 1 and arm.factor(name) else old
            for arm, old in zip(arms, names, strict=True)
        ]
    return _numbered(names)


def _origin(arm: Arm) -> str:
    names = [study.name for study in arm.studies]
    return " + ".join(names) if len(names) < 3 else f"{names[0]} and {len(names) - 1} others"


def _numbered(names: list[str]) -> list[str]:
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        seen[name] += 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct
