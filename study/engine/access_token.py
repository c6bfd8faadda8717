"""The token of the study's Ray: who has it may run code in it, so its file is readable by its owner alone.

Ray looks for a token in `RAY_AUTH_TOKEN`, then in the file that `RAY_AUTH_TOKEN_PATH` names, then in
`~/.ray/auth_token`. A token that is there is kept: other Ray clusters of the user may know it too.
"""

from __future__ import annotations

import atexit
import os
import secrets
import stat
import uuid
from pathlib import Path

from study.errors import UserError
from study.machine.scratch import make_scratch, remove_scratch


def token_path() -> Path | None:
    """Return the file of Ray's token, or None if the environment holds the token itself."""
    if os.environ.get("RAY_AUTH_TOKEN"):
        return None
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    if named:
        return Path(named)
    try:
        return Path.home() / ".ray" / "auth_token"
    except RuntimeError:  # a user without a home
        return _private_path()


def prepare_token() -> str | None:
    """Make a token if there is none, and close its file to everybody but its owner.

    Returns:
        None, or a line for the user: others could read the file until now.

    Raises:
        UserError: there can be no token file that its owner alone reads.
    """
    path = token_path()
    if path is None:
        return None
    try:
        return _prepare(path)
    except OSError as error:
        if not os.environ.get("RAY_AUTH_TOKEN_PATH"):  # the home can't be written: one for this process
            _prepare(_private_path())
            return None
        raise UserError(
            f"Ray's token file '{path}' must be readable by its owner alone, and can't be made so: "
            f"{error.strerror}; name another file in RAY_AUTH_TOKEN_PATH"
        ) from None


def _prepare(path: Path) -> str | None:
    if not path.exists():
        _create(path)
    return _close(path)


def _private_path() -> Path:
    """Return the path of a token for this process and its children alone; it goes away with the process."""
    folder = make_scratch("finetune-study-token")
    atexit.register(remove_scratch, folder)
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(folder / "auth_token")
    return Path(os.environ["RAY_AUTH_TOKEN_PATH"])


def _create(path: Path) -> None:
    """Write a new token, whole or not at all; one that appears in the meantime is kept."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with open(
            os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(secrets.token_hex(32))
        if not path.exists():
            _link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink(missing_ok=True)


def _link(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # not every file system knows hard links
        os.replace(temporary, path)


def _close(path: Path) -> str | None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & 0o077:
        return None
    path.chmod(0o600)
    return (
        f"Ray's token file {path} was open to other users (mode {mode:04o}) and is closed now; "
        "if some of them are not to be trusted, delete it: the next study makes a new one"
    )
