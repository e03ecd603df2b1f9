"""``inputs/NAME.yaml``: what each input promises."""

from __future__ import annotations

import codecs
import os
import re
from datetime import date
from decimal import Decimal
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from tulosvahti.core.contract import DATED, Contract, Field, FieldType
from tulosvahti.core.cube import SYMBOL
from tulosvahti.core.drop import Drop, Whole
from tulosvahti.core.period import Grain, read_days
from tulosvahti.core.quantity import NumberTextError, read_agreed_number
from tulosvahti.load.contract_models import ContractShape, EnteredShape, FieldShape
from tulosvahti.load.foreign_keys import foreign_keys
from tulosvahti.load.mapped import mapping_fields
from tulosvahti.load.schedule import read_span
from tulosvahti.load.shapes import shaped, text_of
from tulosvahti.load.source import Source, read_yaml
from tulosvahti.load.worded_fields import stated_words, worded_problems
from tulosvahti.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tulosvahti.core.fetched import Source as Fetches
    from tulosvahti.load.contract_models import MissingShape

KEEP = "keep"
_DEFAULT_FORMATS = {FieldType.DATE: "%Y-%m-%d", FieldType.YEARMONTH: "%Y-%m", FieldType.YEAR: "%Y"}


def load_contracts(root: Path) -> tuple[dict[str, Contract], list[Problem]]:
    """Read every contract of the project; a broken one is left out with its problems."""
    contracts: dict[str, Contract] = {}
    problems: list[Problem] = []
    for path in sorted((root / "inputs").glob("*.yaml")):
        source = read_yaml(path, f"inputs/{path.name}")
        shape = None if source.problems else shaped(ContractShape, source.data, source)
        contract = _contract(path.stem, shape, source, root) if shape else None
        if isinstance(source.data, dict) and not {"path", "fetch", "entered"} & set(source.data):
            step = "add path: … for files, fetch: … for a server, or entered: true for values that people enter"
            source.problems.append(Problem(source.place(()), "'path' is missing", "", step))
        problems += source.problems
        if contract is not None and not source.problems:
            contracts[path.stem] = contract
    return contracts, problems


def _contract(name: str, shape: ContractShape, source: Source, root: Path) -> Contract:
    fields = tuple(_field(item, index, shape, source) for index, item in enumerate(shape.fields))
    names = [item.name for item in fields]
    for index, item in enumerate(names):
        if item in names[:index]:
            source.problems.append(Problem(source.place(("fields", index)), f"field {item!r} is there twice"))
    _marked(shape, names, fields, source)
    _missing(_symbols(shape.missingValues), source, "missingValues")
    for key, used in (("period", [shape.period]), ("known_on", [shape.known_on]), ("primaryKey", shape.primaryKey)):
        for item in used:
            if item and item not in names:
                source.problems.append(Problem(source.place((key,)), f"{key}: no field {item!r}", ", ".join(names)))
    source.problems += worded_problems(shape, source)
    for key, used_as in (("period", shape.period), ("known_on", shape.known_on)):
        found = next((item for item in fields if item.name == used_as), None)
        allowed = set(DATED) if key == "period" else {FieldType.DATE}
        if found is not None and found.type not in allowed:
            message = f"{key}: field {used_as!r} has type {found.type} and cannot date a row"
            source.problems.append(Problem(source.place((key,)), message, ", ".join(sorted(allowed))))
    try:
        codecs.lookup(shape.encoding or "utf-8")
    except LookupError:
        message = f"encoding {shape.encoding!r} is not known"
        source.problems.append(Problem(source.place(("encoding",)), message, "utf-8, utf-16, windows-1252, iso-8859-1"))
    fetch = _fetch(shape, source, root)
    paths = _paths(name, shape, source)
    frequency = None if shape.frequency in {None, "once"} else Grain(str(shape.frequency))
    return Contract(
        name=name,
        title=text_of(shape.title),
        path=", ".join(paths) or name,
        paths=paths if len(paths) > 1 else (),
        entered=bool(shape.entered),
        four_eyes=shape.entered.four_eyes if isinstance(shape.entered, EnteredShape) else True,
        fields=fields,
        place=source.place(()),
        encoding=shape.encoding or "utf-8",
        delimiter=shape.dialect.delimiter or ",",
        quote_char=shape.dialect.quoteChar or '"',
        comment_char=shape.dialect.commentChar,
        sheet=shape.sheet,
        header_row=shape.header_row,
        header_rows=shape.header_rows,
        total_row="" if shape.total_row == KEEP else shape.total_row,
        keeps_total=shape.total_row == KEEP,
        open=_open(shape),
        primary_key=tuple(shape.primaryKey),
        foreign_keys=foreign_keys(name, shape, names, source),
        synthetic=shape.synthetic,
        deliverer=shape.deliverer,
        source=text_of(shape.source).in_language("fi"),
        frequency=frequency,
        grace=read_days(shape.grace),
        period=shape.period,
        known_on=shape.known_on,
        no_rows_means_none=shape.no_rows_means_none,
        provisional=shape.provisional,
        not_additive=_not_additive(shape),
        zero_symbols=tuple(shape.zero_symbols),
        max_rejects_percent=_percent(shape.max_rejects, source),
        fetch=fetch,
        drop=_drop(shape, source),
        mapping=mapping_fields(shape, fields, source),
    )


