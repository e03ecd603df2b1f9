"""Values entered by hand against their contract, and the file they are judged from."""

from __future__ import annotations

import io
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulosvahti.core.contract import Contract, DeliveryState, Field, FieldType
from tulosvahti.core.entry import Deed, Entry, EntryRefusedError, Sort, Step
from tulosvahti.core.text import Text
from tulosvahti.load.cells import read_column
from tulosvahti.load.entered import approved_file, faults_of, read_entry, written
from tulosvahti.load.files import File
from tulosvahti.load.held import hold
from tulosvahti.load.tables import take_files
from tulosvahti.problem import Place

ZONE = ZoneInfo("Europe/Helsinki")
LATE = datetime(2023, 12, 31, 22, 30, tzinfo=UTC)
FIELDS = (
    Field("month", FieldType.DATE, header="Kuukausi", date_format="%d/%m/%Y", required=True),
    Field("days", FieldType.NUMBER, decimal_char=",", group_char=" ", minimum=Decimal(0), required=True),
    Field("sound", FieldType.BOOLEAN, true_values=("kyllä",), false_values=("ei",)),
    Field("note"),
    Field("entered_by"),
    Field("approved_on", FieldType.DATE, date_format="%d.%m.%Y"),
)
CONTRACT = Contract("sick_leave", Text(), "../x.csv", FIELDS, Place("inputs/sick_leave.yaml"), primary_key=("month",), entered=True)


def approved(values: dict[str, str], key: str = "01/01/2023") -> Entry:
    steps = (Step(Deed.SUBMIT, "anna", LATE), Step(Deed.APPROVE, "bo", LATE))
    return Entry(1, "sick_leave", (key,), Sort.ACTUAL, values, "anna", LATE, steps=steps)


@pytest.mark.parametrize(
    ("given", "key", "values"),
    [
        ({"month": "01/01/2023", "days": " 7,5 "}, ("01/01/2023",), {"month": "01/01/2023", "days": "7,5", "sound": "", "note": ""}),
        ({"Kuukausi": "1/1/2023"}, ("01/01/2023",), {"month": "1/1/2023", "days": "", "sound": "", "note": ""}),
        ({"month": "01/01/2023", "note": " a\r\n b \r\n"}, ("01/01/2023",), {"month": "01/01/2023", "days": "", "sound": "", "note": "a\n b"}),
    ],
)
def test_what_is_entered(given: dict[str, str], key: tuple[str, ...], values: dict[str, str]) -> None:
    assert read_entry(CONTRACT, given) == (key, values)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"month": "01/01/2023", "dais": "1"}, "there is no field 'dais'; allowed: month, days, sound, note"),
        ({"month": "01/01/2023", "approved_on": "1.1.2023"}, "field 'approved_on' is filled in by itself"),
        ({"days": "1"}, "the row has no month, which tells it from others"),
        ({"month": "01/01/2023", "note": "a\0b"}, "field 'note' has a control character"),
        ({"month": "01/01/2023", "note": "x" * 20_001}, "allowed: at most 20000"),
    ],
)
def test_what_cannot_be_entered(given: dict[str, str], said: str) -> None:
    with pytest.raises(EntryRefusedError, match=said):
        read_entry(CONTRACT, given)


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"month": "01/01/2023", "days": "1 000,5", "sound": "ei"}, []),
        ({"month": "13/13/2023", "days": "1.5", "sound": "no"}, ["days", "month", "sound"]),
        ({"month": "01/01/2023", "days": "-1"}, ["days"]),
        ({"month": "01/01/2023", "days": ""}, ["days"]),
    ],
)
def test_what_blocks_approval(values: dict[str, str], fields: list[str]) -> None:
    assert sorted(faults_of(CONTRACT, values)) == fields


def test_the_file_says_who_and_when_in_the_projects_zone() -> None:
    content = approved_file(CONTRACT, [approved({"month": "01/01/2023", "days": "7,5", "note": 'a "b"\nc'})], ZONE)
    assert content.decode() == (
        '"Kuukausi","days","sound","note","entered_by","approved_on"\n'
        '"01/01/2023","7,5","","a ""b""\nc","anna","01.01.2024"\n'
    )  # fmt: skip


def test_nothing_approved_is_a_header() -> None:
    assert approved_file(replace(CONTRACT, fields=FIELDS[:1]), [], ZONE) == b'"Kuukausi"\n'


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8), st.decimals(0, 10**9, places=3)), max_size=6), st.randoms())
@settings(max_examples=30)
def test_same_values_same_bytes_and_they_are_read_back(rows, random) -> None:
    entries = []
    for number, (note, days) in enumerate(rows):
        month = f"{number + 1:02}/01/2023"
        entries.append(approved({"month": month, "days": written(FIELDS[1], days), "note": note}, month))
    content = approved_file(CONTRACT, entries, ZONE)
    random.shuffle(entries)
    assert approved_file(CONTRACT, entries, ZONE) == content
    with tempfile.TemporaryDirectory() as folder:
        held = hold(io.BytesIO(content), Path(folder), len(content))
        files = [File("x.csv", held.path, held.sha256, held.size)]
        taken = take_files([(CONTRACT, files)], Path(folder), date(2024, 1, 1))[CONTRACT.name]
    assert taken.delivery.state is DeliveryState.ACCEPTED
    assert (taken.delivery.rows, taken.delivery.rejects) == (len(rows), ())


@pytest.mark.parametrize(
    ("field", "values"),
    [
        (Field("a", FieldType.NUMBER, decimal_char=","), st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9)),
        (Field("a", FieldType.INTEGER), st.integers(-(10**12), 10**12)),
        (Field("a", FieldType.DATE, date_format="%d.%m.%Y"), st.dates(date(1900, 1, 1), date(2100, 1, 1))),
        (Field("a", FieldType.YEARMONTH, date_format="%Y-%m"), st.dates(date(1900, 1, 1), date(2100, 1, 1)).map(lambda day: day.replace(day=1))),
        (Field("a", FieldType.BOOLEAN, true_values=("ja",), false_values=("nej",)), st.booleans()),
        (Field("a", FieldType.YEAR), st.integers(1900, 2100)),
    ],
    ids=lambda item: item.type if isinstance(item, Field) else "",
)
def test_what_is_written_is_read_back(field: Field, values: st.SearchStrategy) -> None:
    @given(values)
    def law(value: object) -> None:
        column = read_column(field, [written(field, value)])
        assert (column.faults, column.values[0]) == ((), value)

    law()
