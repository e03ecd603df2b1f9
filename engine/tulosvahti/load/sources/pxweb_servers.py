"""The two versions of PxWebApi: how each tells its limits and its variables, and how a selection is asked of it.

Version 1: "PxWeb API 1.0" of Statistics Sweden; limits by ``?config`` at the language's address: ``maxCells`` (cells of a
query), ``maxValues`` (of a variable with more values its codes are kept back), ``maxCalls`` in ``timeWindow`` seconds. Too
large a query is answered 403. Version 2: www.pxtools.net/PxWebApi and PxTools/PxApiSpecs: ``/config`` with
``maxDataCells``, ``maxCallsPerTimeWindow`` and ``timeWindow`` (0: told in headers, not unlimited), ``/tables/ID/metadata``,
``/tables/ID/data``, ``/codelists/ID``; too large is 400 with a title.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from tulosvahti.core.cube import METRIC, TIME, Cube
from tulosvahti.core.fetched import SourceError
from tulosvahti.load.cubes import read_cube
from tulosvahti.load.cubes.jsonstat import dimensions_of
from tulosvahti.load.cubes.marks import items_of
from tulosvahti.load.cubes.parsing import parsed
from tulosvahti.load.cubes.pxjson import CONTENTS
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.sources.pxweb_selection import Chosen, Variable, nearest

FALLBACK_CELLS, FALLBACK_CALLS, FALLBACK_WINDOW = 10_000, 10, 10.0
"""What is kept to where a server does not tell its limits: the least that installations are known to allow."""
_TOO_LARGE = frozenset({403, 413})
FORMATS = ("json-stat2", "json-stat", "json")


@dataclass(frozen=True)
class Limits:
    """What a server allows: cells and codes of a query, and calls in a window of seconds; 0: it does not say."""

    cells: int = 0
    values: int = 0
    calls: int = 0
    window: float = 0.0
    told: bool = True


@dataclass(frozen=True)
class Table:
    """What a server tells of a table before any figure: its variables, and when it was updated."""

    title: str
    variables: tuple[Variable, ...]
    updated: str = ""


@dataclass(frozen=True)
class Answer:
    """What came of one question: the status and the body."""

    status: int
    body: bytes


Ask = Callable[[str, Any], Answer]
"""Ask a URL, with a JSON body or None; waits for the server's window and tries again where that may help."""


class TooLargeError(Exception):
    """The server says that a query selects too much, or gives less than was asked for."""


class Server(Protocol):
    """One version of the API, at one address."""

    def limits(self) -> Limits:
        """Ask what is allowed."""

    def table(self) -> Table:
        """Ask for the variables."""

    def grouped(self, variable: Variable, codelist: str, codes: Sequence[str]) -> Variable:
        """Give a variable as a grouping has it."""

    def data(self, selection: Sequence[Chosen]) -> Cube:
        """Ask for figures.

        Raises:
            TooLargeError: the selection is to be split.

        """


@dataclass(frozen=True)
class Version1:
    """PxWebApi 1: ``base`` is the address up to the language, ``path`` the rest."""

    ask: Ask
    base: str
    path: str
    form: str = FORMATS[0]

    @property
    def url(self) -> str:
        """The table's address."""
        return f"{self.base}/{quote(self.path, safe='/')}"

    def limits(self) -> Limits:
        """Ask ``?config``; an old server has none."""
        answer = self.ask(f"{self.base}?config", None)
        data = _object(answer) if answer.status == 200 else {}  # noqa: PLR2004
        if not data:
            return Limits(FALLBACK_CELLS, 0, FALLBACK_CALLS, FALLBACK_WINDOW, told=False)
        values, cells = _count(data.get("maxValues")), _count(data.get("maxCells"))
        return Limits(cells or values or FALLBACK_CELLS, values, _count(data.get("maxCalls")), float(_count(data.get("timeWindow"))))

    def table(self) -> Table:
        """Ask the table's address."""
        data = _good(self.ask(self.url, None), self.url)
        listed = data.get("variables") if isinstance(data, dict) else None
        if not isinstance(listed, list) or not all(isinstance(item, dict) and "code" in item for item in listed):
            raise _no_table(self.url, "it is a folder of tables" if isinstance(data, list) else "it lists no variables")
        return Table(str(data.get("title") or ""), tuple(_variable1(item) for item in listed))

    def grouped(self, variable: Variable, codelist: str, codes: Sequence[str]) -> Variable:
        """Take the codes as they are declared: this version does not list those of a grouping."""
        del codelist
        return replace(variable, codes={code: code for code in codes})

    def data(self, selection: Sequence[Chosen]) -> Cube:
        """Post the selection."""
        query = [
            {
                "code": item.variable,
                "selection": {"filter": _filter(item.codelist), "values": list(item.codes)},
            }
            for item in selection
        ]
        answer = self.ask(self.url, {"query": query, "response": {"format": self.form}})
        if answer.status in _TOO_LARGE:
            raise TooLargeError(_said(answer) or f"it answers {answer.status}")
        _good(answer, self.url, wanted=_asked_for(selection))
        return _named(_cube(answer, self.url), selection)


