"""What may be done with values entered by hand, and which of them count."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulosvahti.core.entry import (
    COUNTING,
    DECIDING,
    REASONED,
    Deed,
    Entry,
    EntryRefusedError,
    EntryState,
    Row,
    Sort,
    Step,
    may_do,
    may_enter,
    may_start,
    rows_of,
)

NOW = datetime(2023, 6, 1, 9, tzinfo=UTC)
PATHS = {
    EntryState.DRAFT: (),
    EntryState.SUBMITTED: (Deed.SUBMIT,),
    EntryState.RETURNED: (Deed.SUBMIT, Deed.RETURN),
    EntryState.APPROVED: (Deed.SUBMIT, Deed.APPROVE),
    EntryState.LOCKED: (Deed.SUBMIT, Deed.APPROVE, Deed.LOCK),
    EntryState.WITHDRAWN: (Deed.WITHDRAW,),
    EntryState.RETRACTED: (Deed.SUBMIT, Deed.APPROVE, Deed.RETRACT),
}
ALLOWED = {
    EntryState.DRAFT: {Deed.SUBMIT, Deed.WITHDRAW},
    EntryState.SUBMITTED: {Deed.WITHDRAW, Deed.RETURN, Deed.APPROVE},
    EntryState.RETURNED: {Deed.SUBMIT, Deed.WITHDRAW},
    EntryState.APPROVED: {Deed.LOCK, Deed.RETRACT},
    EntryState.LOCKED: {Deed.UNLOCK},
    EntryState.WITHDRAWN: set(),
    EntryState.RETRACTED: set(),
}


def entry(number: int = 1, *deeds: Deed, value: str = "1", key: str = "2023", sort: Sort = Sort.ACTUAL) -> Entry:
    steps = tuple(Step(deed, "anna" if deed is Deed.SUBMIT else "bo", NOW + timedelta(hours=at)) for at, deed in enumerate(deeds))
    return Entry(number, "sick_leave", (key,), sort, {"year": key, "days": value}, "anna", NOW, steps=steps)


@pytest.mark.parametrize("state", list(EntryState))
def test_state_and_deeds(state: EntryState) -> None:
    made = entry(1, *PATHS[state])
    assert made.state is state
    assert made.counts is (state in COUNTING)
    assert (made.approved is not None) is (state in COUNTING)
    for deed in Deed:
        assert may_start(made, deed) is (deed in ALLOWED[state])
        if deed in ALLOWED[state]:
            may_do(made, deed, "carl", "because")
        else:
            with pytest.raises(EntryRefusedError, match=r"row 2023 .+: it cannot be "):
                may_do(made, deed, "carl", "because")


def test_unlocked_is_approved_again() -> None:
    assert entry(1, *PATHS[EntryState.LOCKED], Deed.UNLOCK).state is EntryState.APPROVED


@pytest.mark.parametrize("deed", sorted(REASONED))
def test_what_takes_back_needs_a_reason(deed: Deed) -> None:
    state = next(state for state, deeds in ALLOWED.items() if deed in deeds)
    with pytest.raises(EntryRefusedError, match="give the reason why row 2023"):
        may_do(entry(1, *PATHS[state]), deed, "bo", "  ")
    assert deed in DECIDING


def test_a_jump_is_approved_with_a_reason_alone() -> None:
    submitted, jumps = entry(1, Deed.SUBMIT), ("days: 500 is a jump", "hours: 0 is a jump")
    for reason in ("", "  "):
        with pytest.raises(EntryRefusedError, match="row 2023 cannot be approved without a reason: days: 500 is a jump; hours: 0 is a jump"):
            may_do(submitted, Deed.APPROVE, "bo", reason, jumps=jumps)
    may_do(submitted, Deed.APPROVE, "bo", "a new building", jumps=jumps)
    with pytest.raises(EntryRefusedError, match="cannot be approved: days: no number"):
        may_do(submitted, Deed.APPROVE, "bo", "a new building", faults=("days: no number",), jumps=jumps)


@pytest.mark.parametrize(
    ("by", "faults", "four_eyes", "said"),
    [
        ("bo", (), True, ""),
        ("anna", (), True, "was submitted by anna: somebody else has to approve it"),
        ("anna", (), False, ""),
        ("bo", ("days: below the minimum", "year: missing"), True, "cannot be approved: days: below the minimum; year: missing"),
    ],
)
def test_approving(by: str, faults: tuple[str, ...], four_eyes: bool, said: str) -> None:
    def approve() -> None:
        may_do(entry(1, Deed.SUBMIT), Deed.APPROVE, by, "", faults=faults, four_eyes=four_eyes)

    if not said:
        approve()
        return
    with pytest.raises(EntryRefusedError, match=said):
        approve()


@pytest.mark.parametrize(
    ("versions", "value", "reason", "seen", "said"),
    [
        ([], "2", "", 0, ""),
        ([entry(1)], "2", "", 1, ""),
        ([entry(1)], "2", "", 0, "anna entered another version of row 2023 at 2023-06-01 09:00"),
        ([entry(1, Deed.SUBMIT)], "2", "", 1, "waits for approval"),
        ([entry(1, *PATHS[EntryState.RETURNED])], "2", "", 1, ""),
        ([entry(1, *PATHS[EntryState.APPROVED])], "2", "", 1, "give the reason why it changes"),
        ([entry(1, *PATHS[EntryState.APPROVED])], "2", "recount", 1, ""),
        ([entry(1, *PATHS[EntryState.APPROVED])], "1", "", 1, ""),
        ([entry(1, *PATHS[EntryState.APPROVED]), entry(2, value="3")], "2", "", 2, "give the reason why it changes"),
        ([entry(1, *PATHS[EntryState.LOCKED])], "2", "recount", 1, "is locked"),
        ([entry(1, *PATHS[EntryState.RETRACTED])], "2", "", 1, ""),
    ],
)
def test_entering_a_version(versions: list[Entry], value: str, reason: str, seen: int, said: str) -> None:
    row = Row(("2023",), Sort.ACTUAL, tuple(versions)) if versions else None
    if not said:
        may_enter(row, {"year": "2023", "days": value}, reason, seen)
        return
    with pytest.raises(EntryRefusedError, match=said):
        may_enter(row, {"year": "2023", "days": value}, reason, seen)


@pytest.mark.parametrize(
    ("versions", "counts"),
    [
        ([entry(1)], None),
        ([entry(1, *PATHS[EntryState.APPROVED]), entry(2)], 1),
        ([entry(1, *PATHS[EntryState.APPROVED]), entry(2, *PATHS[EntryState.APPROVED])], 2),
        ([entry(1, *PATHS[EntryState.APPROVED]), entry(2, *PATHS[EntryState.WITHDRAWN])], 1),
        ([entry(1, *PATHS[EntryState.APPROVED]), entry(2, *PATHS[EntryState.RETRACTED])], None),
        ([entry(1, *PATHS[EntryState.RETRACTED]), entry(2, *PATHS[EntryState.APPROVED]), entry(3, Deed.SUBMIT)], 2),
    ],
)
def test_which_version_counts(versions: list[Entry], counts: int | None) -> None:
    counting = Row(("2023",), Sort.ACTUAL, tuple(versions)).counting
    assert (counting and counting.id) == counts


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(Sort)), max_size=12))
def test_rows_keep_every_version_in_its_order(made: list[tuple[str, Sort]]) -> None:
    entries = [entry(number, key=key, sort=sort) for number, (key, sort) in enumerate(made)]
    rows = rows_of(entries)
    assert sorted(item.id for row in rows.values() for item in row.versions) == [item.id for item in entries]
    for (key, sort), row in rows.items():
        assert [item.id for item in row.versions] == sorted(item.id for item in entries if (item.key, item.sort) == (key, sort))
        assert row.newest == replace(row.versions[-1])
