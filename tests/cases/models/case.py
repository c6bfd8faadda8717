"""What a case of a model folder is."""

from __future__ import annotations

from dataclasses import dataclass, field

from study.models.check import Use
from tests.cases.models.tiny import Make


@dataclass(frozen=True)
class Case:
    """A folder and what comes of it.

    Attributes:
        make: makes the folder.
        says: what is in the line that refuses it; None: it is fine.
        notes: what is in the notes of a folder that is fine, in their order.
        use: what the study does with it.
    """

    make: Make
    says: str | None = None
    notes: tuple[str, ...] = ()
    use: Use = field(default_factory=Use)


def targets(*names: str, methods: tuple[str, ...] = ("lora",)) -> Use:
    """Return the use of a study with these values of target_modules."""
    return Use(methods=frozenset(methods), target_modules=frozenset(names))


def limits(source: int, target: int) -> Use:
    """Return the use of a study with these token limits."""
    return Use(source_tokens=source, target_tokens=target)
