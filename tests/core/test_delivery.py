"""When a message that was not accepted is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tulosvahti.core.delivery import FARTHEST, PATIENCE, next_attempt

FIRST = datetime(2023, 10, 28, 1, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def attempts(message_id: str, lasts: timedelta) -> list[timedelta]:
    """Give when the attempts are made that all fail, each after ``lasts``."""
    made, now = [timedelta()], FIRST + lasts
    while (moment := next_attempt(message_id, len(made), FIRST, now)) is not None:
        assert moment > now
        made.append(moment - FIRST)
        now = moment + lasts
    return made


def test_the_steps() -> None:
    made = attempts("<1@x>", MINUTE / 2)
    for at, step in zip(made, [0, 1, 5, 15, 30, 150, 270], strict=False):
        assert timedelta(minutes=step) <= at <= timedelta(minutes=step + 12)
    assert PATIENCE - timedelta(hours=2) < made[-1] <= PATIENCE + timedelta(minutes=12)
    assert len(made) == 5 + 47
    assert attempts("<1@x>", MINUTE / 2) == made
    assert attempts("<2@x>", MINUTE / 2) != made


@given(st.text(max_size=9), st.timedeltas(timedelta(seconds=1), timedelta(hours=30)))
def test_attempts_go_forward_and_end(message_id: str, lasts: timedelta) -> None:
    made = attempts(message_id, lasts)
    assert made == sorted(made)
    assert made[-1] <= PATIENCE + timedelta(minutes=12)


@given(st.timedeltas(timedelta(days=-3650), timedelta(days=3650)))
def test_a_jumping_clock_neither_waits_for_years_nor_fails(jump: timedelta) -> None:
    now = FIRST + jump
    moment = next_attempt("<1@x>", 1, FIRST, now)
    assert moment is None if jump >= PATIENCE else moment is None or now < moment <= now + FARTHEST
    assert jump > PATIENCE - timedelta(hours=2) or moment is not None
