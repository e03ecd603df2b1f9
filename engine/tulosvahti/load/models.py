"""The shape of every file: pydantic models, for the messages about shape and for the JSON Schemas.

Meaning (expressions, targets, names that must exist) is read beside them, in the module of each file.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tulosvahti.load.schedule import ScheduleShape
from tulosvahti.load.serving import ServeShape
from tulosvahti.load.sources.declared import Size, Wait

Languages = Literal["fi", "sv", "en"]
Days = Annotated[str, Field(pattern=r"^\s*\d{1,5}\s*(d|w|days?|weeks?)?\s*$", description="such as 10 d or 2 w")]
For = Annotated[
    str, Field(pattern=r"^[1-9]\d{0,2} (periods?|runs?)$", description="such as 2 periods or 3 runs")
]
TextLike = str | dict[Languages, str]


def _as_text(value: Any) -> Any:  # noqa: ANN401 (a number in YAML)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_list(value: Any) -> Any:  # noqa: ANN401 (one or several)
    return [value] if isinstance(value, str) else value


Written = Annotated[str, BeforeValidator(_as_text)]
Several = Annotated[list[str], BeforeValidator(_as_list)]


class Shape(BaseModel):
    """A mapping with known keys only."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class MailShape(Shape):
    """Where mail goes."""

    sender: str = "tulosvahti@localhost"
    host: str = ""
    port: int = Field(default=587, ge=1, le=65535)
    starttls: bool = True
    username: str = ""
    password_env: str = ""
    trust: str = Field(default="", description="a PEM file of certificates to trust besides the system's")
    operator: Several = Field(default=[], description="addresses that hear of mail that does not arrive")


class DashboardShape(Shape):
    """Where the dashboard is; without an address, mails carry no links to acknowledge with."""

    url: str = Field(default="", pattern=r"^(https?://[^\s/]+(/\S*)?)?$", description="an address such as https://tulosvahti.agency.fi")


class StorageShape(Shape):
    """Where the ledger is."""

    ledger: str = "sqlite:///.tulosvahti/ledger.db"
    password_env: str = ""


class ServiceShape(Shape):
    """What the service shows, writes and calls."""

    listen: str = Field(default="", pattern=r"^(|(\[[0-9A-Fa-f:.]+\]|[^:\[\]\s]+):\d{1,5})$", description="ADDRESS:PORT")
    log: Literal["text", "json"] = "text"
    ping: str = Field(default="", pattern=r"^(|https?://\S+)$", description="an http or https URL")


class ComputeShape(Shape):
    """What measures, and what one query of it may take."""

    engine: Literal["duckdb", "spark"] = "duckdb"
    deadline: Wait = "5 min"
    memory: Size = "1 GB"
    threads: int = Field(default=0, ge=0, le=1024, description="0: as many as there are processors")
    master: str = Field(default="local[*]", pattern=r"^\S+$", description="of Spark, such as spark://HOST:7077 or yarn")
    settings: dict[str, Written] = {}
    data_docs: bool = True


class ConfigShape(Shape):
    """``config.toml``."""

    name: TextLike
    languages: list[Languages] = Field(default=["fi", "sv", "en"], min_length=1)
    time_zone: str = "Europe/Helsinki"
    as_of: date | None = None
    schedule: ScheduleShape = ScheduleShape()
    mail: MailShape = MailShape()
    storage: StorageShape = StorageShape()
    service: ServiceShape = ServiceShape()
    compute: ComputeShape = ComputeShape()
    dashboard: DashboardShape = DashboardShape()
    serve: ServeShape = ServeShape()


class AgreementShape(Shape):
    """One signed document."""

    title: TextLike
    document: Written = ""
    signed_on: date | None = None
    agency: TextLike = ""
    years: dict[int, Literal["binding", "preliminary"]]
    annual_report: dict[int, date] = {}
    parties: dict[str, TextLike]


class AgreementsShape(Shape):
    """``rules/agreements.yaml``."""

    agreements: dict[str, AgreementShape]


class RatioShape(Shape):
    """A quotient of two aggregates."""

    numerator: str
    denominator: str


class MappedByShape(Shape):
    """By which organisations a field is counted: those of an input of changes, as of a day."""

    field: str
    input: str
    at: date | None = None


class LeastShape(Shape):
    """How many cases judging needs, where a row stands for as many as a field says."""

    field: str
    least: int = Field(ge=1)


