"""Zip archives of XML parts, read in pieces, with a count of what they unfold to.

Convention: part names are compared in small letters with forward slashes and without a leading one.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Self
from xml.parsers import expat

from tulosvahti.load.amounts import amount
from tulosvahti.load.sheets.reading import BrokenSheetError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType
    from xml.parsers.expat import XMLParserType

_CHUNK = 1 << 16
_PROTECTED = 1
_MOST_PARTS = 20_000
_READ = (".xml", ".rels", ".bin")
"""Endings of the parts that are read; pictures are not."""

DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OSError,
    expat.ExpatError, UnicodeError, ValueError, LookupError, ArithmeticError,
)  # fmt: skip
"""What reading a damaged part may raise."""


class Archive:
    """The parts of a zip file; all that is read from it counts towards one limit."""

    def __init__(self, path: Path, unpacked: int) -> None:
        """Open it.

        Raises:
            RefusedError: where it is no zip file that can be read.

        """
        self._limit = self._left = unpacked
        try:
            self._zip = zipfile.ZipFile(path)
            infos = self._zip.infolist()
        except DAMAGE as error:
            msg = f"file is a damaged or unfinished zip archive: {error}"
            step = "open it in a spreadsheet program and save it again, or ask for a new copy"
            raise RefusedError(msg, next_step=step) from error
        if len(infos) > _MOST_PARTS:
            msg = f"file is a zip archive of {len(infos)} parts"
            raise RefusedError(msg, f"at most {_MOST_PARTS}", "save the table as a workbook of its own")
        if sum(info.file_size for info in infos if info.filename.lower().endswith(_READ)) > unpacked:
            # What it says of itself is enough: nothing of it is unfolded.
            raise _too_much(unpacked)
        self._parts = {_key(info.filename): info for info in infos}

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._zip.close()

    @property
    def names(self) -> frozenset[str]:
        """The names of the parts."""
        return frozenset(self._parts)

    def size(self, name: str) -> int:
        """Give how large a part says that it is; 0 where it is not there."""
        info = self._parts.get(_key(name))
        return info.file_size if info else 0

    def chunks(self, name: str) -> Iterator[bytes]:
        """Give a part in pieces.

        Raises:
            BrokenSheetError: the part is not there.
            RefusedError: it has a password, or the archive unfolds to more than is allowed.
            one of ``DAMAGE``: it is damaged; what came before is right.

        """
        info = self._parts.get(_key(name))
        if info is None:
            msg = f"the part {name} is missing"
            raise BrokenSheetError(msg)
        if info.flag_bits & _PROTECTED:
            msg = "the archive has a password"
            raise RefusedError(msg, next_step="save the workbook without a password")
        with self._zip.open(info) as part:
            while piece := part.read(_CHUNK):
                self._left -= len(piece)
                if self._left < 0:
                    raise _too_much(self._limit)
                yield piece

    def whole(self, name: str) -> bytes:
        """Give a part, for small ones; errors as of ``chunks``."""
        return b"".join(self.chunks(name))


def _too_much(limit: int) -> RefusedError:
    step = "split the workbook, or delete the unused rows and columns and save it again"
    return RefusedError(f"file unfolds to more than {amount(limit)}", f"at most {amount(limit)} unfolded", step)


def _key(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def parser() -> XMLParserType:
    """Give a parser that joins texts and refuses document types, with which a small part unfolds to gigabytes."""
    made = expat.ParserCreate()
    made.buffer_text = True
    made.StartDoctypeDeclHandler = _refuse
    return made


def _refuse(*_: object) -> None:
    msg = "it declares a document type, which no spreadsheet program writes"
    raise BrokenSheetError(msg)


def parse(made: XMLParserType, pieces: Iterator[bytes]) -> None:
    """Feed a parser with a part."""
    for piece in pieces:
        made.Parse(piece, False)  # noqa: FBT003 - the parser's own signature
    made.Parse(b"", True)  # noqa: FBT003


def walk(pieces: Iterator[bytes], found: Callable[[str, dict[str, str]], None]) -> None:
    """Call ``found`` with each element's name, without prefix, and its attributes, for small parts."""
    made = parser()
    made.StartElementHandler = lambda tag, attributes: found(tag.rpartition(":")[2], attributes)
    parse(made, pieces)
