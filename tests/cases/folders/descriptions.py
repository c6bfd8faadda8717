"""study.json, spoilt as a whole or in one entry."""

import json
import os
from pathlib import Path
from typing import Any

from tests.cases.folders.folder import Change, Folder


def _text(text: str | bytes) -> Change:
    content = text.encode() if isinstance(text, str) else text
    return lambda root: (root / "study.json").write_bytes(content)


def _entry(path: str, value: Any) -> Change:
    """Set an entry of study.json, as arms.0.label."""

    def change(root: Path) -> None:
        file = root / "study.json"
        description = json.loads(file.read_text(encoding="utf-8"))
        *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
        place = description
        for parent in parents:
            place = place[parent]
        place[last] = value
        file.write_text(json.dumps(description), encoding="utf-8")

    return change


_UNREADABLE = "no results folder: it has no readable study.json"
_OTHER = "written by another version of the study; it can't be resumed"
_NEEDS_PROTOCOL = "begun under an earlier protocol"

# study.json as a whole.
DESCRIPTIONS = (
    Folder("study.json is empty", _text(""), "study.json' can't be read", True, _UNREADABLE),
    Folder("study.json is cut off", _text('{"study": "a'), "study.json' can't be read", True, _UNREADABLE),
    Folder("study.json is a list", _text("[]"), "holds no JSON object", True, "holds no JSON object"),
    Folder("study.json is a number", _text("7"), "holds no JSON object", True, "holds no JSON object"),
    Folder("study.json is nested without end", _text("[" * 200_000), "can't be read", True, _UNREADABLE),
    Folder(
        "study.json has a number of 5,000 digits",
        _text('{"seed": ' + "7" * 5000 + "}"),
        "can't be read",
        True,
        _UNREADABLE,
    ),
    Folder(
        "study.json is Latin-1",
        _text('{"study": "Ü"}'.encode("latin-1")),
        "can't be read",
        True,
        _UNREADABLE,
    ),
    Folder("study.json is an empty object", _text("{}"), None, False, _OTHER),
    Folder(
        "study.json is a pipe",
        lambda root: ((root / "study.json").unlink(), os.mkfifo(root / "study.json")),
        "no results folder",
        True,
        _UNREADABLE,
    ),
    Folder(
        "study.json is a folder",
        lambda root: ((root / "study.json").unlink(), (root / "study.json").mkdir()),
        "no results folder",
        True,
        _UNREADABLE,
    ),
    Folder(
        "study.json is gone",
        lambda root: (root / "study.json").unlink(),
        "no results folder",
        True,
        _UNREADABLE,
    ),
)

# One entry of it.
ENTRIES = (
    Folder("arms is empty", _entry("arms", []), None, False, f"{_OTHER} (arms: "),
    Folder("arms is null", _entry("arms", None), None, False, f"{_OTHER} (arms: "),
    Folder(
        "arms is a number",
        _entry("arms", 7),
        "arms holds 7, where a list is expected",
        False,
        f"{_OTHER} (arms: ",
    ),
    Folder(
        "an arm is a text",
        _entry("arms.0", "lora"),
        'arms.0 holds "lora", where an object is expected',
        False,
        f"{_OTHER} (arms.0: ",
    ),
    Folder(
        "an arm's label is a list",
        _entry("arms.0.label", ["x"]),
        'arms.0.label holds ["x"], where a text',
        False,
        f"{_OTHER} (arms.0.label: ",
    ),
    Folder(
        "a count is a list",
        _entry("arms.0.search_trials", [None]),
        "arms.0.search_trials holds [null]",
        False,
        f"{_OTHER} (arms.0.search_trials: ",
    ),
    Folder(
        "a count is negative",
        _entry("arms.0.replicates", -1),
        "arms.0.replicates holds -1, where a count",
        False,
    ),
    Folder(
        "a count is true",
        _entry("arms.0.confirm_seeds", True),
        "arms.0.confirm_seeds holds true",
        False,
        f"{_OTHER} (arms.0.confirm_seeds: ",
    ),
    Folder(
        "factors is a text",
        _entry("arms.0.factors", "x"),
        "arms.0.factors holds",
        False,
        f"{_OTHER} (arms.0.factors: ",
    ),
    Folder(
        "looks is a list",
        _entry("looks", [3, 6]),
        "looks holds [3, 6], where an object",
        False,
        f"{_OTHER} (looks: ",
    ),
    Folder(
        "looks has no weights",
        _entry("looks", {"replicates": [1]}),
        "must name as many replicates as weights",
        False,
    ),
    Folder(
        "looks_taken is an object",
        _entry("looks_taken", {}),
        "looks_taken holds {}, where a list",
        False,
        f"{_OTHER} (looks_taken: ",
    ),
    Folder(
        "extensions is a text",
        _entry("extensions", "no"),
        'extensions holds "no", where a list',
        False,
        f"{_OTHER} (extensions: ",
    ),
    Folder("the seed is a text", _entry("seed", "x"), 'seed holds "x", where a number', False),
    Folder("the space is a list", _entry("space", []), "space holds [], where an object", False),
    Folder(
        "the arguments are a number",
        _entry("arguments", 1),
        "arguments holds 1, where a list",
        False,
        f"{_OTHER} (arguments: ",
    ),
    Folder("--max-disk is a text", _entry("max_disk", "x"), None, False, f"{_OTHER} (max_disk: "),
    Folder("the width is a text", _entry("search_width", "2"), None, False, f"{_OTHER} (search_width: "),
    Folder(
        "the request is a list",
        _entry("request", []),
        "request holds [], where an object",
        False,
        _OTHER,
    ),
    Folder("the request names no space", _entry("request", {}), None, False, _OTHER),
    Folder("the request's settings are a number", _entry("request.settings", 3), None, False, _OTHER),
    Folder("the version is a text", _entry("schema_version", "2"), 'schema_version holds "2"', False, _OTHER),
    Folder(
        "the version is newer",
        _entry("schema_version", 99),
        None,
        False,
        "newer version of the project (its schema is 99",
    ),
    Folder("the end is a number", _entry("finished_at", 7), "finished_at holds 7, where a text", False),
)
