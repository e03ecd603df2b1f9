"""A refused delivery stands in for its input: nothing is judged on what it was to replace, and everything says so.

Unknown never passes: the producer has said that the content is another, and what it is now is not known. A delivery that
is accepted lifts it, and so does a person who withdraws the refused one; what was accepted before is judged again then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tulosvahti.core.contract import DeliveryState

if TYPE_CHECKING:
    from tulosvahti.core.contract import Delivery


@dataclass(frozen=True)
class Refusal:
    """The newest delivery of an input, where it was refused. ``stands_on``: the digest of the content beside it.

    Of an input with several files it is the newest for its own place, and stands (None) whatever lies at the others.
    """

    id: int
    name: str
    day: str
    sha256: str
    stands_on: str | None
    explanation: str
    next_step: str


def refused(delivery: Delivery, refusal: Refusal | None) -> Delivery:
    """Give what is said of an input whose newest delivery was refused; the same object where none was, or it is past.

    It is past as soon as other content lies there.
    """
    if refusal is None or refusal.stands_on not in {None, delivery.sha256}:
        return delivery
    kept = f"; what was accepted before ({delivery.sha256[:12]}) is kept, and is not judged" if delivery.sha256 else ""
    return replace(
        delivery,
        state=DeliveryState.QUARANTINED,
        sha256=refusal.sha256,
        rows=0,
        rejects=(),
        rejected_rows=0,
        files=(),
        explanation=f"delivery {refusal.id}, {refusal.name} of {refusal.day}, was refused: {refusal.explanation}{kept}",
        next_step=f"{refusal.next_step}; or judge what was there before: tulosvahti deliveries withdraw {refusal.id} --reason TEXT",
    )
