"""Each way in which people write values, in every format that can hold it: the same answer from all."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from grids import EVERY, RECORDS, SHEETS, as_file

from tulosvahti.core.contract import Contract, DeliveryState, Field, FieldType
from tulosvahti.core.text import Text
from tulosvahti.load.tables import Taken, take
from tulosvahti.problem import Place

AS_OF = date(2026, 6, 30)
GRIDS = tuple(ending for ending in EVERY if ending not in RECORDS)


def taken(root: Path, ending: str, rows: Any, *fields: Field, **changes: Any) -> Taken:
    (root / "inputs").mkdir(exist_ok=True)
    name = f"d.{ending}"
    (root / "inputs" / name).write_bytes(rows if isinstance(rows, bytes) else as_file(ending, rows))
    base: dict[str, Any] = {"delimiter": ";", "max_rejects_percent": Decimal(100), "deliverer": "tem"}
    return take(Contract("d", Text(), name, fields, Place("inputs/d.yaml"), **(base | changes)), root, AS_OF)


def values(found: Taken) -> list[tuple[Any, ...]]:
    assert found.frame is not None, found.delivery.explanation
    return found.frame.drop("__row", "__rejected").rows()


def said(found: Taken) -> list[str]:
    return [item.message for item in found.delivery.notices]


def number(**changes: Any) -> Field:
    return Field("v", FieldType.NUMBER, **({"decimal_char": ",", "group_char": " "} | changes))


def day(form: str = "%d.%m.%Y") -> Field:
    return Field("v", FieldType.DATE, date_format=form)


def truth(true: str, false: str) -> Field:
    return Field("v", FieldType.BOOLEAN, true_values=(true,), false_values=(false,))


TEXTS: list[Any] = [
    pytest.param(number(), "1234,5", Decimal("1234.5"), id="decimal-comma"),
    pytest.param(number(), "1 234 567,5", Decimal("1234567.5"), id="spaces"),
    pytest.param(number(), "1\u00a0234", 1234, id="no-break-space"),
    pytest.param(number(), "1\u202f234", 1234, id="narrow-space"),
    pytest.param(number(), "1\u2009234", 1234, id="thin-space"),
    pytest.param(number(), "1\u2007234", 1234, id="figure-space"),
    pytest.param(number(group_char="."), "1.234,5", Decimal("1234.5"), id="point-groups"),
    pytest.param(number(decimal_char=".", group_char=","), "1,234.5", Decimal("1234.5"), id="comma-groups"),
    pytest.param(number(decimal_char=".", group_char="'"), "1'234.5", Decimal("1234.5"), id="apostrophe"),
    pytest.param(number(decimal_char=".", group_char="'"), "1’234.5", Decimal("1234.5"), id="typographic-apostrophe"),
    pytest.param(number(), "\u22125,5", Decimal("-5.5"), id="unicode-minus"),
    pytest.param(number(), "–5", -5, id="en-dash"),
    pytest.param(number(), "5,50-", Decimal("-5.5"), id="trailing-minus"),
    pytest.param(number(), "(5,50)", Decimal("-5.5"), id="parentheses"),
    pytest.param(number(), "(1 234)", -1234, id="parentheses-and-spaces"),
    pytest.param(number(), "- 5", -5, id="minus-and-space"),
    pytest.param(number(), " 5 ", 5, id="padded"),
    pytest.param(number(percent=True), "57 %", 57, id="percent-sign"),
    pytest.param(number(percent=True), "0,49%", Decimal("0.49"), id="small-percent"),
    pytest.param(number(), "57 %", "not a number", id="percent-sign-not-declared"),
    pytest.param(number(), "'200", 200, id="apostrophe-before-a-number"),
    pytest.param(number(), "1.234,5", "not a number", id="other-group"),
    pytest.param(number(), "1 23", "not a number", id="misplaced-space"),
    pytest.param(number(group_char="."), "1.2,3", "not a number", id="misplaced-point"),
    pytest.param(number(), "1,2,3", "not a number", id="two-decimal-marks"),
    pytest.param(number(), "-(5)", "not a number", id="two-signs"),
    pytest.param(number(), "-5-", "not a number", id="minus-twice"),
    pytest.param(number(), "12a", "not a number", id="letter"),
    pytest.param(number(), "1e3", "not a number", id="exponent-is-not-declared"),
    pytest.param(number(), "٣", "not a number", id="digits-of-another-script"),
    pytest.param(number(missing_values=("", "ei tietoa")), "ei tietoa", None, id="missing-value"),
    pytest.param(number(missing_values=("", "-")), "-", None, id="dash-is-missing"),
    pytest.param(number(), "0,1", Decimal("0.1"), id="exact"),
    pytest.param(number(), "12345678901234567890,12", Decimal("12345678901234567890.12"), id="long-and-exact"),
    pytest.param(Field("v", FieldType.INTEGER, group_char=" "), "1 234", 1234, id="integer"),
    pytest.param(Field("v", FieldType.INTEGER), "1.5", "not a whole number", id="integer-with-decimals"),
    pytest.param(Field("v"), "020", "020", id="leading-zeros"),
    pytest.param(Field("v"), "1e5", "1e5", id="code-that-looks-like-a-number"),
    pytest.param(Field("v"), "2-3", "2-3", id="code-that-looks-like-a-date"),
    pytest.param(Field("v"), "Åbo äöÅÄÖ €", "Åbo äöÅÄÖ €", id="letters"),
    pytest.param(Field("v"), "a\nb", "a\nb", id="line-end-in-a-cell"),
    pytest.param(Field("v"), 'a"b', 'a"b', id="quote-in-a-cell"),
    pytest.param(Field("v"), "=1+1", "=1+1", id="text-that-looks-like-a-formula"),
    pytest.param(day(), "31.3.2023", date(2023, 3, 31), id="finnish-date"),
    pytest.param(day(), "31.03.2023", date(2023, 3, 31), id="finnish-date-filled"),
    pytest.param(day("%Y-%m-%d"), "2023-03-31", date(2023, 3, 31), id="iso-date"),
    pytest.param(day(), "31.3.23", "not a date", id="two-digit-year-not-declared"),
    pytest.param(day("%d.%m.%y"), "31.3.23", date(2023, 3, 31), id="two-digit-year-declared"),
    pytest.param(day("%Y-%m-%d"), "04/07/20", "not a date", id="ambiguous-date"),
    pytest.param(day(), "30.2.2023", "not a date", id="no-such-day"),
    pytest.param(day(), "٣١.٠٣.٢٠٢٣", "not a date", id="date-in-another-script"),
    pytest.param(day(), "31.3.2023 10:15", "has a time of day", id="time-in-a-date"),
    pytest.param(day("%d.%m.%Y %H:%M"), "31.3.2023 10:15", date(2023, 3, 31), id="time-declared"),
    pytest.param(truth("kyllä", "ei"), "kyllä", True, id="kyllä"),
    pytest.param(truth("ja", "nej"), "nej", False, id="nej"),
    pytest.param(truth("yes", "no"), " yes ", True, id="yes"),
    pytest.param(truth("kyllä", "ei"), "Kyllä", "not true or false", id="word-in-other-letters"),
    pytest.param(Field("v", FieldType.YEAR), "2023", 2023, id="year"),
    pytest.param(Field("v", FieldType.YEAR), "23", "not a year", id="short-year"),
    pytest.param(Field("v", FieldType.YEARMONTH), "2023-03", date(2023, 3, 1), id="month"),
]


@pytest.mark.parametrize("ending", EVERY)
def test_texts(tmp_path: Path, ending: str) -> None:
    """One file a format with all the phrases as columns: each is read, or rejected, as everywhere."""
    fields, row, wanted = [], [], {}
    for at, case in enumerate(TEXTS):
        field, text, expected = case.values
        name = f"c{at}"
        fields.append(Field(**{**vars(field), "name": name}))
        row.append(text)
        wanted[name] = (case.id, expected)
    names = [field.name for field in fields]
    found = taken(tmp_path, ending, [names, row], *fields)
    (read,) = values(found)
    reasons = {item.column: item.reason for item in found.delivery.rejects}
    wrong = []
    for name, value in zip(names, read, strict=True):
        told, expected = wanted[name]
        field = fields[names.index(name)]
        bad = isinstance(expected, str) and field.type is not FieldType.STRING
        if ending in {"xlsx", "xlsm"} and told == "text-that-looks-like-a-formula":
            continue  # there it is a formula
        if ending == "html" and told == "line-end-in-a-cell":
            expected = "a b"  # a page shows white space as one space
        fits = value is None and reasons.get(name, "").startswith(expected) if bad else (value == expected and name not in reasons)
        if not fits:
            wrong.append((told, value, reasons.get(name)))
    assert wrong == []


HEAD = ["id", "arvo", "n"]
TWO = (Field("id"), Field("arvo", FieldType.NUMBER, decimal_char=","), Field("n", FieldType.INTEGER))


@pytest.mark.parametrize("ending", EVERY)
def test_padded_names_and_a_stranger_twice(tmp_path: Path, ending: str) -> None:
    head = [" id ", "arvo\u00a0", "n"] if ending in RECORDS else ["muu", " id ", "arvo\u00a0", "n", "muu"]
    row = ["a", 1, 2] if ending in RECORDS else ["x", "a", 1, 2, "y"]
    assert values(taken(tmp_path, ending, [head, row], *TWO)) == [("a", 1, 2)]


@pytest.mark.parametrize("ending", GRIDS)
def test_a_name_of_the_contract_twice_is_refused(tmp_path: Path, ending: str) -> None:
    found = taken(tmp_path, ending, [["id", "arvo", "n", "arvo"], ["a", 1, 2, 3]], *TWO)
    assert found.delivery.state is DeliveryState.QUARANTINED
    assert found.delivery.explanation == "column 'arvo' stands 2 times in the header"


@pytest.mark.parametrize("ending", GRIDS)
def test_header_of_two_rows_below_a_title(tmp_path: Path, ending: str) -> None:
    rows = [["Taulu 1", None, None], [None, "2023", None], ["id", "arvo", "n"], ["a", 1, 2], ["b", 3, 4]]
    fields = (Field("id"), Field("arvo", FieldType.NUMBER, header="2023 arvo"), Field("n", FieldType.INTEGER, header="2023 n"))
    found = taken(tmp_path, ending, rows, *fields)
    assert values(found) == [("a", 1, 2), ("b", 3, 4)]
    assert len(said(found)) >= 1
    declared = taken(tmp_path, ending, rows, *fields, header_row=2, header_rows=2)
    assert values(declared) == [("a", 1, 2), ("b", 3, 4)]


@pytest.mark.parametrize("ending", EVERY)
def test_total_at_the_end(tmp_path: Path, ending: str) -> None:
    rows = [HEAD, ["a", Decimal("1.5"), 2], ["b", Decimal("2.25"), 3], ["Yhteensä", Decimal("3.75"), 5]]
    found = taken(tmp_path, ending, rows, *TWO, primary_key=("id",))
    assert values(found) == [("a", Decimal("1.5"), 2), ("b", Decimal("2.25"), 3)]
    (notice,) = [text for text in said(found) if text.startswith("the last row is a total and no row itself: ")]
    assert notice.endswith(", 'Yhteensä'; its figures are the sums of their columns: arvo 3.75, n 5")


@pytest.mark.parametrize("ending", EVERY)
def test_total_that_is_not_the_sum(tmp_path: Path, ending: str) -> None:
    rows = [HEAD, ["a", Decimal("1.5"), 2], ["b", Decimal("2.25"), 3], ["Yhteensä", Decimal("3.85"), 5]]
    found = taken(tmp_path, ending, rows, *TWO, primary_key=("id",))
    (reject,) = found.delivery.rejects
    assert reject.column == "arvo"
    assert reject.reason.startswith("the total row says 3.85, the rows above sum up to 3.75, difference 0.1")


@pytest.mark.parametrize("ending", GRIDS)
def test_the_header_again_and_another_header(tmp_path: Path, ending: str) -> None:
    again = taken(tmp_path, ending, [HEAD, ["a", 1, 2], HEAD, ["b", 3, 4]], *TWO)
    assert [row[0] for row in values(again)] == ["a", None, "b"]
    assert len(again.delivery.rejects) == 1
    other = taken(tmp_path, ending, [HEAD, ["a", 1, 2], ["n", "id", "arvo"], [3, "b", 4]], *TWO)
    assert [row[0] for row in values(other)] == ["a", None, None]
    assert next(item.reason.partition(":")[0] for item in other.delivery.rejects) == "another header stands here"


@pytest.mark.parametrize("ending", EVERY)
@pytest.mark.parametrize("named", ["csv", "xls", "json"])
def test_content_that_does_not_match_its_name(tmp_path: Path, ending: str, named: str) -> None:
    content = as_file(ending, [HEAD, ["a", 1, 2], ["b", 3, 4]])
    found = taken(tmp_path, named, content, *TWO)
    assert values(found) == [("a", 1, 2), ("b", 3, 4)]
    fitting = {"csv": {"csv"}, "xls": {"xls"}, "json": {"json", "ndjson"}}[named]
    assert any("by its content" in text for text in said(found)) == (ending not in fitting)


@pytest.mark.parametrize("ending", ["xlsx", "xlsm", "ods", "fods", "json", "ndjson", "parquet"])
def test_truths_of_typed_formats(tmp_path: Path, ending: str) -> None:
    found = taken(tmp_path, ending, [["id", "v"], ["a", True], ["b", False], ["c", None]], Field("id"), truth("kyllä", "ei"))
    assert [row[1] for row in values(found)] == [True, False, None]


@pytest.mark.parametrize("ending", ["csv", *SHEETS, *RECORDS])
@pytest.mark.parametrize("written", [int, str])
def test_codes_that_lost_their_zeros(tmp_path: Path, ending: str, written: type) -> None:
    """A number, or its digits as a text, in a column of codes of fixed length is filled up again, and said."""
    found = taken(tmp_path, ending, [["kunta"], *([written(code)] for code in (20, 91, 5))], Field("kunta", pattern="[0-9]{3}"))
    assert [row[0] for row in values(found)] == ["020", "091", "005"]
    assert any(text.startswith("column 'kunta': codes that lost their leading zeros are filled up to 3 digits: ") for text in said(found))
