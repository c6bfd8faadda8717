"""Names for people: an arm's label, the folder of its model, and a model's name, each unique in its study.

What is unique as it stands stays as it is; names that would meet are told apart by the folders above them,
or, where a file system would not tell them apart, by a few digits of a hash.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from study.config import digest
from study.errors import UserError
from study.sources.finding import Source
from study.space import FACTORS

# Longest name of a model's folder: file systems take 255 bytes, and a temporary name is longer.
SLUG_LENGTH = 120


def label_arms(combinations: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a short, unique label for each arm: its method, and the other factors that differ.

    Raises:
        UserError: two arms differ in how a model's name is written alone.
    """
    varying = [name for name in FACTORS if len({str(arm.get(name)) for arm in combinations}) > 1]
    if "quantization" in varying and not _adds_information(combinations):
        varying.remove("quantization")
    names = [name for name in FACTORS if name in varying or name == "method"]
    models = _short_names({str(arm["model"]) for arm in combinations if "model" in arm})

    def label(arm: Mapping[str, Any]) -> str:
        shown = {name: arm[name] for name in names if arm.get(name) not in (None, "none")}
        return " ".join(
            models[str(value)] if name == "model" else _show(name, value) for name, value in shown.items()
        )

    labels = [label(arm) for arm in combinations]
    if twice := [label for label, times in Counter(labels).items() if times > 1]:
        raise UserError(f"two arms would be called '{twice[0]}'; name each model once, and as one folder")
    return labels


def slugs_of(labels: Sequence[str]) -> list[str]:
    """Return a folder's name for each label: lower-case ASCII, unique on every file system."""
    plain = [re.sub(r"[^a-z0-9.]+", "-", label.lower()).strip("-") for label in labels]
    times = Counter(plain)
    return [
        slug if times[slug] == 1 and len(slug) <= SLUG_LENGTH else f"{slug[:SLUG_LENGTH]}-{digest(label)}"
        for slug, label in zip(plain, labels, strict=True)
    ]


def name_apart(found: Mapping[str, Source]) -> dict[str, Source]:
    """Return the sources that were found, folders of one name told apart by those above them.

    Args:
        found: how the user names a model -> where it was found.

    Raises:
        UserError: two names are of one folder, whose arms would be the same.
    """
    by_path: dict[Path, str] = {}
    for name, source in found.items():
        if other := by_path.get(source.path):
            raise UserError(f"the models '{other}' and '{name}' are one folder ({source.path}); name it once")
        by_path[source.path] = name
    times = Counter(_seen_as(source.name) for source in found.values())
    # The shipped model has a name of its own, as those of the Hub have.
    alike = {n: s for n, s in found.items() if times[_seen_as(s.name)] > 1 and s.name == s.path.name}
    parts = _apart({name: [s.path.name, *s.path.parent.parts[::-1]] for name, s in alike.items()}, least=2)
    # A name with a slash alone would read as the Hub's: "x (a)" is the folder a/x.
    return {
        name: replace(source, name=_in_brackets(parts[name])) if name in parts else source
        for name, source in found.items()
    }


def _in_brackets(parts: Sequence[str]) -> str:
    name, *above = parts
    return f"{name} ({'/'.join(reversed(above))})" if above else name


def _short_names(models: Iterable[str]) -> dict[str, str]:
    """Return model -> a Hub name without its owner, a folder without its parents, as far as they differ."""
    parts = _apart({model: model.rstrip("/").split("/")[::-1] for model in sorted(models)})
    return {model: "/".join(reversed(own)).replace("_", "-") for model, own in parts.items()}


def _apart(parts: Mapping[str, Sequence[str]], least: int = 1) -> dict[str, Sequence[str]]:
    """Return name -> the fewest of its parts, from the first on, that no other's are."""
    taken = {name: own[:least] for name, own in parts.items()}
    for length in range(least + 1, max(map(len, parts.values()), default=0) + 1):
        times = Counter(_seen_as("/".join(own)) for own in taken.values())
        taken |= {
            name: parts[name][:length] for name, own in taken.items() if times[_seen_as("/".join(own))] > 1
        }
    return taken


def _seen_as(name: str) -> str:
    """Return what a person, and a label, can tell of a name: not how its accents or underscores are coded."""
    return unicodedata.normalize("NFKC", name).replace("_", "-")


def _show(name: str, value: Any) -> str:
    return f"{name} {value}" if isinstance(value, int | float) else str(value).replace("_", "-")


def _adds_information(combinations: Sequence[Mapping[str, Any]]) -> bool:
    # Every method but qlora has one quantization only: it is worth naming where one method has several.
    by_method: dict[str, set[str]] = {}
    for arm in combinations:
        by_method.setdefault(str(arm.get("method")), set()).add(str(arm.get("quantization")))
    return any(len(kinds) > 1 for kinds in by_method.values())
