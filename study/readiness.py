"""Whether a study can write here what it has to beside its results: looked at before anything is written."""

from __future__ import annotations

import os

from study.access_token import prepare_token
from study.errors import UserError
from study.scratch import check_sockets
from study.workplace import default_cache


def check_machine(*, local: bool) -> list[str]:
    """Check the cache and, where the study runs a Ray of its own, its sockets and token; return notes.

    Raises:
        UserError: one of them can't be written.
    """
    _check_cache()
    notes = [check_sockets(), prepare_token()] if local else []
    return [note for note in notes if note is not None]


def _check_cache() -> None:
    cache = default_cache().absolute()
    existing = cache
    try:
        while not existing.exists():
            existing = existing.parent
    except OSError as error:
        raise UserError(_no_cache(str(cache), error.strerror or str(error))) from None
    if not existing.is_dir():
        raise UserError(_no_cache(str(cache), f"'{existing}' is not a folder"))
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(_no_cache(str(cache), f"no permission in '{existing}'"))


def _no_cache(cache: str, why: str) -> str:
    return f"the cache '{cache}' can't be written: {why}; name a folder that can in FINETUNE_STUDY_CACHE"
