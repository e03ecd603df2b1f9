"""The newest day that rows reach: the same as looking at every row, on whatever day and in whatever order it is asked."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from tulosvahti.core.contract import Contract, Field, FieldType
from tulosvahti.core.text import Text
from tulosvahti.load.newest import Reach
from tulosvahti.load.tables import take
from tulosvahti.problem import Place

if TYPE_CHECKING:
    from pathlib import Path

    from tulosvahti.load.tables import Taken

ROWS = [
    ("2021-05-05", "2021-06-01"), ("2022-02-02", "2022-02-02"), ("2023-03-03", "2022-03-03"), ("2022-12-31", "2024-01-01"), ("2023-04-04", ""),
    ("", "2023-01-01"), ("2024-10-10", "2024-11-11"),
]  # fmt: skip
DAYS = [date(2021, 1, 1) + timedelta(60 * at) for at in range(26)]


def contract_of(kind: FieldType, known_on: str) -> Contract:
    fields = (Field("period", kind), Field("known", FieldType.DATE))
    return Contract("data", Text(), "data.csv", fields, Place("inputs/data.yaml"), period="period", known_on=known_on)


def written(root: Path, kind: FieldType) -> None:
    (root / "inputs").mkdir()
    rows = [f"{period[:4] if kind is FieldType.YEAR else period},{known}\n" for period, known in ROWS]
    (root / "inputs" / "data.csv").write_text("period,known\n" + "".join(rows), encoding="utf-8")


def reached(kind: FieldType, known_on: str, day: date) -> date | None:
    """Look at every row."""
    found = []
    for period, known in ROWS:
        start = (period[:4] and f"{period[:4]}-01-01") if kind is FieldType.YEAR else period
        if start and start <= str(day) and (not known_on or ("" < known <= str(day))):
            found.append(date.fromisoformat(start))
    newest = max(found, default=None)
    return newest.replace(month=12, day=31) if newest and kind is FieldType.YEAR else newest


@pytest.mark.parametrize("known_on", ["", "known"])
@pytest.mark.parametrize("kind", [FieldType.DATE, FieldType.YEAR])
def test_each_day_is_answered_as_by_looking_at_every_row(tmp_path: Path, kind: FieldType, known_on: str) -> None:
    written(tmp_path, kind)
    contract = contract_of(kind, known_on)
    for day in [*DAYS, *reversed(DAYS), *DAYS[::5]]:
        assert take(contract, tmp_path, day).delivery.covered_through == reached(kind, known_on, day), day


def kept(taken: Taken) -> Path:
    assert taken.rows is not None
    return taken.rows.path.with_suffix(".known")


def test_what_was_answered_is_not_asked_again_until_more_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, FieldType.DATE)
    contract, asked = contract_of(FieldType.DATE, "known"), []
    plain = Reach._asked
    monkeypatch.setattr(Reach, "_asked", lambda self, *order: asked.append(order) or plain(self, *order))
    for day, anew in [("2022-03-03", 1), ("2022-06-01", 0), ("2023-03-02", 0), ("2023-03-03", 1), ("2022-06-01", 1)]:
        asked.clear()
        take(contract, tmp_path, date.fromisoformat(day))
        assert len(asked) == anew, day


@pytest.mark.parametrize("spoiled", [b"", b"\0" * 20, b"[]", b'{"digest": "", "body": ["period", "known", "2022-03-03", null, "2024-10-10"]}'])
def test_a_damaged_answer_is_asked_again(tmp_path: Path, spoiled: bytes) -> None:
    written(tmp_path, FieldType.DATE)
    contract, day = contract_of(FieldType.DATE, "known"), date(2022, 3, 3)
    place = kept(take(contract, tmp_path, day))
    place.write_bytes(spoiled)
    assert take(contract, tmp_path, day).delivery.covered_through == date(2022, 2, 2)
    assert place.read_bytes() != spoiled
