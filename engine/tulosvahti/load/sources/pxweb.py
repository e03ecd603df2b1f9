"""``pxweb``: a table of a statistical office, by PxWebApi 1 or 2, whole or not at all.

The limits are asked of the server, the selection is cut into as few queries as they allow, and the queries are spaced by
the server's window. An answer that is less than what was asked for is asked for again in halves; where that does not
help, all is refused. Where the table is updated between two parts, all is asked for again. What is given is one JSON-stat
2.0 dataset, the same bytes for the same figures.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from math import ceil, prod
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from tulosvahti.core.cube import Cube
from tulosvahti.core.cube_parts import Block, Bounds, DoNotFitError, blocks_of, fits, halves, joined
from tulosvahti.core.fetched import Fetched, Given, Part, SourceError
from tulosvahti.load.cubes.writing import json_stat_of
from tulosvahti.load.sources.declared import Declared, SecretShape, Wait, says_secret, seconds_of, secret_in_file
from tulosvahti.load.sources.http import trust_problems, url_problems
from tulosvahti.load.sources.pxweb_asking import Asking
from tulosvahti.load.sources.pxweb_selection import (
    ALLOWED,
    Chosen,
    SelectionError,
    Wanted,
    chosen,
    fault_of,
    left_out,
)
from tulosvahti.load.sources.pxweb_servers import Limits, Server, Table, TooLargeError, Version1, Version2
from tulosvahti.load.sources.web import Access, Web, origin_of
from tulosvahti.problem import Place, Problem

_MOST_CELLS = 5_000_000
_MOST_BYTES = 512 * 1024 * 1024
_ROUNDS = 3
_HALVINGS = 6


def _as_codes(raw: object) -> object:
    if isinstance(raw, list):
        return [str(item) if isinstance(item, int) else item for item in raw]
    return [str(raw)] if isinstance(raw, str | int) else raw


Codes = Annotated[list[str], BeforeValidator(_as_codes)]


class SelectionShape(Declared):
    """What is selected of a variable by one of the office's groupings."""

    codelist: str = Field(default="", pattern=r"^((agg|vs)[_:]\S.*)?$", description="a name such as agg_RegionLevel")
    values: Codes = Field(default=["*"])