def _drop(shape: ContractShape, source: Source) -> Drop | None:
    """Read where the producer drops deliveries; None where there is no such folder."""
    found = shape.drop
    if found is None:
        return None
    place = source.place(("drop",))
    if not shape.path:
        source.problems.append(Problem(place, "drop: the input has no path that deliveries are put at", "path and drop together"))
    if "/" in found.files or "\\" in found.files:
        source.problems.append(Problem(source.place(("drop", "files")), f"drop: files: {found.files!r} is no name", "a glob of names, e.g. leads_*.csv"))
    if PurePosixPath(os.path.normpath(found.folder)) == PurePosixPath("inputs"):
        message = "drop: folder: inputs/ is where accepted deliveries are put"
        source.problems.append(Problem(source.place(("drop", "folder")), message, "another folder"))
    return Drop(found.folder, found.files, Whole(found.complete), read_span(found.settle), found.taken == "leave")


def _fetch(shape: ContractShape, source: Source, root: Path) -> Fetches | None:
    """Read where an input is fetched from; None where it lies in files, or what is declared is broken."""
    if shape.fetch is None:
        return None
    declared = shape.fetch.declared()
    kinds = ", ".join(type(shape.fetch).model_fields)
    if shape.path:
        message = "path and fetch are two places of one input"
        source.problems.append(Problem(source.place(("fetch", "\0key")), message, "one of them"))
    if len(declared) != 1:
        message = "fetch: several servers of one input" if declared else "fetch: no server is named"
        source.problems.append(Problem(source.place(("fetch",)), message, f"one of {kinds}"))
        return None
    ((kind, found),) = declared.items()
    source.problems += found.problems(lambda at: source.place(("fetch", kind, *at)), root)
    if found.several and not shape.primaryKey:
        message = "several deliveries cannot be merged without a key"
        source.problems.append(Problem(source.place(("fetch", kind, "path")), message, "a primaryKey, or the path of one file"))
    return found


