"""The table of tests/cases/models: what a study says to each model folder, in one line."""

from pathlib import Path

import pytest
import transformers

from study.errors import UserError
from study.models.check import check_model
from study.sources.finding import find_model
from tests.cases.models import CASES


def test_the_table_is_large() -> None:
    assert len(CASES) >= 110
    assert sum(case.says is None for case in CASES.values()) >= 30


@pytest.mark.usefixtures("in_a_worker")
@pytest.mark.filterwarnings("ignore::UserWarning")  # of transformers, at what the cases hold
@pytest.mark.parametrize("name", CASES)
def test_a_folder(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    case, folder = CASES[name], tmp_path / name.replace(" ", "-").replace("'", "")
    folder.mkdir()
    case.make(folder)
    transformers.logging.set_verbosity_warning()
    capfd.readouterr()
    if case.says is None:
        notes = check_model(find_model(str(folder)), case.use)
        assert len(notes) == len(case.notes), notes
        for note, expected in zip(notes, case.notes, strict=True):
            assert expected in note
            assert "\n" not in note
    else:
        with pytest.raises(UserError) as caught:
            check_model(find_model(str(folder)), case.use)
        assert case.says in str(caught.value)
        assert "\n" not in str(caught.value)
