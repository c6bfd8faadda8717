"""Text files as people have them: compressed or not, in UTF-8 or as Windows writes it."""

from __future__ import annotations

import codecs
import io
import lzma
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from study.errors import UserError

COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".xz": "xz"}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLOCK_CHARACTERS = 1 << 20
# A word that has bytes which are no UTF-8.
_ESCAPED_WORD = re.compile(r"[\w\udc80-\udcff]*[\udc80-\udcff][\w\udc80-\udcff]*")
_MOST_SHOWN = 20


_HALF_PAIRS = "study.half_pairs"


def _half_pair(error: UnicodeError) -> tuple[str, int]:
    """Return half a pair for what is no text, which no text may have, and where to go on."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\ud800", error.end


codecs.register_error(_HALF_PAIRS, _half_pair)


@dataclass(frozen=True)
class Encoding:
    """How the bytes of a file are read as text.

    Attributes:
        name: as Python calls it.
        note: what has to be said of it, or None.
    """

    name: str
    note: str | None = None


def find_encoding(path: Path, compression: str | None) -> Encoding:
    """Return a file's encoding: by its byte order mark, or UTF-8, or Windows-1252 (a larger Latin-1).

    A file in which some letters are UTF-8 and some bytes are not is UTF-8 with faults: what is none reads as
    half pairs (`surrogateescape`), which no text may have, so the rows in question are bad ones.

    Raises:
        UserError: the file can't be read or decompressed, or looks like UTF-16 without its mark.
    """
    with open_bytes(path, compression) as stream:
        head = stream.read(4)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name)
    if len(head) == 4 and sorted((any(head[::2]), any(head[1::2]))) == [False, True]:
        raise UserError(f"data file '{path}' looks like UTF-16 without its mark; valid: UTF-8")
    is_utf8, has_letters, word = True, False, ""
    with open_bytes(path, compression) as stream:
        for block in _decoded(stream):
            if not block.isascii():
                escaped = sum("\udc80" <= sign <= "\udcff" for sign in block)
                is_utf8 = is_utf8 and not escaped
                word = word or (_ESCAPED_WORD.search(block) or [""])[0]
                has_letters = has_letters or any(
                    "\x7f" < sign < "\udc80" or sign > "\udcff" for sign in block
                )
    if is_utf8 or has_letters:
        return Encoding("utf-8")
    shown = word.encode("utf-8", "surrogateescape").decode("cp1252", "replace")[:_MOST_SHOWN]
    return Encoding("cp1252", f"{path.name} is not UTF-8 and is read as Windows-1252 (Latin-1): '{shown}'")


@contextmanager
def open_bytes(path: Path, compression: str | None) -> Iterator[IO[bytes]]:
    """Open a file to read what it holds, decompressed.

    Raises:
        UserError: it can't be read or decompressed, or ends too early; within the `with` too.
    """
    try:
        if compression == "xz":
            with lzma.open(path) as stream:
                yield stream
        else:
            with pa.input_stream(str(path), compression=compression) as source:
                yield io.BufferedReader(source)
    except (OSError, EOFError, lzma.LZMAError, pa.ArrowException) as error:
        what = "read" if compression is None else f"decompressed as {compression}"
        raise UserError(f"data file '{path}' can't be {what}: {_first_line(error)}") from None


@contextmanager
def open_text(path: Path, compression: str | None, encoding: Encoding, newline: str) -> Iterator[IO[str]]:
    """Open a file to read it as text; bytes that are none of its encoding read as half pairs.

    Raises:
        UserError: see `open_bytes`.
    """
    with open_bytes(path, compression) as stream:
        errors = _HALF_PAIRS if encoding.name.startswith(("utf-16", "utf-32")) else "surrogateescape"
        yield io.TextIOWrapper(stream, encoding=encoding.name, errors=errors, newline=newline)


def _decoded(stream: IO[bytes]) -> Iterator[str]:
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="\n")
    while block := text.read(_BLOCK_CHARACTERS):
        yield block


def _first_line(error: Any) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
