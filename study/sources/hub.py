"""Fetching a model or data set from the Hub, and what may go wrong there, each in one line with the cure."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from pathlib import Path

from study.errors import UserError
from study.sources.shipped import list_shipped

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
# Ends of names that are files, whatever stands before them.
_FILE_ENDS = (".json", ".jsonl", ".csv", ".tsv", ".parquet", ".safetensors", ".gguf", ".bin", ".gz", ".zst")


class HubUnreachable(UserError):
    """A Hub name that is not in the Hub's cache, without a network."""


def is_hub_name(name: str) -> bool:
    """Tell whether a name that is no folder here may be the Hub's (owner/name), and is no path with a slip.

    A path is what begins with `.`, `/` or `~`, ends as a file does, or begins with a folder that is here.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    if not HUB_NAME.fullmatch(name) or name.startswith((".", "~")) or name.lower().endswith(_FILE_ENDS):
        return False
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return not Path(name).parent.is_dir()


def fetch(kind: str, name: str, patterns: Sequence[str], revision: str | None = None) -> Path:
    """Return the local folder of a Hub name, fetched where it is not in the Hub's cache.

    Args:
        kind: "model" or "dataset".
        patterns: of the files that are wanted.

    Raises:
        UserError: the Hub has none of that name, or does not give it out; the disk is full.
        HubUnreachable: it is not in the cache, and the Hub can't be reached.
    """
    # Imported late: the first line of a study must not wait for it.
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, repo_type=kind, allow_patterns=[*patterns], revision=revision))
    except Exception as error:  # of five libraries: the client's, its transports', the operating system's
        raise _explained(kind, name, error) from None


def _explained(kind: str, name: str, error: Exception) -> UserError:
    """Return the error for what fetching raised, or for its cause where that says more."""
    from httpx import TransportError
    from huggingface_hub.errors import DisabledRepoError, GatedRepoError, RepositoryNotFoundError

    causes = _chain(error)
    statuses = {s for cause in causes if (s := _status(cause)) is not None}
    word = {"dataset": "data"}.get(kind, kind)
    if any(isinstance(cause, GatedRepoError) for cause in causes):
        page = f"https://huggingface.co/{'datasets/' if kind == 'dataset' else ''}{name}"
        return UserError(
            f"{word} '{name}' is gated: its owner gives it to those who accept its terms; accept them at "
            f"{page} and set HF_TOKEN to a token of that account"
        )
    if any(isinstance(cause, DisabledRepoError) for cause in causes):
        return UserError(f"{word} '{name}' has been disabled on the Hub; valid: another name, or a folder")
    if any(isinstance(cause, RepositoryNotFoundError) for cause in causes):
        return UserError(
            f"no {kind} '{name}': no such folder, and the Hub has none of that name that it shows "
            "(a private one needs HF_TOKEN)"
        )
    if any(getattr(cause, "errno", None) in (errno.ENOSPC, errno.EDQUOT) for cause in causes):
        return UserError(
            f"{word} '{name}' can't be fetched: the disk of the Hub's cache is full; free some of it, or set "
            "HF_HOME to a folder on another disk"
        )
    denied = [cause for cause in causes if isinstance(cause, PermissionError)]
    if denied:
        return UserError(
            f"{word} '{name}' can't be fetched: '{denied[0].filename}' can't be written; "
            "set HF_HOME to a folder that can"
        )
    if statuses & {401, 403}:
        return UserError(
            f"{word} '{name}' can't be fetched: the Hub refuses this account (HTTP {min(statuses)}); "
            "check HF_TOKEN"
        )
    if statuses:
        return UserError(
            f"{word} '{name}' can't be fetched now: the Hub is there but busy or failing "
            f"(HTTP {min(statuses)}); try again in a few minutes, or name a local folder"
        )
    if not any(isinstance(cause, OSError | TransportError) for cause in causes):
        first = " ".join(str(error).split()) or type(error).__name__
        return UserError(f"{word} '{name}' can't be fetched: {type(error).__name__}: {first}")
    return HubUnreachable(
        f"{word} '{name}' can't be fetched: it is no folder here, is not in the Hub's cache, "
        f"and the Hub can't be reached; valid without a network: a local folder, or {list_shipped(kind)}"
    )


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _status(error: BaseException) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None
