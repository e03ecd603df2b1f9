"""Templates of pages, compiled as Python compiles, and kept where Python keeps its own: in ``__pycache__``, if it may."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined

from tulosvahti.emit.words import printable

if TYPE_CHECKING:
    from jinja2.bccache import Bucket

_FOLDER = Path(__file__).parent / "templates" / "__pycache__"


@lru_cache
def pages(package: str) -> Environment:
    """Give where the pages of a package are rendered: escaped, strict, control characters dropped."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=printable,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=Compiled(),
    )


class Compiled(BytecodeCache):
    """The compiled templates; a bucket that is of another Jinja, Python or text is compiled anew by Jinja."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what was kept."""
        with suppress(OSError), _place(bucket).open("rb") as stream:
            bucket.load_bytecode(stream)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled; where that may not be, it is compiled by each run."""
        if not sys.dont_write_bytecode:
            place = _place(bucket)
            part = place.with_suffix(f".{os.getpid()}")
            with suppress(OSError):
                place.parent.mkdir(exist_ok=True)
                part.write_bytes(bucket.bytecode_to_string())
                part.replace(place)


def _place(bucket: Bucket) -> Path:
    return _FOLDER / f"{bucket.key}.{sys.implementation.cache_tag}.jinja"
