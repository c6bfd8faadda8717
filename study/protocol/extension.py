"""Extending a study: more replicates of all arms or of some, or more seeds where there is one search.

More trials a search would be another protocol, and more looks another plan; both are refused. study.json
records every extension, since a study that was extended after a look at its results is judged less strictly.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from study.errors import UserError, unknown_name
from study.methods.table import trained_methods


@dataclass(frozen=True)
class Extension:
    """What the user wants more of. None: as it is.

    Attributes:
        replicates: of every arm, or of `arms`.
        confirm_seeds: of every arm, in a study of one search.
        arms: labels; empty: all.
    """

    replicates: int | None = None
    confirm_seeds: int | None = None
    arms: Sequence[str] = ()


def extend(description: Mapping[str, Any], more: Extension, trials_before: int) -> dict[str, Any]:
    """Return study.json with the extension in its request, its arms and its list of extensions.

    Args:
        description: study.json of a study of this version.
        trials_before: trials that have finished.

    Raises:
        UserError: it is no extension of this study; the message says why.
    """
    if more.replicates is not None and more.confirm_seeds is not None:
        raise UserError(
            "--resume takes --replicates or --confirm-seeds, not both: each is another protocol's"
        )
    if description.get("looks"):
        raise UserError("a study with planned looks can't be extended: its looks share out the whole 5%")
    arms = {
        arm["label"]: arm for arm in description["arms"] if arm["factors"].get("method") in trained_methods()
    }
    labels = list(more.arms) or list(arms)
    if not labels:
        raise UserError("this study can't be extended: its study.json names no arm that trains")
    for label in labels:
        if label not in arms:
            raise unknown_name("arm", label, arms)
    new = copy.deepcopy(dict(description))
    if more.replicates is not None:
        _more_replicates(new, arms, labels, more)
    if more.confirm_seeds is not None:
        _more_seeds(new, arms, more)
    new["extensions"] = [
        *description.get("extensions", []),
        {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "replicates": more.replicates,
            "replicates_before": min(arms[label]["replicates"] for label in labels),
            "confirm_seeds": more.confirm_seeds,
            "confirm_seeds_before": min(arms[label]["confirm_seeds"] for label in labels),
            "arms": labels,
            "trials_before": trials_before,
        },
    ]
    new["finished_at"] = None
    if not more.arms:
        new["arguments"] = _with_more(description.get("arguments") or [], more)
    return new


def _with_more(arguments: Sequence[str], more: Extension) -> list[str]:
    """Return the command line that would have started the study as it is now."""
    name = "--confirm-seeds" if more.replicates is None else "--replicates"
    kept, skip = [], False
    for argument in arguments:
        if not skip and argument != name and not argument.startswith(f"{name}="):
            kept.append(argument)
        skip = not skip and argument == name
    return [*kept, name, str(more.confirm_seeds if more.replicates is None else more.replicates)]


def _more_replicates(
    new: dict[str, Any], arms: Mapping[str, Any], labels: Sequence[str], more: Extension
) -> None:
    assert more.replicates is not None
    for label in labels:
        now = arms[label]["replicates"]
        if more.replicates <= now:
            raise UserError(
                f"--replicates {more.replicates} is no extension: arm '{label}' has {now} already; --arms "
                "names the arms that are to get more, and without --replicates the study goes on as it is"
            )
        if now == 1 and arms[label]["confirm_seeds"] > 1:
            raise UserError(
                "this is a study of one search with several seeds: --confirm-seeds gives it more; replicates "
                "are another protocol, and a study of its own"
            )
    for arm in new["arms"]:
        if arm["label"] in labels:
            arm["replicates"] = more.replicates
    new["request"]["replicates_of"] = {
        **new["request"].get("replicates_of", {}),
        **dict.fromkeys(labels, more.replicates),
    }


def _more_seeds(new: dict[str, Any], arms: Mapping[str, Any], more: Extension) -> None:
    assert more.confirm_seeds is not None
    now = min(arm["confirm_seeds"] for arm in arms.values())
    if more.arms or any(arm["replicates"] > 1 or arm["confirm_seeds"] < 1 for arm in arms.values()):
        raise UserError(
            "--confirm-seeds extends all arms of a study of one search with several seeds; valid for others: "
            "--replicates N, with or without --arms"
        )
    if more.confirm_seeds <= now:
        raise UserError(f"--confirm-seeds {more.confirm_seeds} is no extension: the study has {now} already")
    for arm in new["arms"]:
        if arm["label"] in arms:
            arm["confirm_seeds"] = more.confirm_seeds
    new["request"]["confirm_seeds"] = more.confirm_seeds