@dataclass(frozen=True)
class Version2:
    """PxWebApi 2: ``base`` is the address of the API, ``name`` the table's."""

    ask: Ask
    base: str
    name: str
    language: str = ""

    def _url(self, path: str, **parameters: str) -> str:
        asked = {"lang": self.language} if self.language else {}
        query = urlencode(asked | parameters)
        return f"{self.base}/{path}" + (f"?{query}" if query else "")

    def limits(self) -> Limits:
        """Ask ``/config``, and see that the language is one of its own."""
        url = f"{self.base}/config"
        data = _good(self.ask(url, None), url)
        if not isinstance(data, dict) or "maxDataCells" not in data:
            msg = f"{url} is no configuration of PxWebApi 2"
            raise SourceError(msg, "give the address that ends before /tables, or `api: 1`")
        languages = [str(item.get("id")) for item in items_of(data.get("languages")) if isinstance(item, dict)]
        if self.language and languages and self.language not in languages:
            msg = f"{self.base} has no language {self.language!r}; allowed: {', '.join(languages)}"
            raise SourceError(msg, "mend `language` in the contract")
        return Limits(
            _count(data.get("maxDataCells")) or FALLBACK_CELLS, 0,
            _count(data.get("maxCallsPerTimeWindow")), float(_count(data.get("timeWindow"))),
        )  # fmt: skip

    def table(self) -> Table:
        """Ask ``/tables/ID/metadata``."""
        url = self._url(f"tables/{quote(self.name)}/metadata", outputFormat="json-stat2")
        data = _good(self.ask(url, None), url)
        try:
            found = dimensions_of(data)
        except UnreadableError as error:
            raise _no_table(url, str(error)) from error
        return Table(
            str(data.get("label") or ""),
            tuple(_variable2(item, data["dimension"][item.code]) for item in found),
            str(data.get("updated") or ""),
        )

    def grouped(self, variable: Variable, codelist: str, codes: Sequence[str]) -> Variable:
        """Ask ``/codelists/ID``."""
        del codes
        if variable.codelists and codelist not in variable.codelists:
            near = nearest(codelist, variable.codelists)
            msg = f"variable {variable.code!r} has no codelist {codelist!r}{near}; allowed: {', '.join(variable.codelists)}"
            raise SourceError(msg, "mend `codelist` in the contract")
        url = self._url(f"codelists/{quote(codelist)}")
        data = _good(self.ask(url, None), url)
        listed = data.get("values") if isinstance(data, dict) else None
        if not isinstance(listed, list):
            msg = f"{url} lists no values"
            raise SourceError(msg, "mend `codelist` in the contract")
        values = {str(item["code"]): str(item.get("label") or item["code"]) for item in listed if isinstance(item, dict) and "code" in item}
        return replace(variable, codes=values)

    def data(self, selection: Sequence[Chosen]) -> Cube:
        """Post the selection."""
        url = self._url(f"tables/{quote(self.name)}/data", outputFormat="json-stat2")
        asked = [
            {"variableCode": item.variable, "valueCodes": list(item.codes), **({"codelist": item.codelist} if item.codelist else {})}
            for item in selection
        ]
        answer = self.ask(url, {"selection": asked})
        if answer.status == 413 or (answer.status in {400, 403} and "too many" in _said(answer).lower()):  # noqa: PLR2004
            raise TooLargeError(_said(answer) or f"it answers {answer.status}")
        _good(answer, url, wanted=_asked_for(selection))
        return _cube(answer, url)


