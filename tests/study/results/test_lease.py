"""Who uses a results folder at an address."""

import os
import time

import pytest

import study.results.lease
from study.errors import UserError
from study.results import object_store
from study.results.folder import ResultsFolder
from tests.study.results.addresses import objects, quiet

pytestmark = quiet


def test_a_folder_in_use_is_refused_until_its_lease_is_stale(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ResultsFolder(address)
    with folder.in_use():
        with pytest.raises(UserError, match=f"is in use by process {os.getpid()} on "):
            ResultsFolder(address).in_use().__enter__()
        assert len(objects(address)) == 1
    assert objects(address) == set()
    # As a killed run leaves it.
    object_store.ObjectStore(address).write("lock/of-the-dead", b"process 1")
    with pytest.raises(UserError, match=r"is in use by process 1; .*if it was killed: \d+ seconds"):
        folder.in_use().__enter__()
    # The store's clock counts whole seconds.
    monkeypatch.setattr(study.results.lease, "LEASE_SECONDS", 1.0)
    time.sleep(2.1)
    with folder.in_use():
        pass


@pytest.mark.slow
def test_a_lease_is_renewed(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study.results.lease, "LEASE_SECONDS", 4.0)
    monkeypatch.setattr(study.results.lease, "RENEWAL_SECONDS", 0.3)
    folder = ResultsFolder(address)
    with folder.in_use():
        time.sleep(5.5)
        with pytest.raises(UserError, match="is in use by"):
            ResultsFolder(address).in_use().__enter__()
