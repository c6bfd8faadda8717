"""What stands in the place of a folder, or beside the study."""

import shutil
from pathlib import Path

from tests.cases.folders.folder import Change, Folder


def _file_in_place_of(name: str) -> Change:
    return lambda root: (shutil.rmtree(root / name, ignore_errors=True), (root / name).write_bytes(b"x"))


# What stands in the place of a folder; a resume refuses it.
IN_PLACE_OF_FOLDERS = tuple(
    Folder(
        f"{name} is a file",
        _file_in_place_of(name),
        None,
        False,
        f"{name}' is a file; a study keeps a folder there: move it away",
    )
    for name in (
        "trials",
        "predictions",
        "history",
        "logs",
        "models",
        "checkpoints",
        "candidates",
        "tracking",
    )
)


def _copied(part: float) -> Change:
    def change(root: Path) -> None:
        other = root.with_name("copy")
        shutil.copytree(root, other)
        paths = sorted((other / "trials").glob("*.parquet"))
        for path in paths[int(len(paths) * part) :]:
            path.unlink()

    return change


# What stands beside the study: (name, change, whether a note says that trials count once).
COPIES = (
    ("a whole copy", _copied(1.0), True),
    ("half a copy", _copied(0.5), True),
    ("a link to it", lambda root: root.with_name("copy").symlink_to(root), False),
)