def _paths(name: str, shape: ContractShape, source: Source) -> tuple[str, ...]:
    """Give where the deliveries lie; values entered by hand are written to a file of their own once they are approved."""
    if not shape.entered:
        _deliveries(shape, source)
        return tuple(shape.path)
    for key in ("path", "fetch"):
        if getattr(shape, key):
            message = f"{key} and entered are two places of one input"
            source.problems.append(Problem(source.place((key, "\0key")), message, "one of them"))
    if not shape.primaryKey:
        message = "entered: values cannot be told apart without a key"
        source.problems.append(Problem(source.place(("entered",)), message, "a primaryKey"))
    for key in sorted({"dialect", "encoding", "header_row", "sheet"} & shape.model_fields_set):
        source.problems.append(Problem(source.place((key,)), f"{key} has no meaning for values that are entered"))
    return (f"../.tulosvahti/entered/{name}.csv",)


def _open(shape: ContractShape) -> tuple[str, ...]:
    """Give what the contract says nothing of: that alone is told from a file; one of entered values is the engine's own."""
    if shape.entered:
        return ()
    said = {"encoding": shape.encoding, "delimiter": shape.dialect.delimiter, "quoteChar": shape.dialect.quoteChar}
    return tuple(name for name, value in said.items() if not value)


def _deliveries(shape: ContractShape, source: Source) -> None:
    globs = [path for path in shape.path if any(mark in path for mark in "*?[")]
    if (globs or len(shape.path) > 1) and not shape.primaryKey:
        message = "path: several deliveries cannot be merged without a key"
        problem = Problem(source.place(("path",)), message, "a primaryKey, or the path of one file")
        source.problems.append(problem)
    source.problems += [
        Problem(source.place(("path",)), f"path: the glob {path!r} is not inside inputs/", "a relative path with * or ?")
        for path in globs
        if PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute() or "**" in path
    ]


def _marked(shape: ContractShape, names: list[str], fields: tuple[Field, ...], source: Source) -> None:
    """See to what a contract says of its figures."""
    if shape.provisional and shape.provisional not in names:
        problem = Problem(source.place(("provisional",)), f"provisional: no field {shape.provisional!r}", ", ".join(names))
        source.problems.append(problem)
    elif shape.provisional and next(item for item in fields if item.name == shape.provisional).type is not FieldType.BOOLEAN:
        message = f"provisional: field {shape.provisional!r} does not say yes or no"
        source.problems.append(Problem(source.place(("provisional",)), message, "a field of type boolean"))
    if isinstance(shape.additive, str) and len(shape.additive.split()) < 2:  # noqa: PLR2004 (a sentence, not a word)
        message = "additive: say in a sentence why the parts need not make their total"
        source.problems.append(Problem(source.place(("additive",)), message, "true, false, or the note of the source"))


def _not_additive(shape: ContractShape) -> str:
    if isinstance(shape.additive, str):
        return shape.additive
    return "" if shape.additive else "the contract says so"


def _percent(text: str, source: Source) -> Decimal:
    try:
        value = read_agreed_number(text.strip().removesuffix("%"))
    except NumberTextError as error:
        problem = Problem(source.place(("max_rejects",)), f"max_rejects: {text!r}: {error}", "a percentage such as 5 %")
        source.problems.append(problem)
        return Decimal(10)
    return value


