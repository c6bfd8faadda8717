"""What stands in benchmarks/results, a command has written: no figure and no remark is there by hand."""

import json
import re
import string
from pathlib import Path

import pytest

from benchmarks import study_speed
from benchmarks.origin import command_of, describe_origin
from study.results.folder import ResultsFolder
from study.results.schema import SCHEMA_VERSION

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
RESULTS = sorted((BENCHMARKS / "results").glob("*.json"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_command_writes_every_field_of_a_result(path: Path) -> None:
    result = json.loads(path.read_text(encoding="utf-8"))
    named = re.match(r"python -m benchmarks\.(\w+)", result["command"])
    assert named
    modules = (BENCHMARKS / f"{named[1]}.py", BENCHMARKS / "origin.py")
    source = "".join(module.read_text(encoding="utf-8") for module in modules)
    unknown = [key for key in result if f'{key.lstrip(string.digits)}"' not in source]
    assert unknown == []


def test_figures_say_where_they_come_from() -> None:
    origin = describe_origin(command_of("scale", ["100"]), cpus=1)
    assert origin["command"] == "python -m benchmarks.scale 100"
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", origin["date"])
    assert origin["machine"].keys() == {"processor", "cpus", "python", "load_average"}
    assert origin["machine"]["cpus"] == 1


def test_a_studys_figures_have_its_models_and_accuracies_and_no_path(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    folder.create()
    folder.write_description(
        {
            "schema_version": SCHEMA_VERSION,
            "space": {"name": "mine"},
            "profile": "embedded",
            "arguments": ["--space", "mine", "--results", str(tmp_path), "--trials", "2"],
            "started_at": "2026-11-28T10:00:00+00:00",
            "finished_at": "2026-11-28T10:01:00+00:00",
            "commit": "c0ffee",
            "versions": {},
            "slots": 1,
            "busy_share": 0.5,
        }
    )
    about = {
        "status": "complete",
        "arm": "lora",
        "model": "tiny",
        "source_machine": "one",
        "busy_seconds": 1.0,
    }
    for trial, stage, accuracy in (("a", "search", 90.0), ("b", "confirm", 10.0), ("c", "confirm", 20.0)):
        folder.finish_trial({**about, "trial": trial, "stage": stage, "accuracy": accuracy})
    figures = study_speed.measure(tmp_path, None)
    assert figures["study"] == "python -m study.run --space mine --trials 2"
    assert (figures["date"], figures["models"], figures["wall_seconds"]) == ("2026-11-28", ["tiny"], 60.0)
    assert figures["arms"]["lora"]["accuracy_percent"] == 15.0