def _filter(codelist: str) -> str:
    """Write a grouping as version 1 has it: ``agg_Age5`` of version 2 is ``agg:Age5``."""
    return re.sub(r"^(agg|vs)_", r"\1:", codelist) or "item"


def _named(cube: Cube, selection: Sequence[Chosen]) -> Cube:
    """Give the variable of what is measured its name, which PxWeb's ``json`` leaves out."""
    there = {item.code for item in cube.dimensions}
    lacking = [item.variable for item in selection if item.variable not in there]
    if len(lacking) != 1 or CONTENTS not in there:
        return cube
    name = lacking[0]
    dimensions = tuple(replace(item, code=name, text=name) if item.code == CONTENTS else item for item in cube.dimensions)
    return replace(cube, dimensions=dimensions)


def _cube(answer: Answer, url: str) -> Cube:
    try:
        cube = read_cube(answer.body)
    except UnreadableError as error:
        # Perhaps the server cut it: a smaller question shows.
        raise TooLargeError(str(error)) from error
    if cube is None:
        raise _no_table(url, "the answer is JSON, and no table in JSON-stat or PxWeb's json")
    return cube


def _good(answer: Answer, url: str, wanted: str = "") -> Any:  # noqa: ANN401 (JSON)
    """Give the parsed body of a good answer.

    Raises:
        SourceError: it is not good, with what the server said.

    """
    bare = url.partition("?")[0]
    if answer.status == 404:  # noqa: PLR2004
        raise _no_table(bare, _said(answer) or "answered 404")
    if answer.status != 200:  # noqa: PLR2004
        said = _said(answer)
        msg = f"{bare} answered {answer.status}{f': {said}' if said else ''}{f' (asked for {wanted})' if wanted else ''}"
        raise SourceError(msg, "see that url, table and select in the contract are what the office has")
    if wanted:
        return None
    try:
        return parsed(answer.body)
    except UnreadableError as error:
        msg = f"{bare}: {error}"
        raise SourceError(msg, "see with a browser what is at the address, and mend the contract") from error


def _no_table(url: str, why: str) -> SourceError:
    msg = f"{url.partition('?')[0]} is no table: {why}"
    return SourceError(msg, "mend url and table in the contract: copy the address that the office shows under API")


def _said(answer: Answer) -> str:
    """Give what a refusal says: ``error`` of version 1, ``title`` and ``detail`` of version 2; no web page."""
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(data, dict):
        return ""
    return ": ".join(str(data[key])[:200] for key in ("error", "title", "detail") if data.get(key))


def _object(answer: Answer) -> dict[str, Any]:
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _count(raw: Any) -> int:  # noqa: ANN401 (JSON)
    return raw if isinstance(raw, int) and not isinstance(raw, bool) and raw > 0 else 0


def _asked_for(selection: Sequence[Chosen]) -> str:
    return ", ".join(f"{len(item.codes)} of {item.variable}" for item in selection)


def _variable1(item: Mapping[str, Any]) -> Variable:
    values, texts = item.get("values"), item.get("valueTexts")
    codes = None
    if isinstance(values, list):
        names = texts if isinstance(texts, list) and len(texts) == len(values) else values
        codes = {str(code): str(text) for code, text in zip(values, names, strict=True)}
    code = str(item["code"])
    return Variable(code, str(item.get("text") or code), codes, item.get("elimination") is True, item.get("time") is True)


def _variable2(item: Any, raw: Mapping[str, Any]) -> Variable:  # noqa: ANN401 (a Dimension)
    extension = raw.get("extension")
    more = extension if isinstance(extension, dict) else {}
    lists = more.get("codelists", more.get("codeLists"))
    return Variable(
        item.code,
        item.text,
        {one.code: one.text for one in item.categories},
        more.get("elimination") is True and item.role != METRIC,
        item.role == TIME,
        tuple(str(one["id"]) for one in items_of(lists) if isinstance(one, dict) and "id" in one),
    )
