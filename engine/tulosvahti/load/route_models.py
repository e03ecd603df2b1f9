"""The shape of ``alerts/routes.yaml``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tulosvahti.load.models import For, Languages, Several, Shape, TextLike, Written

Span = Annotated[
    str, Field(pattern=r"^\s*\d{1,4}\s*(h|hours?|d|w|days?|weeks?)\s*$", description="such as 12 h, 3 d or 2 w")
]
Repeat = Annotated[
    str, Field(pattern=r"^\s*(never|[1-9]\d{0,3}\s*(d|w|days?|weeks?))\s*$", description="never, or days such as 7 d or 2 w")
]
Hour = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description='hours and minutes in quotes, such as "07:30"')]
DayCount = Annotated[int, Field(ge=1, le=366)]


class QuietShape(Shape):
    """When mail is held back."""

    start: Hour | None = None
    end: Hour | None = None
    weekends: bool = False
    holidays: bool = False
    critical: bool = False

    @model_validator(mode="after")
    def _whole(self) -> QuietShape:
        if (self.start is None) != (self.end is None) or (self.start is not None and self.start == self.end):
            msg = "give both start and end, and not the same hour twice"
            raise ValueError(msg)
        return self


class HolidaysShape(Shape):
    """Whose holidays are free days."""

    country: str = Field(default="FI", pattern=r"^[A-Z]{2}$", description="two letters such as FI")
    subdivision: Written = ""


class EscalationShape(Shape):
    """Who hears of it next."""

    after: Span
    to: str


class RemindersShape(Shape):
    """How many days before and after an input's due day its deliverer is reminded."""

    before: tuple[DayCount, ...] = (30, 7, 1)
    after: tuple[DayCount, ...] = (1, 7, 30)


class SummaryShape(Shape):
    """A weekly summary."""

    to: str
    day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class RecipientShape(Shape):
    """Somebody who gets mail."""

    name: TextLike
    mail: Several = Field(default_factory=list)
    channels: Several = Field(default_factory=list, description="environment variables that hold the URLs of channels")
    language: Languages = "en"
    repeat: Repeat | None = None
    escalation: EscalationShape | None = None
    deputy: str = ""
    manager: str = ""
    quiet: QuietShape | None = None


class MatchShape(Shape):
    """What a route concerns."""

    rule: Several | None = None
    owner: Several | None = None
    section: Several | None = None
    severity: Several | None = None
    verdict: Several | None = None
    kind: Several | None = None
    input: Several | None = None


class RouteShape(Shape):
    """Further recipients, and how long it must be bad before anybody is told."""

    match: MatchShape
    also: Several = Field(default_factory=list)
    for_: For | None = Field(default=None, alias="for")


class RoutesShape(Shape):
    """``alerts/routes.yaml``."""

    default: str
    recipients: dict[str, RecipientShape]
    routes: list[RouteShape] = Field(default_factory=list)
    repeat: Repeat = "never"
    quiet: QuietShape | None = None
    holidays: HolidaysShape = HolidaysShape()
    reminders: RemindersShape = RemindersShape()
    summaries: list[SummaryShape] = Field(default_factory=list)
