"""A stored run as a workbook for auditors: a summary that links to the evidence, and a sheet for each table.

What can be computed again from what is shown is a formula: values from their workings, margins' differences, sums.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tulosvahti.core.sheet import a1, column_letters
from tulosvahti.core.verdict import Word
from tulosvahti.emit.audit_listing import link_to
from tulosvahti.emit.book_cells import Book, Column, Formula, Link, height
from tulosvahti.emit.book_sums import sums_sheet
from tulosvahti.emit.report import spoken_value
from tulosvahti.emit.stored import decimal_of, key_of, observed_of, reason_of, subject_of, title_of, word_or_name
from tulosvahti.emit.told import told
from tulosvahti.emit.words import SIGNS, day, target_text, unit_word, verdict_word, word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tulosvahti.emit.book_cells import Cell
    from tulosvahti.emit.stored import Stored

_ORDER = [Word.MISSED, Word.AT_RISK, Word.UNKNOWN, Word.ON_TRACK, Word.MET, Word.NOT_DUE, Word.MONITORED]
_LISTED = {"table", "marks", "faults", "broken", "workings"}
_VERDICT, _OBSERVED, _AGAIN = 4, 6, 7
"""Columns of the sheet of verdicts that formulas point at."""
_LETTER = column_letters(_VERDICT)
_PRINTED = 15
"""Its columns that are printed: more would be too small to read."""


@dataclass(frozen=True)
class _Names:
    summary: str
    verdicts: str
    evidence: str
    history: str
    inputs: str
    rejects: str
    findings: str
    problems: str
    sums: Mapping[int, str]


def workbook(stored: Stored, language: str) -> bytes:
    """Make the workbook: the same run gives the same bytes."""

    def say(key: str, **details: object) -> str:
        return word(f"book.{key}", language, **details)

    stream = io.BytesIO()
    title = stored.title(language)
    as_of = word("ui.as_of", language, day=day(stored.as_of, language))
    run = word("ui.run", language, run=stored.run["id"])
    book = Book(stream, title, language, f"{title} · {as_of} · {run}")
    tabled = [n for n, verdict in enumerate(stored.verdicts) if isinstance(verdict["evidence"].get("table"), dict)]
    told = ("summary", "verdicts", "evidence", "history", "inputs", "rejects", "findings", "problems")
    named = {key: book.name(say(key)) for key in told}
    names = _Names(**named, sums={n: book.name(stored.verdicts[n]["rule"]) for n in tabled})
    maker = _Maker(stored, book, names, language)
    maker.make()
    book.file.close()
    return stream.getvalue()


class _Maker:
    """The sheets of one run."""

    def __init__(self, stored: Stored, book: Book, names: _Names, language: str) -> None:
        self.stored, self.book, self.names, self.language = stored, book, names, language
        self.row_of = {key_of(verdict): n + 2 for n, verdict in enumerate(stored.verdicts)}
        """The row of each verdict, as a spreadsheet counts."""
        self.input_rows = {item["name"]: n + 2 for n, item in enumerate(stored.data["inputs"])}

    def say(self, key: str, **details: object) -> str:
        return word(f"book.{key}", self.language, **details)

    def make(self) -> None:
        summary = self.book.sheet(self.names.summary, landscape=False)
        verdicts = self.book.sheet(self.names.verdicts)
        evidence = self.book.sheet(self.names.evidence)
        places, again = self._evidence(evidence)
        self._verdicts(verdicts, places, again)
        for n, name in self.names.sums.items():
            back = Link(self.names.verdicts, f"A{n + 2}", self.say("back"))
            sums_sheet(self.book, self.book.sheet(name), self.stored.verdicts[n], back)
        self._history()
        self._inputs()
        self._rejects()
        self._findings()
        self._problems()
        self._summary(summary)

    # what is said first

    def _summary(self, sheet: Any) -> None:  # noqa: ANN401
        put, stored = self.book.put, self.stored
        for column, width in enumerate((60, 22, 60)):
            sheet.set_column(column, column, width)
        put(sheet, 0, 0, stored.title(self.language), "title")
        sheet.set_row(0, 26)
        facts: list[tuple[str, Cell]] = [
            (word("ui.agency", self.language), stored.agencies(self.language)),
            (self.say("as_of"), day(stored.as_of, self.language)),
            (self.say("run"), str(stored.run["id"])),
            (self.say("rules_sha256"), str(stored.run["rules_sha256"])),
            (self.say("engine"), f"Tulosvahti {stored.run['engine']}"),
        ]
        for row, (label, fact) in enumerate(facts, 1):
            put(sheet, row, 0, label, "label")
            sheet.merge_range(row, 1, row, 2, "", self.book.look("plain"))
            put(sheet, row, 1, fact)
        row = len(facts) + 2
        notes = [word("ui.synthetic_long", self.language, names=stored.made_up_named(self.language))] if stored.synthetic else []
        notes += [word("ui.lookback", self.language)] if stored.run.get("lookback") else []
        notes += [self.say("long_numbers", count=self.book.long_numbers)] if self.book.long_numbers else []
        for note in notes:
            sheet.merge_range(row, 0, row, 2, "", self.book.look("warning"))
            put(sheet, row, 0, note, "warning")
            sheet.set_row(row, height([(note, 118)]))
            row += 1
        row = self._counts(sheet, row + bool(notes))
        row = self._contents(sheet, row + 1)
        self._attention(sheet, row + 1)
        sheet.freeze_panes(1, 0)

    def _counts(self, sheet: Any, row: int) -> int:  # noqa: ANN401
        counts = Counter(verdict["verdict"] for verdict in self.stored.verdicts)
        last = len(self.stored.verdicts) + 1
        self._heads(sheet, row, word("ui.verdict", self.language), self.say("count"), "")
        column = link_to(self.names.verdicts, f"${_LETTER}$2:${_LETTER}${max(last, 2)}")
        first = row + 1
        for row, kind in enumerate(_ORDER, first):  # noqa: PLR1704 (the row goes on)
            said = f"{SIGNS[kind]} {verdict_word(kind, self.language)}"
            self.book.put(sheet, row, 0, said, str(kind))
            # A question mark alone would stand for any character.
            sought = said.replace("?", "~?").replace('"', '""')
            self.book.put(sheet, row, 1, Formula(f'=COUNTIF({column},"{sought}")', Decimal(counts[kind])))
        row += 1
        self.book.put(sheet, row, 0, self.say("all"), "total")
        cells = f"{a1(first, 1)}:{a1(row - 1, 1)}"
        self.book.put(sheet, row, 1, Formula(f"=SUM({cells})", Decimal(len(self.stored.verdicts))), "total")
        return row + 1

    def _heads(self, sheet: Any, row: int, *texts: str) -> None:  # noqa: ANN401
        for column, text in enumerate(texts):
            self.book.put(sheet, row, column, text, "head")

    def _contents(self, sheet: Any, row: int) -> int:  # noqa: ANN401
        data, names = self.stored.data, self.names
        rejected = sum(len(item["rejected"]) for item in data["inputs"])
        told = [
            (names.verdicts, len(data["verdicts"]), "verdicts_about"), (names.evidence, None, "evidence_about"),
            *((name, None, "sums_about") for name in names.sums.values()),
            (names.history, len(self.stored.points), "history_about"), (names.inputs, len(data["inputs"]), "inputs_about"),
            (names.rejects, rejected, "rejects_about"), (names.findings, len(data["findings"]), "findings_about"),
            (names.problems, len(data["problems"]), "problems_about"),
        ]  # fmt: skip
        self._heads(sheet, row, self.say("sheet"), self.say("rows_in_it"), self.say("about"))
        for row, (name, count, about) in enumerate(told, row + 1):  # noqa: B020, PLR1704
            self.book.put(sheet, row, 0, Link(name, "A1", name))
            self.book.put(sheet, row, 1, count)
            self.book.put(sheet, row, 2, self.say(about))
        return row + 1

    def _attention(self, sheet: Any, row: int) -> None:  # noqa: ANN401
        found = [v for v in self.stored.verdicts if v["verdict"] in {"missed", "at_risk", "unknown"}]
        found.sort(key=lambda v: (["critical", "warning", "info"].index(v["severity"]), _ORDER.index(Word(v["verdict"]))))
        self._heads(sheet, row, word("ui.attention", self.language), word("ui.verdict", self.language), word("ui.reason", self.language))
        for row, verdict in enumerate(found, row + 1):  # noqa: B020, PLR1704
            name = ", ".join(x for x in (title_of(verdict, self.language), subject_of(verdict), verdict["period"] or "") if x)
            self.book.put(sheet, row, 0, Link(self.names.verdicts, f"A{self.row_of[key_of(verdict)]}", name))
            self.book.put(sheet, row, 1, _said(verdict, self.language), verdict["verdict"])
            self.book.put(sheet, row, 2, why := self._why(verdict))
            sheet.set_row(row, height([(why, 60)]))

    def _why(self, verdict: Mapping[str, Any]) -> str:
        parts = [word("says.missed", self.language, observed=self._observed(verdict), target=target_text(verdict["target"], self.language))]
        parts = parts if verdict["observed"] is not None or verdict["evidence"].get("censored") else []
        return " ".join([*parts, reason_of(verdict, self.language)]).strip() or word(f"says.{verdict['verdict']}", self.language)

    def _observed(self, verdict: Mapping[str, Any]) -> str:
        return observed_of(verdict, self.language)

    # the sheets behind it

    def _evidence(self, sheet: Any) -> tuple[dict[int, int], dict[int, str]]:  # noqa: ANN401
        """Lay the evidence out; gives each verdict's first row and the formula that recomputes its value."""
        rows: list[Sequence[Cell]] = []
        places: dict[int, int] = {}
        again: dict[int, str] = {}
        for n, verdict in enumerate(self.stored.verdicts):
            places[n] = len(rows) + 2
            about = (
                Link(self.names.verdicts, f"A{n + 2}", title_of(verdict, self.language)), verdict["rule"],
                subject_of(verdict), verdict["period"],
            )  # fmt: skip
            workings = verdict["evidence"].get("workings") or {}
            cells = {name: f"F{len(rows) + 2 + k}" for k, name in enumerate(workings)}
            for name, value in workings.items():
                rows.append((*about, word_or_name("working", name, self.language), _fraction(str(value))))
            if formula := _recomputed(workings, verdict["observed"]):
                again[n] = formula(lambda name, cells=cells: link_to(self.names.evidence, cells[name]))  # type: ignore[misc]
            for name, value in verdict["evidence"].items():
                if name not in _LISTED and value not in (None, "", []):
                    rows.append((*about, word_or_name("evidence", name, self.language), self._fact(name, value)))
            if len(rows) + 2 == places[n]:
                rows.append((*about, None, self.say("none")))
        columns = [
            Column(word("ui.indicator", self.language), 56), Column(self.say("rule"), 28), Column(self.say("subject"), 16),
            Column(word("ui.period", self.language), 10), Column(self.say("item"), 30), Column(self.say("value"), 70, "left"),
        ]  # fmt: skip
        kinds = [{5: "code"} if "SELECT" in str(row[5]) else {} for row in rows]
        self.book.table(sheet, 0, columns, rows, kinds)
        return places, again

    def _fact(self, name: str, value: object) -> Cell:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        # A query on one line, to be read in the line above the sheet.
        return str(value).replace("\n", " ") if name == "sql" else spoken_value(name, value, self.language)

    def _verdicts(self, sheet: Any, places: Mapping[int, int], again: Mapping[int, str]) -> None:  # noqa: ANN401
        heads = [
            ("ui.indicator", 40), ("book.section", 8), ("book.subject", 13), ("ui.period", 9), ("ui.verdict", 18), ("book.status", 20),
            ("ui.observed", 12), ("book.again", 12), ("book.off", 10), ("ui.target", 14), ("ui.margin", 11), ("book.unit", 10),
            ("ui.reason", 40), ("ui.owner", 22), ("book.evidence", 11), ("book.section_title", 34), ("book.rule", 28), ("book.kind", 14),
            ("book.severity", 12), ("ui.changed", 13), ("ui.input", 26), ("book.page", 8), ("ui.citation", 60),
        ]  # fmt: skip
        columns = [Column(word(key, self.language), width, "plain" if n < _PRINTED else "line") for n, (key, width) in enumerate(heads)]
        rows = [self._verdict(n, verdict, places, again) for n, verdict in enumerate(self.stored.verdicts)]
        self.book.table(sheet, 0, columns, rows, [{_VERDICT: verdict["verdict"], _AGAIN: "again", _AGAIN + 1: "again"} for verdict in self.stored.verdicts])
        sheet.freeze_panes(1, 1)
        sheet.print_area(0, 0, max(len(rows), 1), _PRINTED - 1)

    def _verdict(self, n: int, verdict: Mapping[str, Any], places: Mapping[int, int], again: Mapping[int, str]) -> Sequence[Cell]:
        observed, status = decimal_of(verdict["observed"]), []
        status += [word("ui.provisional", self.language)] if verdict["provisional"] else []
        status += [word("ui.binding" if verdict["binding"] else "ui.preliminary", self.language)]
        status += [word("ui.ta", self.language)] if verdict["in_state_budget"] else []
        name = str(verdict["evidence"].get("input") or "")
        proof = Link(self.names.sums[n], "A1", self.say("open")) if n in self.names.sums else Link(self.names.evidence, f"A{places[n]}", self.say("open"))
        cells = a1(n + 1, _OBSERVED), a1(n + 1, _AGAIN)
        return (
            title_of(verdict, self.language), verdict["cite"]["section"], subject_of(verdict), verdict["period"],
            _said(verdict, self.language), ", ".join(status), observed if observed is not None else observed_of(verdict, self.language),
            Formula(again[n], observed) if n in again and observed is not None else None,
            Formula(f"={cells[0]}-{cells[1]}", Decimal(0)) if n in again else None,
            target_text(verdict["target"], self.language), decimal_of(verdict["margin"]), unit_word(verdict["unit"] or "", self.language),
            reason_of(verdict, self.language), self.stored.owner(verdict, self.language), proof,
            self.stored.section_title(verdict, self.language), verdict["rule"], word_or_name("book.kind", verdict["kind"], self.language),
            word(f"severity.{verdict['severity']}", self.language),
            word(f"change.{verdict['change']}", self.language) if verdict["change"] else None,
            Link(self.names.inputs, f"A{self.input_rows[name]}", name) if name in self.input_rows else name,
            verdict["cite"].get("page"), verdict["cite"].get("quote"),
        )  # fmt: skip

    def _history(self) -> None:
        titles = {verdict["rule"]: title_of(verdict, self.language) for verdict in self.stored.verdicts}
        rows: list[Sequence[Cell]] = []
        for point in self.stored.points:
            rule, subject, period = point.key
            value = _fraction(str(point.value)) if point.value is not None else None
            old = self.stored.revised.get(point.key)
            link = Link(self.names.verdicts, f"A{self.row_of[point.key]}", titles[rule]) if point.key in self.row_of else titles.get(rule, rule)
            rows.append((link, rule, ", ".join(v for _, v in subject), period, value, _fraction(str(old[-1])) if old else None, point.rows, point.unknown_rows))
        heads = [("ui.indicator", 56), ("book.rule", 26), ("book.subject", 20), ("ui.period", 10), ("ui.observed", 18), ("book.before", 18), ("ui.rows", 10), ("evidence.unknown_rows", 14)]
        self._table(self.names.history, heads, rows)

    def _table(self, name: str, heads: Sequence[tuple[str, int]], rows: Sequence[Sequence[Cell]]) -> None:
        self.book.table(self.book.sheet(name), 0, [Column(word(key, self.language), width) for key, width in heads], rows)

    def _inputs(self) -> None:
        rows: list[Sequence[Cell]] = []
        for n, item in enumerate(self.stored.data["inputs"], 2):
            known = item["rows"] + item["rejects"]
            share = Decimal(100 * item["rejects"]) / known if known else None
            rounded = share.quantize(Decimal("0.01")) if share is not None else None
            rows.append((
                item["name"], word(f"state.{item['state']}", self.language), self.say("yes") if item["synthetic"] else self.say("no"),
                item["rows"], item["rejects"], Formula(f"=ROUND(100*E{n}/(D{n}+E{n}),2)", rounded) if rounded is not None else None,
                _date(item["covered_through"]), _date(item["expected_through"]),
                "\n".join(told(x, self.language) for x in (item["explanation"], item["next_step"], *item["notices"]) if x), item["sha256"],
            ))  # fmt: skip
        heads = [("ui.input", 30), ("ui.state", 14), ("ui.synthetic", 12), ("ui.rows", 11), ("ui.rejects", 11), ("book.reject_share", 13), ("ui.covered", 13), ("book.expected", 13), ("book.explanation", 50), ("evidence.input_sha256", 68)]
        self._table(self.names.inputs, heads, rows)

    def _rejects(self) -> None:
        rows: list[Sequence[Cell]] = [
            (Link(self.names.inputs, f"A{self.input_rows[item['name']]}", item["name"]), reject["row"], reject["line"], reject["column"], reject["value"], told(reject["reason"], self.language))
            for item in self.stored.data["inputs"]
            for reject in item["rejected"]
        ]
        self._table(self.names.rejects, [("ui.input", 30), ("book.row", 9), ("book.line", 9), ("book.column", 22), ("book.value", 34), ("ui.reason", 70)], rows)

    def _findings(self) -> None:
        by_key = {key_of(verdict): verdict for verdict in self.stored.verdicts}
        rows: list[Sequence[Cell]] = []
        kinds = []
        for item in self.stored.data["findings"]:
            verdict = by_key.get(key_of(item))
            name = title_of(verdict, self.language) if verdict else item["rule"]
            rows.append((
                Link(self.names.verdicts, f"A{self.row_of[key_of(item)]}", name) if verdict else name, item["rule"], subject_of(item), item["period"],
                word(f"change.{item['change']}", self.language), _said(item, self.language),
                verdict_word(Word(item["was"]), self.language) if item["was"] else None, self._why(verdict) if verdict else None,
            ))  # fmt: skip
            kinds.append({5: item["verdict"]})
        heads = [("ui.indicator", 56), ("book.rule", 26), ("book.subject", 18), ("ui.period", 10), ("ui.changed", 14), ("ui.verdict", 18), ("book.was", 16), ("ui.reason", 60)]
        columns = [Column(word(key, self.language), width) for key, width in heads]
        self.book.table(self.book.sheet(self.names.findings), 0, columns, rows, kinds)

    def _problems(self) -> None:
        names = ("file", "line", "column", "message", "allowed", "next_step", "rule")
        rows: list[Sequence[Cell]] = [tuple(self._spoken(name, item.get(name)) for name in names) for item in self.stored.data["problems"]]
        self._table(self.names.problems, [(f"book.{name}", width) for name, width in zip(names, (34, 8, 9, 50, 34, 40, 26), strict=True)], rows)

    def _spoken(self, name: str, value: Cell) -> Cell:
        return told(value, self.language) if name in {"message", "allowed", "next_step"} and isinstance(value, str) else value


