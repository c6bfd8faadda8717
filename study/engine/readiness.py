"""Whether a study can write here what it has to beside its results: looked at before anything is written."""

from __future__ import annotations

import os
import resource

from study.engine.access_token import prepare_token
from study.engine.ray_internals.names import check_ray
from study.errors import UserError
from study.machine.scratch import check_sockets
from study.sizes import show_size
from study.workplace import default_cache

# With 2.6 GB the driver died as Ray was started, with 6 GB a study ran; a worker with torch takes up 9.
LEAST_ADDRESSES = 4_000_000_000
AMPLE_ADDRESSES = 16_000_000_000


def check_machine(*, local: bool) -> list[str]:
    """Check the cache, Ray, and, where it is the study's own, its limits, sockets and token; return notes.

    Raises:
        UserError: one of them can't be written, or this Ray is not one that the study can run on.
    """
    _check_cache()
    notes = [_check_addresses(), check_sockets(), prepare_token()] if local else []
    check_ray()
    return [note for note in notes if note is not None]


def _check_addresses() -> str | None:
    """Check the limit of addresses (ulimit -v): over it Ray's processes abort, and do not name it."""
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY or most >= AMPLE_ADDRESSES:
        return None
    limit = f"a process may take up {show_size(most)} of addresses here (ulimit -v)"
    if most < LEAST_ADDRESSES:
        raise UserError(
            f"{limit}, and Ray's reserve more than {show_size(LEAST_ADDRESSES)}, mostly unused; "
            "start the study under ulimit -v unlimited"
        )
    return f"{limit}; a trial whose process dies may have met that limit"


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
