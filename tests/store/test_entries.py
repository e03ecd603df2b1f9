"""Values entered by hand in a real ledger, on both databases: every version and deed stays."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tulosvahti.core.entry import Attachment, Deed, EntryState, Sort
from tulosvahti.store import entries as stored

if TYPE_CHECKING:
    from tulosvahti.store.ledger import Ledger

NOW = datetime(2023, 6, 1, 9, tzinfo=UTC)


def test_versions_steps_and_evidence_come_back(ledger: Ledger) -> None:
    with ledger.transaction() as connection:
        first = stored.enter(connection, "sick_leave", ("2023", "ä,b"), {"days": "7,5"}, "anna", NOW)
        stored.enter(connection, "other", ("2023", "ä,b"), {"days": "1"}, "anna", NOW)
        stored.do(connection, first, Deed.SUBMIT, "anna", NOW)
        stored.do(connection, first, Deed.RETURN, "bo", NOW, "why?")
        stored.attach(connection, first, Attachment("a.pdf", "ab" * 32, 3, "anna", NOW))
        second = stored.enter(connection, "sick_leave", ("2023", "ä,b"), {"days": "8"}, "anna", NOW, reason=" recount ", sort=Sort.FORECAST)
    with ledger.transaction(reading=True) as connection:
        found = stored.entries(connection, "sick_leave")
        assert stored.entries(connection, "sick_leave", ("2023", "ä,b")) == found
        assert stored.entries(connection, "sick_leave", ("2024", "ä,b")) == []
    assert [(item.id, item.key, item.sort, item.state, item.reason) for item in found] == [
        (first, ("2023", "ä,b"), Sort.ACTUAL, EntryState.RETURNED, ""),
        (second, ("2023", "ä,b"), Sort.FORECAST, EntryState.DRAFT, "recount"),
    ]
    assert found[0].steps[1].reason == "why?"
    assert found[0].attachments == (Attachment("a.pdf", "ab" * 32, 3, "anna", NOW),)


@pytest.mark.parametrize("table", ["entries", "entry_steps", "entry_attachments"])
@pytest.mark.parametrize("deed", ["UPDATE {} SET by = 'x'", "DELETE FROM {}"])
def test_nothing_is_changed_nor_removed(ledger: Ledger, table: str, deed: str) -> None:
    with ledger.transaction() as connection:
        made = stored.enter(connection, "sick_leave", ("2023",), {}, "anna", NOW)
        stored.do(connection, made, Deed.SUBMIT, "anna", NOW)
        stored.attach(connection, made, Attachment("a.pdf", "ab" * 32, 3, "anna", NOW))
    with pytest.raises(DBAPIError, match="append-only"), ledger.transaction() as connection:
        connection.execute(text(deed.format(table)))
