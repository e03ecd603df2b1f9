"""XML changed where it stands: tags with their places in the bytes, and edits put in there.

Everything that is not edited stays byte for byte, with all its extensions and namespaces. What is put in is ASCII with
character references, so that the encoding of the part does not matter.

Convention: places are offsets in bytes; an edit replaces ``start`` up to ``end`` (excluded).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.parsers import expat

from tulosvahti.emit.words import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_START_TAG = re.compile(rb"""<[^\s/>]+(?:[^>"']|"[^"]*"|'[^']*')*>""")
_CODED = re.compile(r"(_x[0-9A-Fa-f]{4}_)")
Edit = tuple[int, int, bytes]


class UnpatchableError(ValueError):
    """A part of the file is not as it has to be for a safe change."""


@dataclass
class Tag:
    """An element: raw ``name``, its start tag from ``start`` to ``opened``, its end tag from ``closing`` to ``end``.

    ``empty``: it is written as one tag.
    """

    name: str
    attributes: Mapping[str, str]
    start: int
    depth: int
    opened: int
    empty: bool
    closing: int = 0
    end: int = 0
    children: list[Tag] = field(default_factory=list)

    @property
    def local(self) -> str:
        """Give the name without its prefix."""
        return self.name.rpartition(":")[2]

    @property
    def prefix(self) -> str:
        """Give the prefix with its colon, empty where there is none."""
        return self.name[: -len(self.local)]

    def child(self, local: str) -> Tag | None:
        """Give the first child of a name."""
        return next((item for item in self.children if item.local == local), None)


def utf8(data: bytes) -> bytes:
    """Give a part that is UTF-16 as UTF-8; any other as it is."""
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data
    return re.sub(r"""(<\?xml[^>]*?)\s+encoding=["'][^"']*["']""", r"\1", data.decode("utf-16")).encode("utf-8")


def parse(
    data: bytes,
    start: Callable[[expat.XMLParserType, str, dict[str, str]], None],
    end: Callable[[expat.XMLParserType, str], None],
) -> None:
    """Read XML, calling back with the parser, whose ``CurrentByteIndex`` says where.

    Raises:
        UnpatchableError: it is not well-formed, or declares a document type.

    """
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        msg = "a part declares a document type"
        raise UnpatchableError(msg)

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda name, attributes: start(parser, name, attributes)
    parser.EndElementHandler = lambda name: end(parser, name)
    try:
        parser.Parse(data, True)  # noqa: FBT003 (expat's own form: this is all)
    except expat.ExpatError as error:
        msg = f"a part is not well-formed XML: {error}"
        raise UnpatchableError(msg) from error


def proven(data: bytes) -> None:
    """Make sure that a part is well-formed.

    Raises:
        UnpatchableError: it is not.

    """
    try:
        expat.ParserCreate().Parse(data, True)  # noqa: FBT003 (as in ``parse``)
    except expat.ExpatError as error:
        msg = f"a part would not be well-formed XML: {error}"
        raise UnpatchableError(msg) from error


def tree(data: bytes) -> Tag:
    """Read a small part whole.

    Raises:
        UnpatchableError: see ``parse``.

    """
    stack: list[Tag] = []
    roots: list[Tag] = []

    def start(parser: expat.XMLParserType, name: str, attributes: dict[str, str]) -> None:
        at = parser.CurrentByteIndex
        opened = tag_end(data, at)
        tag = Tag(name, attributes, at, len(stack), opened, is_empty(data, opened))
        (stack[-1].children if stack else roots).append(tag)
        stack.append(tag)

    def end(parser: expat.XMLParserType, _: str) -> None:
        tag = stack.pop()
        tag.closing = tag.opened if tag.empty else parser.CurrentByteIndex
        tag.end = tag.opened if tag.empty else data.index(b">", tag.closing) + 1

    parse(data, start, end)
    return roots[0]


def tag_end(data: bytes, start: int) -> int:
    """Give the place just after a start tag."""
    found = _START_TAG.match(data, start)
    if found is None:
        msg = "a tag is not where it should be"
        raise UnpatchableError(msg)
    return found.end()


def is_empty(data: bytes, opened: int) -> bool:
    """Tell whether the start tag that ends here is all of its element."""
    return data[opened - 2 : opened] == b"/>"


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """Put edits in; several at one place stay in the order given."""
    parts: list[bytes] = []
    at = 0
    for start, end, text in sorted(edits, key=lambda edit: edit[:2]):
        if start < at:
            msg = "two edits overlap"
            raise UnpatchableError(msg)
        parts += [data[at:start], text]
        at = end
    return b"".join([*parts, data[at:]])


def appended(data: bytes, tag: Tag, text: str) -> Edit:
    """Put text in as the last of an element's content."""
    if not tag.empty:
        return tag.closing, tag.closing, ascii_bytes(text)
    return tag.start, tag.opened, unclosed(data[tag.start : tag.opened]) + ascii_bytes(f"{text}</{tag.name}>")


def unclosed(tag: bytes) -> bytes:
    """Give the tag of an empty element as a start tag."""
    return tag.removesuffix(b"/>").rstrip() + b">"


def with_attribute(tag: bytes, name: str, value: str) -> bytes:
    """Give a start tag with an attribute set."""
    pattern = re.compile(rb"(\s%b\s*=\s*)(?:\"[^\"]*\"|'[^']*')" % re.escape(name.encode()))
    text = ascii_bytes(attribute(value))
    if pattern.search(tag):
        return pattern.sub(lambda found: found[1] + b'"' + text + b'"', tag, count=1)
    ending = re.compile(rb"\s*/?>$")
    return ending.sub(lambda found: b" " + name.encode() + b'="' + text + b'"' + found[0].strip(), tag, count=1)


def without_attribute(tag: bytes, name: str) -> bytes:
    """Give a start tag without an attribute."""
    return re.sub(rb"\s%b\s*=\s*(?:\"[^\"]*\"|'[^']*')" % re.escape(name.encode()), b"", tag, count=1)


def ascii_bytes(text: str) -> bytes:
    """Write text as ASCII, other characters as references."""
    return text.encode("ascii", "xmlcharrefreplace")


def escaped(text: str) -> str:
    """Escape a text for an element; its lines stay, other control characters go."""
    lines = (clean(line) for line in text.split("\n"))
    said = "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _CODED.sub(r"_x005F\1", said)


def attribute(text: str) -> str:
    """Escape a text for an attribute in double quotes."""
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
