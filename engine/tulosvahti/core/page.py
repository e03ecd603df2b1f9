"""A page of text that is no grid yet: a text file, or a page of a PDF laid out by where its words stand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TextPage:
    """Lines of text from one place, still to be cut into cells.

    ``source`` as it is shown: ``agreement.txt``, ``book.pdf, page 12``; ``lines`` without their ends, blank ones kept;
    ``first_line``: the number of the first of them in the file or on the page, from 1; ``page``: the page of a PDF,
    from 1, else None.
    """

    source: str
    lines: tuple[str, ...]
    first_line: int = 1
    page: int | None = None
