"""Exporting from folders that are not as a study leaves them."""

import json
from pathlib import Path

import pytest

from study import export


def test_an_export_says_that_a_scored_model_is_gone(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = study / "study.json"
    description = json.loads(file.read_text(encoding="utf-8"))
    for arm in description["arms"]:
        arm["search_trials"] = 1
    file.write_text(json.dumps(description), encoding="utf-8")
    command = [str(study), "--arm", "lora main", "--to", str(study.with_name("to"))]
    assert export.main(command) == 2
    assert (
        "the model of arm 'lora main' is gone: it has been scored, and its folder" in capsys.readouterr().err
    )
    for path in (study / "trials").glob("*.parquet"):
        path.unlink()
    assert export.main(command) == 2
    assert "has kept no model: none of them has been scored" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("entry", "value", "says"),
    [
        ("schema_version", 99, "newer version of the project (its schema is 99"),
        ("schema_version", None, "can't be exported"),
        ("arms", {}, "can't be exported (arms: "),
        ("arms", [], "unknown arm"),
    ],
)
def test_an_export_looks_at_the_version_and_the_shape(
    entry: str, value: object, says: str, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = study / "study.json"
    description = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**description, entry: value}), encoding="utf-8")
    assert export.main([str(study), "--arm", "lora main", "--to", str(study.with_name("to"))]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert not study.with_name("to").exists()