class PxwebSource(Declared):
    """A table of a statistical office."""

    url: str = Field(pattern=r"^https?://[^\s/]+(/\S*)?$", description="an address such as https://stat.example/api/v1/fi")
    table: str = Field(pattern=r"^[^\s/?#][^\s?#]*$", description="a table, with its folders in version 1: StatFin/vaerak/11ra.px")
    api: Literal[1, 2]
    language: str = Field(default="", pattern=r"^([A-Za-z-]{2,10})?$", description="a language of the office, such as fi")
    select: dict[str, Codes | SelectionShape] = Field(min_length=1, description="values of each variable")
    format: Literal["json-stat2", "json-stat", "json"] = "json-stat2"
    headers: dict[str, SecretShape | str] = Field(default={})
    trust: str = ""
    wait: Wait = "30 min"

    @property
    def base(self) -> str:
        """The address without the slash at its end."""
        return self.url.rstrip("/")

    @property
    def shown(self) -> str:
        """The table's address."""
        return f"{self.base}/{'tables/' if self.api == 2 else ''}{self.table}"  # noqa: PLR2004

    @property
    def identity(self) -> str:
        """The table, and what is selected of it."""
        return f"pxweb {self.api} {self.shown} {self.language} {self.format} {self._selected()}"

    def _selected(self) -> str:
        plain = {name: item if isinstance(item, list) else [item.codelist, item.values] for name, item in self.select.items()}
        return json.dumps(plain, ensure_ascii=False, sort_keys=True)

    def _wanted(self) -> dict[str, Wanted]:
        return {
            name: Wanted(tuple(item)) if isinstance(item, list) else Wanted(tuple(item.values), item.codelist)
            for name, item in self.select.items()
        }

    def problems(self, place: Callable[[tuple[str | int, ...]], Place], root: Path) -> list[Problem]:
        """See to what the form alone does not tell."""
        found = [*url_problems(self.url, place(("url",))), *trust_problems(self.trust, place(("trust",)), root)]
        if self.api == 1 and self.language:
            step = "end the url with the language: https://…/api/v1/fi"
            found.append(Problem(place(("language",)), "language: in version 1 it is a part of the url", "no language", step))
        if self.api == 2 and self.format != "json-stat2":  # noqa: PLR2004
            found.append(Problem(place(("format",)), f"format: version 2 has no {self.format}", "json-stat2"))
        if "?" in self.url or "#" in self.url:
            found.append(Problem(place(("url",)), "url: it ends before any ? or #", "the address of the API"))
        for name, want in self._wanted().items():
            faults = [fault for text in want.expressions if (fault := fault_of(text))] or (
                [] if want.expressions else ["nothing is selected"]
            )
            found += [Problem(place(("select", name)), f"{name}: {fault}", ALLOWED) for fault in faults]
            masked = any("*" in text or "(" in text for text in want.expressions)
            if self.api == 1 and want.codelist and masked:
                message = f"{name}: version 1 does not tell the values of {want.codelist}"
                found.append(Problem(place(("select", name)), message, "the codes themselves"))
        found += [
            secret_in_file(place(("headers", name)), name)
            for name, value in self.headers.items()
            if isinstance(value, str) and (says_secret(name) or name.lower() == "pw")
        ]
        return found

    def fetch(self, given: Given) -> Fetched:
        """Fetch the whole selection, unless the office says that the table is as it was and none of it is preliminary."""
        origin = origin_of(self.url)
        access = Access(
            origin,
            {key: value for key, value in self.headers.items() if isinstance(value, str)},
            {key: given.secret(value.name) for key, value in self.headers.items() if isinstance(value, SecretShape)},
            trust=given.root / self.trust if self.trust else None,
        )
        with Web(given, seconds_of(self.wait), access, _MOST_BYTES) as web:
            asking = Asking(given, web, origin)
            server = self._server(asking)
            asking.limits = server.limits()
            for _ in range(_ROUNDS):
                table = server.table()
                selection = self._resolved(server, table)
                facts = {"updated": table.updated, "selection": _digest(selection)}
                kept = given.kept
                if kept is not None and kept.files and table.updated and kept.facts.get("provisional") == "0" and all(
                    kept.facts.get(key) == value for key, value in facts.items()
                ):
                    return Fetched(unchanged=True, facts=kept.facts, notices=kept.notices)
                self._in_time(selection, asking.limits, web.until - given.steady())
                cube = _gathered(server, selection, asking.limits, self.shown)
                if cube is not None:
                    notices = self._notices(table, selection, asking)
                    return self._written(given, cube, facts, notices)
        msg = f"{self.shown} was updated while it was fetched, {_ROUNDS} times"
        raise SourceError(msg, "fetch again when the office has published")

    def _server(self, asking: Asking) -> Server:
        if self.api == 1:
            return Version1(asking.ask, self.base, self.table, self.format)
        return Version2(asking.ask, self.base, self.table, self.language)

    def _resolved(self, server: Server, table: Table) -> list[Chosen]:
        wanted = self._wanted()
        variables = [
            server.grouped(item, wanted[item.code].codelist, wanted[item.code].expressions)
            if item.code in wanted and wanted[item.code].codelist
            else item
            for item in table.variables
        ]
        try:
            return chosen(variables, wanted)
        except SelectionError as error:
            msg = f"select does not fit {self.shown}: {error}"
            raise SourceError(msg, "mend `select` in the contract") from error

    def _in_time(self, selection: list[Chosen], limits: Limits, left: float) -> None:
        """Refuse at once what cannot be done.

        Raises:
            SourceError: too many figures, or more queries than the window allows in the time.

        """
        cells = prod(len(item.codes) for item in selection)
        if cells > _MOST_CELLS:
            msg = f"select takes {cells} figures of {self.shown}; allowed: at most {_MOST_CELLS}"
            raise SourceError(msg, "select fewer values of some variable")
        queries = len(_blocks(selection, limits, self.shown))
        if limits.calls and (ceil(queries / limits.calls) - 1) * limits.window > left:
            msg = (
                f"select takes {queries} queries of {self.shown}, of which the server answers {limits.calls} in "
                f"{limits.window:g} s: that is more than the {left:.0f} s there are"
            )
            raise SourceError(msg, "raise `wait` in the contract, or select less")

    def _notices(self, table: Table, selection: list[Chosen], asking: Asking) -> tuple[str, ...]:
        found = []
        if out := left_out(table.variables, selection):
            found.append(f"not selected, so the office's total is taken: {', '.join(out)}")
        if not asking.limits.told:
            found.append("the server does not tell its limits: it was asked as carefully as the strictest one")
        return tuple(found)

    def _written(self, given: Given, cube: Cube, facts: dict[str, str], notices: tuple[str, ...]) -> Fetched:
        provenance = {"address": self.shown, "api": self.api, "language": self.language, "select": self._selected()}
        path = given.folder / "table.json"
        path.write_bytes(json_stat_of(cube, provenance))
        name = self.table.rpartition("/")[2].removesuffix(".px").removesuffix(".PX")
        return Fetched((Part(f"{name}.json", path),), notices, facts=facts | {"provisional": str(len(cube.provisional))})


