"""What ``alerts list`` shows, as lines and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tulosvahti.core.alert import About

if TYPE_CHECKING:
    from datetime import datetime

    from tulosvahti.core.alert_plan import Standing
    from tulosvahti.load.project import Project
    from tulosvahti.wiring import Overview


def as_json(overview: Overview, project: Project, *, every: bool) -> str:
    """Give everything as JSON; moments are ISO 8601 in UTC."""
    memory = overview.memory
    shown = {
        "alerts": [_one(item, overview, project) for item in _chosen(overview, every=every)],
        "silences": [
            {"id": item.id, "alert": item.pattern, "by": item.by, "at": item.at.isoformat(), "ends": item.ends.isoformat(), "reason": item.reason}
            for item in memory.silences if every or item.ends > overview.at
        ],
        "waivers": [
            {"id": item.id, "alert": item.pattern, "by": item.by, "at": item.at.isoformat(), "ends": item.ends.isoformat(), "reason": item.reason, "approver": item.approver, "limit": format(item.limit, "f")}
            for item in memory.waivers if every or item.ends > overview.at
        ],
    }  # fmt: skip
    return json.dumps(shown, ensure_ascii=False, indent=2)


def _chosen(overview: Overview, *, every: bool) -> list[Standing]:
    return sorted((item for item in overview.standings if every or item.alert.active), key=lambda item: item.rank)


def _one(item: Standing, overview: Overview, project: Project) -> dict[str, Any]:
    alert = item.alert
    acknowledged = [one for one in overview.memory.acknowledgements if one.covers(alert)]
    told = {who: one for (who, key), one in overview.memory.log.items() if key == item.key}
    return {
        "alert": str(item.key),
        "about": str(item.key.about),
        "name": item.key.name,
        "subject": dict(item.key.subject),
        "state": str(alert.state),
        "since": alert.since.isoformat() if alert.since else None,
        "verdict": alert.word or None,
        "periods": alert.words if item.key.about is About.RULE else {},
        "severity": str(item.matter.severity),
        "recipients": [heard.recipient for heard in project.routes.heard_by(item.matter)] if alert.active else [],
        "muted_by": item.muted or None,
        "acknowledged": {"by": acknowledged[-1].by, "at": acknowledged[-1].at.isoformat(), "note": acknowledged[-1].note} if acknowledged else None,
        "told": {who: {"at": one.at.isoformat(), "firing": one.firing} for who, one in sorted(told.items())},
    }


def as_lines(overview: Overview, project: Project, *, every: bool) -> str:
    """Give everything as text: a line for an alert, and what is to be known of it below."""
    zone = ZoneInfo(project.config.time_zone)

    def local(moment: datetime | None) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else "-"

    lines = []
    for item in _chosen(overview, every=every):
        one = _one(item, overview, project)
        lines.append(f"{one['alert']}  {one['state']}  {one['verdict'] or ''}  {one['severity']}  since {local(item.alert.since)}".replace("    ", "  "))
        if one["periods"] and any(one["periods"]):
            lines.append("  periods: " + ", ".join(f"{period} {word}" for period, word in one["periods"].items()))
        if one["muted_by"]:
            lines.append(f"  muted by {one['muted_by']}")
        if one["acknowledged"]:
            lines.append(f"  acknowledged by {one['acknowledged']['by']}" + (f": {one['acknowledged']['note']}" if one["acknowledged"]["note"] else ""))
        if item.lapsed_at:
            lines.append("  a waiver no longer covers it")
        told = [f"{who} {local(found.at)}" for (who, key), found in sorted(overview.memory.log.items()) if key == item.key]
        lines.append("  told " + (", ".join(told) if told else "nobody yet"))
    lines += [
        f"silence {item.id}: {item.pattern} until {local(item.ends)}, by {item.by}: {item.reason}"
        for item in overview.memory.silences if every or item.ends > overview.at
    ]  # fmt: skip
    lines += [
        f"waiver {item.id}: {item.pattern} until {local(item.ends)}, limit {item.limit:f}, approved by {item.approver}: {item.reason}"
        for item in overview.memory.waivers if every or item.ends > overview.at
    ]  # fmt: skip
    return "\n".join(lines) or "nothing is pending, nothing fires"
