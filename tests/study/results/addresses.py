"""What the tests of results at an s3:// address share."""

import pytest

from study.results import object_store

quiet = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


ROW = {"trial": "abc", "status": "complete", "accuracy": 50.0, "missing": {"similarity": "not installed"}}


def objects(address: str) -> set[str]:
    """The names of all objects below an address."""
    return set(object_store.ObjectStore(address).files("", recursive=True))