def _field(shape: FieldShape, index: int, contract: ContractShape, source: Source) -> Field:
    kind = FieldType(shape.type)
    if kind in DATED and shape.format != "default" and "%" not in shape.format:
        place = source.place(("fields", index, "format"))
        message = f"format: {shape.format!r} names no part of a date"
        source.problems.append(Problem(place, message, "%Y, %m and %d with what stands between, e.g. %d.%m.%Y"))
    # The column of an office's table that says why a figure is missing is itself there.
    says_why = (shape.header or shape.name).rpartition(".")[2] == SYMBOL
    symbols = _symbols(contract.missingValues if shape.missingValues is None else shape.missingValues)
    if shape.missingValues is not None:
        _missing(symbols, source, "fields", index, "missingValues")
    limits = shape.constraints
    if limits.pattern:
        try:
            re.compile(limits.pattern)
        except re.error as error:
            place = source.place(("fields", index, "constraints", "pattern"))
            source.problems.append(Problem(place, f"pattern: not a regular expression: {error}"))
    return Field(
        name=shape.name,
        type=kind,
        header=shape.header,
        title=text_of(shape.title),
        date_format=_DEFAULT_FORMATS.get(kind, "") if shape.format == "default" else shape.format,
        decimal_char=shape.decimalChar or ".",
        group_char=shape.groupChar,
        form_open=shape.decimalChar is None and not contract.entered and kind in {FieldType.NUMBER, FieldType.INTEGER},
        percent=not shape.bareNumber,
        true_values=tuple(shape.trueValues),
        false_values=tuple(shape.falseValues),
        missing_values=tuple(symbol for symbol, means in symbols if not (means and says_why)),
        hidden_values=() if contract.entered or says_why else _hidden(symbols),
        required=limits.required,
        unique=limits.unique,
        minimum=_limit(limits.minimum, kind, source, (index, "minimum")),
        maximum=_limit(limits.maximum, kind, source, (index, "maximum")),
        enum=tuple(limits.enum),
        pattern=limits.pattern,
        min_length=limits.minLength,
        max_length=limits.maxLength,
        jump=_jump(shape, index, contract, source),
        jump_any=shape.jump == "any",
        censored=shape.censored,
        stated=stated_words(shape.stated),
    )


_Symbols = list[tuple[str, str]]


def _symbols(shapes: Sequence[str | MissingShape]) -> _Symbols:
    """Give the symbols of missing values, each with what it means, where that is said."""
    return [(item, "") if isinstance(item, str) else (item.value, item.means or "") for item in shapes]


def _hidden(symbols: _Symbols) -> tuple[str, ...]:
    """Give the symbols by which the source hides a value."""
    return tuple(symbol.strip() for symbol, means in symbols if means)


def _missing(symbols: _Symbols, source: Source, *path: str | int) -> None:
    """See to the symbols of missing values, which stand at ``path``."""
    texts = [symbol.strip() for symbol, _ in symbols]
    for at, text in enumerate(texts):
        if text in texts[:at]:
            source.problems.append(Problem(source.place((*path, at)), f"missingValues: {text!r} is there twice"))
    if "" in _hidden(symbols):
        message = "missingValues: a blank cell does not say why it is blank"
        source.problems.append(Problem(source.place((*path, texts.index(""))), message, "means: only with a symbol"))


def _jump(shape: FieldShape, index: int, contract: ContractShape, source: Source) -> Decimal | None:
    if shape.jump is None or shape.jump == "any":
        return None
    place, allowed = source.place(("fields", index, "jump")), "a number greater than 1, or any"
    try:
        found = read_agreed_number(str(shape.jump))
    except NumberTextError:
        found = Decimal(0)
    if found <= 1 or shape.type not in {"number", "integer"}:
        source.problems.append(Problem(place, f"jump: {shape.jump} is no factor of a number", allowed))
    elif not contract.entered or contract.period not in contract.primaryKey:
        source.problems.append(Problem(place, "jump: only of values entered by hand, whose key has the period", "leave it out"))
    return found


def _limit(value: str | date | None, kind: FieldType, source: Source, at: tuple[int, str]) -> Decimal | date | None:
    if value is None:
        return None
    place = source.place(("fields", at[0], "constraints", at[1]))
    if kind in {FieldType.DATE, FieldType.YEARMONTH}:
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            source.problems.append(Problem(place, f"{at[1]}: {value!r} is not a date", "YYYY-MM-DD"))
            return None
    if kind in {FieldType.NUMBER, FieldType.INTEGER, FieldType.YEAR}:
        try:
            return read_agreed_number(str(value))
        except NumberTextError as error:
            source.problems.append(Problem(place, f"{at[1]}: {value!r}: {error}", "a number"))
            return None
    source.problems.append(Problem(place, f"{at[1]} has no meaning for a {kind}", "minLength, maxLength, pattern, enum"))
    return None
