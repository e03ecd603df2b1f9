"""What ``deliveries list`` shows, as lines and as JSON."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tulosvahti.core.contract import DeliveryState
from tulosvahti.emit.words import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tulosvahti.load.project import Project
    from tulosvahti.store.deliveries import Logged

_NO_CONTENT = 12
_AWAITED = frozenset({DeliveryState.LATE, DeliveryState.MISSING, DeliveryState.QUARANTINED})


def as_json(found: Sequence[Logged], stands: Sequence[Mapping[str, Any]], waits: Sequence[tuple[str, str]] = ()) -> str:
    """Give everything as JSON; moments are ISO 8601 in UTC."""
    shown = {
        "deliveries": [
            {
                "id": item.id,
                "input": item.input,
                "file": item.file.name,
                "place": item.place,
                "sha256": item.file.sha256 or None,
                "size": item.file.size,
                "written": item.file.written or None,
                "arrived_at": item.arrived_at,
                "how": str(item.how),
                "by": item.file.by or None,
                "state": str(item.became.state),
                "state_at": item.at or None,
                "rows": item.became.rows,
                "rejects": item.became.rejects,
                "explanation": item.became.explanation,
                "next_step": item.became.next_step,
                "run": item.run or None,
            }
            for item in found
        ],
        "inputs": [
            {
                "name": item["name"],
                "state": item["state"],
                "sha256": item["sha256"] or None,
                "covered_through": item["covered_through"].isoformat() if item["covered_through"] else None,
                "expected_through": item["expected_through"].isoformat() if item["expected_through"] else None,
                "explanation": item["explanation"],
                "next_step": item["next_step"],
                "run": str(item["run_id"]),
            }
            for item in stands
        ],
        "dropped": [{"input": name, "waits": why} for name, why in waits],
    }
    return json.dumps(shown, ensure_ascii=False, indent=2)


def as_lines(
    found: Sequence[Logged], stands: Sequence[Mapping[str, Any]], waits: Sequence[tuple[str, str]], project: Project
) -> Iterator[str]:
    """Give a line for each arrival, for what lies in drop folders, and for each input that waits for something."""
    zone = ZoneInfo(project.config.time_zone)
    if not found:
        yield "nothing has come yet; the next run logs what lies there"
    for item in found:
        at = datetime.fromisoformat(item.arrived_at).astimezone(zone)
        by = f" by {clean(item.file.by)}" if item.file.by else ""
        content = f"sha256 {item.file.sha256[:_NO_CONTENT]}, {item.file.size} bytes" if item.file.sha256 else "no content"
        place = f" → {clean(item.place)}" if item.place != item.file.name else ""
        yield f"{item.id} {item.input}: {clean(item.file.name)}{place}, {item.how} {at:%Y-%m-%d %H:%M}{by}, {content}"
        rows = f", {item.became.rows} rows, {item.became.rejects} rejected" if item.became.rows or item.became.rejects else ""
        yield f"    {item.became.state}{rows}" + (f": {clean(item.became.explanation)}" if item.became.explanation else "")
        if item.became.next_step:
            yield f"    what to do: {clean(item.became.next_step)}"
    if waits:
        yield "in drop folders:"
    yield from (f"  {name}: {clean(why)}" for name, why in waits)
    waiting = [item for item in stands if item["state"] in _AWAITED]
    if waiting:
        yield "inputs that wait:"
    for stand in waiting:
        due = f"; due to reach {stand['expected_through'].isoformat()}" if stand["expected_through"] else ""
        yield f"  {stand['name']}: {stand['state']} (run {stand['run_id']}): {clean(stand['explanation'])}{due}"
