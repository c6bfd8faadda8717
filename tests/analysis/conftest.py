"""What the tests of the analysis share."""

import pytest


@pytest.fixture
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the plots out of a report, of which they take most of the time, where another part is asked."""
    monkeypatch.setattr("analysis.page.frame._plots", lambda *arguments: ("", {}))
