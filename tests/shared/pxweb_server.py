"""A statistical office on a real server: PxWebApi 1 and 2 over one table, with limits, a window, and faults on demand.

The figure of a cell is its number in the table, so that a cell in a wrong place is seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from web_server import Answer, Asked

V1, V2 = "/PXWeb/api/v1/fi", "/api/v2"
PATH, NAME = "StatFin/vaerak/11ra.px", "TAB1"


@dataclass
class Office:
    """The table and how the server behaves.

    ``faults``: what to do instead of the n-th data answer (from 1). ``cut``: cells beyond which an answer is silently
    short. ``clock``: by which the window is counted. ``hidden``: variables whose values are kept back.
    """

    variables: dict[str, list[str]]
    texts: dict[str, str] = field(default_factory=dict)
    time: str = ""
    metric: str = ""
    optional: tuple[str, ...] = ()
    most_cells: int = 100_000
    most_values: int = 0
    calls: int = 0
    window: int = 0
    clock: Callable[[], float] = lambda: 0.0
    updated: str = "2026-04-01T05:00:00Z"
    notes: tuple[str, ...] = ()
    value_notes: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    aggregallowed: bool | None = None
    symbols: dict[int, str] = field(default_factory=dict)
    faults: dict[int, Callable[[Answer], Answer]] = field(default_factory=dict)
    cut: int = 0
    config: bool = True
    hidden: tuple[str, ...] = ()
    codelists: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    languages: tuple[str, ...] = ("fi", "sv", "en")
    retry_after: bool = True
    answered: int = 0
    refused: int = 0
    asked: list[tuple[float, str]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    before_data: Callable[[Office], None] = lambda _office: None

    def answer_to(self, asked: Asked) -> Answer:
        """Answer a question, if it does not come too soon."""
        now = self.clock()
        recent = [moment for moment, _ in self.asked if moment > now - self.window]
        if self.calls and len(recent) >= self.calls:
            self.refused += 1
            wait = {"Retry-After": str(self.window)} if self.retry_after else {}
            return Answer(429, b"429 - Too many requests in too short timeframe.", wait)
        self.asked.append((now, f"{asked.method} {asked.path}"))
        parts = urlsplit(asked.path)
        path, query = unquote(parts.path), {key: values[0] for key, values in parse_qs(parts.query).items()}
        if path.startswith(V1):
            return self._version1(path.removeprefix(V1).strip("/"), parts.query, asked)
        if path.startswith(V2):
            return self._version2(path.removeprefix(V2).strip("/"), query, asked)
        return Answer(404)

    def _version1(self, path: str, query: str, asked: Asked) -> Answer:
        if not path and query == "config":
            told = {"maxValues": self.most_values or self.most_cells, "maxCells": self.most_cells, "maxCalls": self.calls, "timeWindow": self.window, "CORS": True}  # fmt: skip
            return _json(told) if self.config else Answer(400, b"Bad Request")
        if path == PATH.rpartition("/")[0]:
            return _json([{"id": "11ra.px", "type": "t", "text": "Population"}])
        if path != PATH:
            return Answer(404, b"<html>404</html>")
        if asked.method == "GET":
            return _json({"title": "Väestö", "variables": [self._listed(name) for name in self.variables]})
        body = json.loads(asked.body)
        selected: dict[str, list[str]] = {}
        for item in body["query"]:
            known = self._known(item["code"], item["selection"]["filter"].replace(":", "_", 1))
            if known is None or any(code not in known for code in item["selection"]["values"]):
                return Answer(400, b"Bad Request")
            selected[item["code"]] = [code for code in known if code in item["selection"]["values"]]
        if prod(map(len, selected.values())) > self.most_cells:
            return Answer(403, b"<html>403 - Forbidden: Access is denied.</html>")
        return self._data(selected, body["response"]["format"])

    def _version2(self, path: str, query: dict[str, str], asked: Asked) -> Answer:
        if path == "config":
            return _json({"apiVersion": "2.3.2", "languages": [{"id": name} for name in self.languages], "defaultLanguage": "fi", "maxDataCells": self.most_cells, "maxCallsPerTimeWindow": self.calls, "timeWindow": self.window})  # fmt: skip
        if query.get("lang", "fi") not in self.languages:
            return _json({"title": "Unsupported language", "status": 400}, 400)
        if path == f"tables/{NAME}/metadata":
            return _json(self._dataset({name: list(codes) for name, codes in self.variables.items()}, values=False))
        if found := re.fullmatch(r"codelists/(.+)", path):
            codes = self.codelists.get(found[1])
            return _json({"id": found[1], "values": [{"code": code, "label": code} for code in codes]}) if codes else Answer(404)
        if path != f"tables/{NAME}/data" or asked.method != "POST":
            return Answer(404)
        selected = {}
        for item in json.loads(asked.body)["selection"]:
            known = self._known(item["variableCode"], item.get("codelist", ""))
            if known is None or any(code not in known for code in item["valueCodes"]):
                return _json({"type": "Parameter error", "title": "Non-existent value", "status": 400}, 400)
            selected[item["variableCode"]] = [code for code in known if code in item["valueCodes"]]
        if prod(map(len, selected.values())) > self.most_cells:
            return _json({"title": "Too many cells selected", "detail": f"at most {self.most_cells}", "status": 400}, 400)
        return self._data(selected, "json-stat2")

    def _known(self, name: str, codelist: str) -> list[str] | None:
        if codelist not in {"", "item"}:
            return list(self.codelists.get(codelist) or [])
        return self.variables.get(name)

    def _listed(self, name: str) -> dict[str, Any]:
        values = self.variables[name]
        texts = [self.texts.get(code, code) for code in values]
        hidden = name in self.hidden
        return {
            "code": name,
            "text": self.texts.get(name, name),
            "values": None if hidden else values,
            "valueTexts": None if hidden else texts,
            **({"elimination": True} if name in self.optional else {}),
            **({"time": True} if name == self.time else {}),
        }

    def _data(self, selected: dict[str, list[str]], form: str) -> Answer:
        self.before_data(self)
        self.answered += 1
        self.sizes.append(prod(map(len, selected.values())))
        ordered = {name: selected[name] for name in self.variables if name in selected}
        answer = _json(self._px_json(ordered) if form == "json" else self._dataset(ordered, form=form))
        if self.cut and self.sizes[-1] > self.cut:
            # Half of the last variable's values are silently left out.
            name = list(ordered)[-1]
            answer = _json(self._dataset(ordered | {name: ordered[name][: len(ordered[name]) // 2]}))
        fault = self.faults.get(self.answered)
        return fault(answer) if fault else answer

    def figure(self, chosen: dict[str, str]) -> int:
        """Give the number of a cell: variables that were left out stand at their first value."""
        place = 0
        for name, values in self.variables.items():
            code = chosen.get(name, values[0])
            place = place * len(values) + (values.index(code) if code in values else 0)
        return place

    def cells(self, selected: dict[str, list[str]]) -> list[tuple[tuple[str, ...], int]]:
        """Give the cells of a selection in row-major order, with their figures."""
        return [(codes, self.figure(dict(zip(selected, codes, strict=True)))) for codes in product(*selected.values())]

    def _dataset(self, selected: dict[str, list[str]], *, values: bool = True, form: str = "json-stat2") -> dict[str, Any]:
        dimension: dict[str, Any] = {}
        for name, codes in selected.items():
            category: dict[str, Any] = {"index": {code: at for at, code in enumerate(codes)}, "label": {code: self.texts.get(code, code) for code in codes}}
            if noted := {code: text for code, text in self.value_notes.get(name, {}).items() if code in codes}:
                category["note"] = noted
            lists = [{"id": codelist} for codelist in self.codelists]
            extension = {"elimination": name in self.optional, "codelists": lists if name in self.optional else []}
            dimension[name] = {"label": self.texts.get(name, name), "category": category, "extension": extension}
        role = {key: [name] for key, name in (("time", self.time), ("metric", self.metric)) if name in selected}
        shape = {"id": list(selected), "size": [len(codes) for codes in selected.values()], "role": role}
        figures = [place for _, place in self.cells(selected)] if values else []
        status = {str(at): self.symbols[place] for at, place in enumerate(figures) if place in self.symbols}
        base: dict[str, Any] = {
            "label": "Väestö",
            "source": "Tilastokeskus",
            "updated": self.updated,
            "value": [None if place in self.symbols else place for place in figures],
            **({"note": list(self.notes)} if self.notes else {}),
            **({"status": status} if status else {}),
        }
        if form == "json-stat":
            return {"dataset": {**base, "dimension": {**dimension, **shape}}}
        px = {"tableid": NAME, **({} if self.aggregallowed is None else {"aggregallowed": self.aggregallowed})}
        return {"version": "2.0", "class": "dataset", **base, **shape, "dimension": dimension, "extension": {"px": px}}

    def _px_json(self, selected: dict[str, list[str]]) -> dict[str, Any]:
        axes = {name: codes for name, codes in selected.items() if name != self.metric}
        measured = selected.get(self.metric, [])
        columns = [{"code": name, "text": name, **({"type": "t"} if name == self.time else {})} for name in axes]
        columns += [{"code": code, "text": code, "type": "c"} for code in measured]
        rows = []
        for key in product(*axes.values()):
            places = [self.figure({**dict(zip(axes, key, strict=True)), self.metric: code}) for code in measured]
            rows.append({"key": list(key), "values": [self.symbols.get(place, str(place)) for place in places]})
        comments = [
            {"variable": name, "value": code, "comment": "\r\n".join(texts) + "\r\n"}
            for name, noted in self.value_notes.items()
            for code, texts in noted.items()
            if code in selected.get(name, [])
        ]
        stamp = self.updated.replace(":", ".")
        return {"columns": columns, "comments": comments, "data": rows, "metadata": [{"updated": stamp, "label": "Väestö", "source": "Tilastokeskus"}]}


def _json(data: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(data, ensure_ascii=False).encode(), {"Content-Type": "application/json; charset=utf-8"})
