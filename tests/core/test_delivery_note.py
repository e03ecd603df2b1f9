"""What a deliverer is told, from delivery to delivery: each once, the same content never again, in order once."""

from __future__ import annotations

import pytest

from tulosvahti.core.arrival import Fate
from tulosvahti.core.delivery_note import Note, OpenNote, note_of


@pytest.mark.parametrize(
    ("history", "told"),
    [
        ([("quarantined", "a")], ["refused"]),
        ([("quarantined", "a"), ("quarantined", "a"), ("quarantined", "a")], ["refused", None, None]),
        ([("quarantined", "a"), ("quarantined", "b")], ["refused", "refused"]),
        ([("quarantined", "a"), ("accepted", "b"), ("accepted", "c")], ["refused", "mended", None]),
        ([("quarantined", "a"), ("accepted_with_rejects", "b"), ("accepted", "c")], ["refused", "partly", "mended"]),
        ([("accepted_with_rejects", "a"), ("accepted_with_rejects", "a"), ("duplicate", "a")], ["partly", None, None]),
        ([("accepted", "a"), ("quarantined", "b"), ("duplicate", "a")], [None, "refused", "mended"]),
        ([("quarantined", "a"), ("withdrawn", "a"), ("accepted", "b")], ["refused", None, "mended"]),
        ([("quarantined", "a"), ("accepted", "a")], ["refused", "mended"]),
        ([("quarantined", "a"), ("accepted", "b"), ("quarantined", "a")], ["refused", "mended", "refused"]),
        ([("late", "a"), ("accepted", "b")], [None, None]),
        ([("quarantined", ""), ("quarantined", "")], ["refused", None]),
    ],
)
def test_told_from_delivery_to_delivery(history: list[tuple[str, str]], told: list[str | None]) -> None:
    before, found = None, []
    for number, (fate, sha256) in enumerate(history):
        note = note_of(Fate(fate), sha256, "a.csv", 0, before)
        found.append(note)
        if note is not None:
            before = OpenNote(note, number, "a.csv", sha256)
    assert found == told


def test_a_late_one_with_rejects_is_told_too() -> None:
    assert note_of(Fate.LATE, "a", "a.csv", 3, None) is Note.PARTLY
