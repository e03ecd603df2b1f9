"""The shape of a contract, ``inputs/NAME.yaml``: a Frictionless Table Schema and what it does not know."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from tulosvahti.load.models import Days, Several, Shape, TextLike, Written
from tulosvahti.load.schedule import Span
from tulosvahti.load.sources import FetchShape


class DialectShape(Shape):
    """How a CSV file is written."""

    delimiter: str | None = Field(default=None, min_length=1, max_length=1, description="left out: told from the file")
    quoteChar: str | None = Field(default=None, min_length=1, max_length=1)  # noqa: N815 (Frictionless)
    commentChar: str = ""  # noqa: N815 (Frictionless)


class ConstraintsShape(Shape):
    """What a cell must be."""

    required: bool = False
    unique: bool = False
    minimum: Written | date | None = None
    maximum: Written | date | None = None
    enum: list[Written] = Field(default=[])
    pattern: str = ""
    minLength: int | None = None  # noqa: N815 (Frictionless)
    maxLength: int | None = None  # noqa: N815 (Frictionless)


class StatedShape(Shape):
    """Words that stand in place of a number as a verdict, by what they mean."""

    met: Several = Field(default=[], description="such as Toteutui")
    partly_met: Several = Field(default=[], description="such as Toteutunut osittain: not met, and said so")
    missed: Several = Field(default=[], description="such as Ei toteutunut")


class MissingShape(Shape):
    """A text that stands for a missing value, and what it means."""

    value: str
    label: str = ""
    means: Literal["suppressed"] | None = Field(default=None, description="suppressed: the source hides a value that rests on too few")


class FieldShape(Shape):
    """One field of an input."""

    name: str = Field(pattern=r"^[^\W\d]\w*$", description="a letter, then letters, digits and _")
    type: Literal["string", "integer", "number", "boolean", "date", "year", "half-year", "quarter", "yearmonth", "week"] = "string"
    format: str = "default"
    header: str = ""
    title: TextLike = ""
    description: TextLike = ""
    decimalChar: str | None = Field(default=None, min_length=1, max_length=1)  # noqa: N815 (Frictionless)
    groupChar: str = ""  # noqa: N815 (Frictionless)
    bareNumber: bool = True  # noqa: N815 (Frictionless)
    trueValues: list[Written] = Field(default=["true", "1"])  # noqa: N815 (Frictionless)
    falseValues: list[Written] = Field(default=["false", "0"])  # noqa: N815 (Frictionless)
    constraints: ConstraintsShape = ConstraintsShape()
    censored: bool = Field(default=False, description="a limit may stand in place of the number: alle 90, < 0,5, at most 5")
    stated: StatedShape = StatedShape()
    missingValues: list[str | MissingShape] | None = Field(default=None, description="of this field, in place of the contract's")  # noqa: N815
    jump: Literal["any"] | Written | None = Field(default=None, description="values by hand: times as much or as little; or any")


class EnteredShape(Shape):
    """How values are entered by hand."""

    four_eyes: bool = Field(default=True, description="whoever submitted a value may not approve it")


class MappingShape(Shape):
    """Which fields of an input say that one code has what another had."""

    code: str
    successor: str
    valid_from: str
    share: str = ""
    lists: Literal["all", "changes"] = "all"


class DropShape(Shape):
    """Where a producer drops deliveries."""

    folder: str = Field(min_length=1)
    files: str = "*"
    complete: Literal["rename", "manifest", "settle"] = "settle"
    settle: Span = "30 s"
    taken: Literal["move", "leave"] = "move"


class ReferredShape(Shape):
    """The rows of an input that are referred to; an empty resource is the input itself."""

    resource: str = ""
    fields: Several = Field(min_length=1)


class ForeignKeyShape(Shape):
    """Fields whose values a row of another input must have."""

    fields: Several = Field(min_length=1)
    reference: ReferredShape


class ContractShape(Shape):
    """A contract of ``inputs/``."""

    title: TextLike
    description: TextLike = ""
    path: Several = Field(default=[], min_length=1, description="a file, a glob, or a list of them: the latest last")
    fetch: FetchShape | None = None
    entered: bool | EnteredShape = Field(default=False, description="instead of `path`: people enter the values")
    encoding: str = Field(default="", description="such as utf-8 or windows-1252; left out: told from the file")
    drop: DropShape | None = None
    mapping: MappingShape | None = None
    dialect: DialectShape = DialectShape()
    sheet: str = ""
    header_row: int = Field(default=0, ge=0, le=1_048_576)
    header_rows: int = Field(default=0, ge=0, le=3, description="rows of the header whose names are joined, at most 3")
    total_row: str = Field(default="", description="what the total at the end says, or keep: it is a row as any other")
    synthetic: bool = False
    deliverer: str = ""
    source: TextLike = ""
    frequency: Literal["day", "week", "month", "quarter", "half-year", "year", "once"] | None = None
    grace: Days = "0 d"
    period: str = ""
    known_on: str = ""
    no_rows_means_none: bool = False
    provisional: str = Field(default="", description="the boolean field that marks rows whose figures may still change")
    additive: bool | str = Field(default=True, description="false, or why the parts need not make their total")
    zero_symbols: Several = Field(default=[], description="symbols of a statistical table that stand for a true zero")
    max_rejects: Written = "10 %"
    primaryKey: Several = Field(default=[])  # noqa: N815 (Frictionless)
    foreignKeys: list[ForeignKeyShape] = Field(default=[])  # noqa: N815 (Frictionless)
    missingValues: list[str | MissingShape] = Field(default=[""])  # noqa: N815 (Frictionless)
    fields: list[FieldShape] = Field(min_length=1)