class MeasureShape(Shape):
    """What is measured."""

    input: str
    count: str | None = None
    distinct: str | None = None
    sum: Written | None = None
    mean: str | None = None
    share: str | None = None
    ratio: RatioShape | None = None
    latest: str | None = None
    value: str | None = None
    where: str | None = None
    period: str = ""
    by: Several = []
    accumulates: bool = False
    path: Literal["linear"] | dict[str, Written | float] = "linear"
    min_rows: Annotated[int, Field(ge=0, strict=True)] | LeastShape = 0
    missing: Literal["bound", "skip"] = "bound"
    mapping: MappedByShape | None = None


class MilestoneShape(Shape):
    """Something due on a date."""

    input: str
    key: str
    due: date
    lead: Days = "0 d"
    key_field: str = "milestone"
    done_field: str = "done_on"


class NarrativeShape(Shape):
    """A verbal indicator."""

    input: str
    key: str
    due: date | Literal["annual_report"] = "annual_report"
    lead: Days = "0 d"
    key_field: str = "narrative"


class FigureShape(Shape):
    """A cell, a target or an observed value."""

    input: str = ""
    row: str = ""
    column: str = ""
    target_of: str = ""
    observed_of: str = ""
    period: Written | None = None


class TieShape(Shape):
    """A total and its items."""

    total: FigureShape
    items: list[FigureShape] = Field(min_length=1)


class CrossfootShape(Shape):
    """The arithmetic of a table."""

    input: str = ""
    label: str = ""
    columns: list[str] = []
    total_row: str = ""
    total_column: str = ""
    rounded_to: Written | None = None
    noise: Written | None = Field(default=None, description="the most by which the source may have changed each figure")
    subtracted: list[str] = []
    subtotals: dict[str, list[str]] = {}
    ties: list[TieShape] = []


class PairShape(Shape):
    """A condition on two fields."""

    both_or_neither: list[str] | None = Field(default=None, min_length=2, max_length=2)
    never_both: list[str] | None = Field(default=None, min_length=2, max_length=2)

    @model_validator(mode="after")
    def _one(self) -> PairShape:
        if (self.both_or_neither is None) == (self.never_both is None):
            msg = "give both_or_neither or never_both, with two fields"
            raise ValueError(msg)
        return self


class ReferenceShape(Shape):
    """Fields whose values a row of another input must have."""

    fields: Several = Field(min_length=1)
    input: str
    to: Several = []


class RowsShape(Shape):
    """What every row must be."""

    input: str
    require: str | PairShape | None = None
    unique: Several | None = None
    references: ReferenceShape | None = None
    where: str | None = None
    missing: Literal["unknown", "fail", "pass"] = "unknown"
    key: list[str] | None = None

    @model_validator(mode="after")
    def _one(self) -> RowsShape:
        if sum(bool(item) for item in (self.require, self.unique, self.references)) != 1:
            msg = "give exactly one of require, unique and references"
            raise ValueError(msg)
        return self


class ExpectationShape(Shape):
    """A Great Expectations expectation."""

    input: str
    type: str = Field(pattern=r"^expect_[a-z0-9_]+$", description="a name such as expect_column_values_to_be_unique")
    kwargs: dict[str, Any] = {}


class RuleShape(Shape):
    """One rule."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="lower case, digits and hyphens")
    title: TextLike
    quote: str = ""
    owner: str
    page: int | None = None
    unit: str = ""
    severity: Literal["critical", "warning", "info"] = "warning"
    in_state_budget: bool = False
    direction: Literal["higher", "lower"] | None = None
    note: TextLike = ""
    enabled: bool = True
    grain: Literal["year", "half-year", "quarter", "month", "week", "day"] | None = None
    grace: Days | None = None
    tolerance: Written | None = None
    warn: Written | None = None
    for_: For | None = Field(default=None, alias="for")
    target: dict[str | int | date, Written] | None = None
    measure: MeasureShape | None = None
    milestone: MilestoneShape | None = None
    narrative: NarrativeShape | None = None
    crossfoot: CrossfootShape | None = None
    rows: RowsShape | None = None
    expectation: ExpectationShape | None = None


class RuleFileShape(Shape):
    """A file of ``rules/``."""

    agreement: str
    section: Written
    page: int | None = None
    title: TextLike
    rules: list[RuleShape]


class CaseShape(Shape):
    """One case of a rule."""

    name: str
    as_of: date | None = None
    inputs: dict[str, list[dict[str, Any]]] = {}
    expect: dict[str, Any]


class CasesShape(Shape):
    """The cases of one rule."""

    rule: str
    as_of: date | None = None
    cases: list[CaseShape]
