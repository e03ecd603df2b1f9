"""A run under its claim: begun, renewed while it goes on, and published or recorded as failed by its owner alone."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from tulosvahti.store.database import told
from tulosvahti.store.slots import LostLeaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime
    from types import TracebackType

    from tulosvahti.core.alert import Alert
    from tulosvahti.core.delivery import Posting
    from tulosvahti.core.verdict import Outcome
    from tulosvahti.store.ledger import Ledger
    from tulosvahti.store.slots import Claim, Slots

LOG = logging.getLogger(__name__)
_BEATS = 6
"""Renewals in the length of a lease: several may fail before it ends."""
_LONGEST = timedelta(hours=12)
"""A run that takes longer hangs: its claim is let go, for another process to take over."""


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Beginning:
    """What a run is begun with."""

    as_of: date
    rules_sha256: str
    engine: str
    forced_rules: str = ""


@dataclass(frozen=True)
class Result:
    """What a run found and tells: the outcome, its mails, its JSON, and the alerts that it moved."""

    outcome: Outcome
    mails: Sequence[Posting] = ()
    json: str = ""
    moved: Sequence[Alert] = ()


def run_claimed(  # noqa: PLR0913 - a run is its claim, its beginning, its work, and what a failure leads to
    ledger: Ledger,
    claim: Claim,
    beginning: Beginning,
    work: Callable[[str], Result],
    clock: Callable[[], datetime],
    retry_at: Callable[[int, datetime], datetime | None] = lambda _attempt, _now: None,
    progressed: Callable[[], None] = _nothing,
) -> Result:
    """Run ``work``, which is handed the run's id, and publish what it gives in one transaction.

    ``retry_at`` says when a failed attempt is made again; ``progressed`` is called at each renewal of the claim.

    Raises:
        LostLeaseError: the claim was lost on the way; nothing was written.

    """
    run = None
    try:
        run = ledger.start_run(
            beginning.as_of,
            clock(),
            beginning.rules_sha256,
            beginning.engine,
            forced_rules=beginning.forced_rules,
            claim=claim,
        )
        with Heartbeat(ledger.slots, claim, clock, progressed):
            result = work(run)
        ledger.publish(result.outcome, clock(), result.mails, result.json, result.moved, claim=claim)
    except LostLeaseError:
        raise
    except BaseException as error:
        now, reason = clock(), told(error)
        again = retry_at(claim.epoch, now)
        try:
            if run is None:
                ledger.slots.fail(claim, now, reason, again)
            else:
                ledger.fail_run(run, now, reason, claim=claim, retry_at=again)
        except LostLeaseError:
            pass
        except Exception as second:  # noqa: BLE001 (the next run records it: the first fault is what to tell)
            error.add_note(f"the ledger could not take note of it: {second}")
        raise
    return result


class Heartbeat:
    """Renews a claim in the background; used with ``with``."""

    def __init__(
        self, slots: Slots, claim: Claim, clock: Callable[[], datetime], progressed: Callable[[], None] = _nothing
    ) -> None:
        """Name the claim, which is renewed first after a sixth of its lease, and what to call each time it was."""
        self._slots, self._claim, self._clock, self._progressed = slots, claim, clock, progressed
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        """Start renewing."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop renewing: the claim holds for what is left of its lease."""
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        pause = self._slots.lease / _BEATS
        for _ in range(_LONGEST // pause):
            if self._over.wait(pause.total_seconds()):
                return
            try:
                self._slots.renew(self._claim, self._clock())
                self._progressed()
            except LostLeaseError as error:
                LOG.error("%s", error)  # noqa: TRY400 - told in full; the run is told when it publishes
                return
            except Exception:
                LOG.exception("the lease of slot %s could not be renewed; trying again", self._claim.slot)
        LOG.error("slot %s has run for %s: it is given up, and free to be taken over", self._claim.slot, _LONGEST)