def _digest(selection: list[Chosen]) -> str:
    plain = [[item.variable, item.codelist, list(item.codes)] for item in selection]
    return hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()


def _blocks(selection: list[Chosen], limits: Limits, shown: str) -> list[Block]:
    try:
        return blocks_of([len(item.codes) for item in selection], Bounds(limits.cells, limits.values))
    except DoNotFitError as error:
        msg = f"{shown} cannot be asked for: {error}"
        raise SourceError(msg, "tell the office; its limits let no query through") from error


def _gathered(server: Server, selection: list[Chosen], limits: Limits, shown: str) -> Cube | None:
    """Ask for every block and join the answers; None where the table was updated on the way.

    Raises:
        SourceError: an answer is less than what was asked for, however small the question.

    """
    waiting = [(block, 0) for block in reversed(_blocks(selection, limits, shown))]
    asked: list[tuple[str, tuple[str, ...]]] = [(item.variable, item.codes) for item in selection]
    most = 0
    parts: list[tuple[Block, Cube]] = []
    while waiting:
        block, halved = waiting.pop()
        cells = prod(stop - start for start, stop in block)
        if most and cells > most:
            waiting += [(half, halved) for half in reversed(halves(block))]
            continue
        question = [
            Chosen(item.variable, item.codes[start:stop], item.codelist)
            for item, (start, stop) in zip(selection, block, strict=True)
        ]
        try:
            part = server.data(question)
            if told := fits(part, [(item.variable, item.codes) for item in question]):
                raise TooLargeError(told)  # noqa: TRY301 (as a server that says so itself)
        except TooLargeError as error:
            if cells == 1 or halved == _HALVINGS:
                msg = f"{shown} does not give what is asked for, not even in small parts: {error}"
                raise SourceError(msg, "see what the office's own page gives for the same selection, and tell the office") from error
            two = halves(block)
            most = max(prod(stop - start for start, stop in half) for half in two)
            waiting += [(half, halved + 1) for half in reversed(two)]
            continue
        if parts and part.updated != parts[0][1].updated:
            return None
        parts.append((block, part))
    # A variable of one value may come without having been asked for: what is measured, where there is nothing to choose.
    others = [(item.code, item.codes) for item in parts[0][1].dimensions if item.code not in dict(asked)]
    try:
        return joined([*asked, *others], [((*block, *(((0, 1),) * len(others))), part) for block, part in parts])
    except DoNotFitError as error:
        msg = f"{shown}: the parts do not make one table: {error}"
        raise SourceError(msg, "fetch again; if it stays so, tell the office") from error
