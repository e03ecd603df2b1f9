"""Bytes and faults in sentences for people; apart from what reads, so that what only names a limit loads none of it."""

from __future__ import annotations

import re

MEGABYTE = 1024 * 1024
_PROGRAM = re.compile(
    r"\b[A-Za-z]+(?:Error|Exception|Warning)\b|\b[Ee]rror (?:code )?-?\d|Traceback|<class |object at 0x|panicked|\.(?:py|rs|cc?|cpp)\b|::"
    r"|codec can't|invalid literal|could not convert|index out of range|NoneType|unpack requires|subscriptable|[Ee]rrno"
)


def humane(message: str) -> str:
    """Leave out of a sentence about a file what a library said in words of programs: the rest is what people can act on."""
    line = " ".join(message.split())
    first = line.partition(": ")[0]
    return first if _PROGRAM.search(line) and not _PROGRAM.search(first) else line


def amount(size: float) -> str:
    """Write a number of bytes for people: ``200 MB``."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1024:  # noqa: PLR2004 - bytes
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} GB"