def _said(verdict: Mapping[str, Any], language: str) -> str:
    kind = Word(verdict["verdict"])
    return f"{SIGNS[kind]} {verdict_word(kind, language)}"


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _fraction(text: str) -> Cell:
    """Give a number as one, and a quotient as the formula it is; another text as it is."""
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        return text
    exact = Decimal(value.numerator) / value.denominator
    if Fraction(exact) == value:
        return exact
    return Formula(f"={value.numerator}/{value.denominator}", exact.quantize(Decimal("1e-10")))


def _recomputed(workings: Mapping[str, Any], observed: str | None) -> Callable[[Callable[[str], str]], str] | None:
    """Find how the value comes from its workings; nothing where no way gives the value that is stored.

    A working may be the value itself, a share of two, a mean, a ratio or a difference.
    """
    if observed is None:
        return None
    try:
        known = {name: Fraction(str(value)) for name, value in workings.items()}
    except (ValueError, ZeroDivisionError):
        return None
    stored = Decimal(observed)
    places = max(-int(stored.as_tuple().exponent), 0)

    def gives(value: Fraction) -> bool:
        return abs(value - Fraction(stored)) <= Fraction(1, 2 * 10**places)

    names = list(known)
    first = names[0] if names else ""
    second = names[1] if len(names) > 1 else ""
    ways: list[tuple[Fraction | None, str]] = []
    if second and known[second]:
        quotient = known[first] / known[second]
        ways = [(100 * quotient, "100*{0}/{1}")] if first == "rows that meet the condition" else [(quotient, "{0}/{1}")]
    if second in {"", "rows summed"} and first:
        ways = [(known[first], "{0}")]
    elif second and second not in {"rows", "rows known"}:
        ways += [(known[first] - known[second], "{0}-{1}"), (known[first] + known[second], "{0}+{1}")]
    for value, form in ways:
        if value is not None and gives(value):
            return lambda cell: f"=ROUND({form.format(cell(first), cell(second) if second else '')},{places})"
    return None
