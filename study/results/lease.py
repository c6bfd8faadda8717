"""Who uses a results folder in an object store, which knows no locks: a lease, an object that is renewed.

Each run writes a lease of its own and only then looks for others. With a store that lists at once what was
written (S3 and GCS do), of two runs that start together at least one sees the other and withdraws, perhaps
both. A run that was killed leaves its lease behind, which counts for LEASE_SECONDS more, by the store's own
clock. What a lease can't promise: a run that stood still for longer than that (a suspended machine, a network
that was away) and then goes on is not stopped, though another may have begun. Both would then do the same
trials with the same results: work is wasted, and no row is wrong.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from study.errors import UserError
from study.results.object_store import ObjectStore

LEASE_SECONDS = 60.0
RENEWAL_SECONDS = 15.0


@contextmanager
def lease(store: ObjectStore) -> Iterator[None]:
    """Keep a second run out of the store's folder for the length of the block.

    Raises:
        UserError: another run has it, or it can't be written.
    """
    name = f"lock/{uuid.uuid4().hex}"
    owner = f"process {os.getpid()} on {platform.node()}".encode()
    store.write(name, owner)
    try:
        _refuse_if_in_use(store, name)
        ended = threading.Event()
        renewal = threading.Thread(target=_renew, args=(store, name, owner, ended), daemon=True)
        renewal.start()
        try:
            yield
        finally:
            ended.set()
            renewal.join()
    finally:
        store.delete([name])


def _renew(store: ObjectStore, name: str, owner: bytes, ended: threading.Event) -> None:
    while not ended.wait(RENEWAL_SECONDS):
        try:
            store.write(name, owner)
        except UserError as error:
            print(f"the lease of the results folder was not renewed: {error}", file=sys.stderr)


def _refuse_if_in_use(store: ObjectStore, own: str) -> None:
    leases = store.files("lock")
    now = leases[own].mtime
    for name, info in leases.items():
        age = (now - info.mtime).total_seconds()
        if name == own:
            continue
        if age > LEASE_SECONDS:
            store.delete([name])
            continue
        try:
            owner = store.read(name).decode(errors="replace")
        except FileNotFoundError:  # it has ended, or withdrawn, just now
            continue
        raise UserError(
            f"results folder '{store.address}' is in use by {owner}; wait "
            f"for it to end, or stop it with Ctrl-C (if it was killed: {LEASE_SECONDS - age:.0f} seconds)"
        )
