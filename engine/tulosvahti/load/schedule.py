"""``[schedule]`` in config.toml: the jobs, when each is due, and what is wrong or worth knowing about them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tulosvahti.core.slots import Job, Missed, matches
from tulosvahti.core.timetable import ALLOWED, Timetable, clock_changes
from tulosvahti.load.settings import NIGHTLY, Schedule
from tulosvahti.problem import Place, Problem, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tulosvahti.core.timetable import ClockChange
    from tulosvahti.load.source import Source

_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}
_AHEAD = timedelta(days=400)
Span = Annotated[str, Field(pattern=r"^\s*\d{1,4}\s*(s|min|h|d)\s*$")]
SPANS = "such as 45 s, 10 min, 12 h or 3 d"
Globs = str | list[str]
JobName = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="lower case, digits and hyphens")]


class PolicyShape(BaseModel):
    """What becomes of a slot that is late, and of a run that fails; what is left out is as for the whole schedule."""

    model_config = ConfigDict(extra="forbid")

    missed: Literal["run-once", "skip"] | None = None
    max_late: Span | None = Field(default=None, description=SPANS)
    retries: int | None = Field(default=None, ge=0, le=100)
    retry_after: Span | None = Field(default=None, description=SPANS)


class JobShape(PolicyShape):
    """Rules that are judged together, at the times of a cron expression or when something is delivered."""

    cron: str | None = None
    on_delivery: Globs | None = None
    rules: Globs = "*"

    @model_validator(mode="after")
    def _one(self) -> JobShape:
        if (self.cron is None) == (self.on_delivery is None):
            message = "give cron or on_delivery: a job for each"
            raise ValueError(message)
        if self.on_delivery is not None and (self.missed is not None or self.max_late is not None):
            message = "missed and max_late go with cron: a delivery is never late"
            raise ValueError(message)
        return self


class ScheduleShape(PolicyShape):
    """When the rules are judged."""

    nightly: str | None = None
    jobs: dict[JobName, JobShape] = {}


def read_schedule(shape: ScheduleShape, source: Source) -> Schedule:
    """Read the jobs; what is wrong becomes problems of the source. Without any job there is a nightly one."""
    jobs: list[Job] = []
    places: dict[tuple[str, str], Place] = {}
    declared = {name: (item, ("schedule", "jobs", name)) for name, item in shape.jobs.items()}
    nightly = shape.nightly if shape.nightly is not None or shape.jobs else NIGHTLY
    if nightly is not None and "nightly" in declared:
        place = source.place(("schedule", "jobs", "nightly"))
        message = "the job nightly is declared twice: here and by the key nightly of [schedule]"
        source.problems.append(Problem(place, message, "one of them", "remove the key nightly"))
    elif nightly is not None:
        places["nightly", "cron"] = source.place(("schedule", "nightly"))
        jobs.append(_job("nightly", JobShape(cron=nightly), shape))
    for name, (item, at) in declared.items():
        for key in ("cron", "rules", "on_delivery"):
            places[name, key] = source.place((*at, key))
        jobs.append(_job(name, item, shape))
    for job in jobs:
        if not job.on_delivery and (fault := _fault(job.cron)):
            key = "nightly" if ("nightly", "rules") not in places and job.name == "nightly" else "cron"
            message = f"{key}: {job.cron!r} is not a schedule: {fault}"
            source.problems.append(Problem(places[job.name, "cron"], message, ALLOWED))
    return Schedule(tuple(jobs), places)


def _job(name: str, shape: JobShape, default: ScheduleShape) -> Job:
    kept = {key: getattr(shape, key) if getattr(shape, key) is not None else getattr(default, key) for key in PolicyShape.model_fields}
    known = Job(name)
    return Job(
        name,
        cron=shape.cron or "",
        on_delivery=_globs(shape.on_delivery or ""),
        rules=_globs(shape.rules),
        missed=known.missed if kept["missed"] is None else Missed(kept["missed"]),
        max_late=known.max_late if kept["max_late"] is None else read_span(kept["max_late"]),
        retries=known.retries if kept["retries"] is None else kept["retries"],
        retry_after=known.retry_after if kept["retry_after"] is None else read_span(kept["retry_after"]),
    )


def _globs(value: Globs) -> str:
    return value if isinstance(value, str) else ",".join(value)


def read_span(text: str) -> timedelta:
    """Read a length of time such as ``45 s``, ``10 min``, ``12 h`` or ``3 d``, as the shapes allow it."""
    number, unit = re.findall(r"\d+|[a-z]+", text)
    return timedelta(**{_UNITS[unit]: int(number)})


def _fault(cron: str) -> str:
    try:
        Timetable(cron, ZoneInfo("UTC"))
    except ValueError as error:
        return str(error)
    return ""


def unmatched(schedule: Schedule, rules: Iterable[str], inputs: Iterable[str]) -> list[Problem]:
    """Give the jobs whose globs match no rule, or no input."""
    problems = []
    known = {"rules": list(rules), "on_delivery": list(inputs)}
    for job in schedule.jobs:
        for key, globs in (("rules", job.rules), ("on_delivery", job.on_delivery)):
            what = "rule" if key == "rules" else "input"
            for part in (part.strip() for part in globs.split(",") if globs != "*"):
                if part and not any(matches(name, part) for name in known[key]):
                    message = f"{key}: no {what} matches {part!r}, so job {job.name} would never judge it"
                    place = schedule.places[job.name, key]
                    problems.append(Problem(place, message, f"globs of {what} names", nearest(part, known[key])))
    return problems


def changing_hours(schedule: Schedule, zone: str, now: datetime) -> list[Problem]:
    """Warn of the coming nights in which a job's slot falls into hours that the zone's clock skips or repeats."""
    warnings = []
    changes = list(clock_changes(ZoneInfo(zone), now, now + _AHEAD))
    for job in schedule.jobs:
        if job.on_delivery:
            continue
        timetable = Timetable(job.cron, ZoneInfo(zone))
        if timetable.every_hour:
            continue
        nights = [said for change in changes if (said := _night(change, timetable))]
        if nights:
            message = f"warning: {job.name}: {job.cron!r} falls into hours that the clock of {zone} changes: {'; '.join(nights)}"
            step = "nothing is lost or doubled; choose another hour if it must run at its own time in these nights too"
            warnings.append(Problem(schedule.places[job.name, "cron"], message, "any hour", step))
    return warnings


def _night(change: ClockChange, timetable: Timetable) -> str:
    first, last = sorted((change.before, change.after))
    slots = list(takewhile(change.holds, timetable.after(first - timedelta(minutes=1))))
    if not slots:
        return ""
    named = ", ".join(f"{slot:%H:%M}" for slot in slots[:3]) + (" …" if len(slots) > 3 else "")
    if change.after > change.before:
        return f"on {change.before:%Y-%m-%d} the clock goes from {first:%H:%M} to {last:%H:%M}, so what is due at {named} runs at {last:%H:%M}"
    return f"on {change.before:%Y-%m-%d} it goes from {last:%H:%M} back to {first:%H:%M}, so what is due at {named} runs once, the first time"
