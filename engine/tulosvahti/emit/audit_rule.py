"""A ``crossfoot`` rule and the input contract that would guard an audited table every night, in the project's notation.

The text is two YAML documents: ``inputs/NAME.yaml`` and ``rules/NAME.yaml``. Comments say what the file must be like
(a header in one row, no rows of text) and which relations the notation cannot express.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.core.quantity import NumberTextError, plain, plain_decimal, read_number
from tulosvahti.core.sheet import column_letters
from tulosvahti.emit.audit_guard import find_guard, label_of
from tulosvahti.emit.audit_words import relation_text
from tulosvahti.emit.words import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tulosvahti.core.audited import AuditedTable
    from tulosvahti.core.table import Table
    from tulosvahti.emit.audit_guard import Guard

NAMED = 12
"""Relations, rows and cells that a comment names; the others are counted."""
_GROUPED = re.compile(r"\d([ \u00a0\u2007\u2009\u202f'\u2019.,])\d{3}(?!\d)")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class RuleDraft:
    """The two files: ``name`` of both, their texts, and what the comments say."""

    name: str
    contract: str
    rule: str
    prepare: tuple[str, ...]
    left_out: tuple[str, ...]


def crossfoot_rule(
    audited: AuditedTable,
    *,
    agreement: str = "agreement-1",
    section: str = "1",
    owner: str = "agency",
    delimiter: str = ";",
) -> str:
    """Give both files as one text, each after a ``---``; only comments where no sum can be guarded.

    ``agreement``, ``section``, ``owner``: where the rule belongs in the project (default: as ``init`` writes them);
    ``delimiter``: of the CSV file.
    """
    draft = crossfoot_draft(audited, agreement=agreement, section=section, owner=owner, delimiter=delimiter)
    if draft is None:
        lines = [
            f"{_source(audited)}: no sum here can be guarded by a crossfoot rule",
            *_not_guarded(audited, frozenset()),
        ]
        return _comments(lines)
    head = _comments([f"{_source(audited)}: a contract and a rule, to be saved as the two files named below"])
    return f"---\n{head}# inputs/{draft.name}.yaml\n{draft.contract}---\n# rules/{draft.name}.yaml\n{draft.rule}"


def crossfoot_draft(
    audited: AuditedTable,
    *,
    agreement: str = "agreement-1",
    section: str = "1",
    owner: str = "agency",
    delimiter: str = ";",
) -> RuleDraft | None:
    """Give the files apart; None where no sum can be guarded. See ``crossfoot_rule``."""
    guard = find_guard(audited)
    if guard is None:
        return None
    name = _slug(audited.table.source).replace("-", "_")
    fields = _fields(audited.table, guard)
    prepare = tuple(_preparations(audited.table, guard, fields))
    left_out = tuple(_not_guarded(audited, guard.covered))
    path = _path(audited.table.source, name)
    contract = _contract(audited, path, fields, delimiter, prepare)
    rule = _rule(audited, guard, fields, (name, agreement, section, owner), left_out)
    return RuleDraft(name, contract, rule, prepare, left_out)


# the file and its columns


@dataclass(frozen=True)
class _Field:
    column: int
    name: str
    header: str
    number: bool
    decimal: str = "."
    group: str = ""


def _source(audited: AuditedTable) -> str:
    return clean(audited.table.source)


def _path(source: str, name: str) -> str:
    return clean(source) if re.fullmatch(r"[^/\\!]+\.(csv|txt|tsv)", source, re.IGNORECASE) else f"{name}.csv"


def _slug(text: str) -> str:
    """Give a name in small letters, digits and hyphens."""
    stem = re.sub(r"\.(csv|txt|tsv|xlsx|xlsm|xls|ods|html?|pdf)\b", " ", text, flags=re.IGNORECASE)
    plain_text = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain_text))[:60].strip("-") or "table"


def _field_name(text: str, taken: set[str], column: int) -> str:
    base = "_".join(_WORD.findall(clean(text).lower()))[:50].strip("_") or f"column_{column_letters(column).lower()}"
    base = f"c_{base}" if base[0].isdigit() else base
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    taken.add(name)
    return name


def _fields(table: Table, guard: Guard) -> list[_Field]:
    """Give a field for every column, in the order of the file, so that cells keep their letters."""
    used = {*guard.items, *([] if guard.total_column is None else [guard.total_column])}
    last = max(used | {guard.label})
    taken: set[str] = set()
    result = []
    for column in range(last + 1):
        header = _header(table, column)
        name = _field_name(header or ("label" if column == guard.label else ""), taken, column)
        if column in used:
            decimal = table.decimals.get(column, ".")
            result.append(
                _Field(column, name, header, number=True, decimal=decimal, group=_group(table, column, decimal))
            )
        else:
            result.append(_Field(column, name, header, number=False))
    return result


def _header(table: Table, column: int) -> str:
    """Give a column's name in the file: its header cell where the header is one row, else its label."""
    if table.body == 1:
        return clean(table.sheet.at(0, column).text.strip())
    label = table.column_labels[column] if column < table.width else ""
    return "" if label == column_letters(column) else " ".join(clean(label).split())


def _group(table: Table, column: int, decimal: str) -> str:
    """Give the character between thousands, as the column writes it."""
    found: Counter[str] = Counter()
    for row, at in table.numbers:
        if at == column:
            found.update(mark for mark in _GROUPED.findall(table.sheet.at(row, at).text) if mark != decimal)
    mark = found.most_common(1)[0][0] if found else ""
    return " " if mark and not mark.strip() else "'" if mark == "\u2019" else mark


def _preparations(table: Table, guard: Guard, fields: Sequence[_Field]) -> Iterator[str]:
    """Say what the file must be like that it is not now."""
    if _path(table.source, "") == ".csv":
        yield "save the table as CSV in UTF-8, parted as `dialect` says"
    names = [item.header or item.name for item in fields]
    if table.body != 1 or any(not item.header for item in fields) or len(set(names)) < len(names):
        yield f"give it one header row, each name once: {'; '.join(names)}"
    rows = [
        r
        for r in range(table.body, table.height)
        if r not in guard.rows and any(not c.blank for c in table.sheet.rows[r])
    ]
    if rows:
        yield f"leave out the rows without figures: {_some([str(r + 1) for r in rows])}"
    unread = [table.sheet.place(*at) for at in sorted(table.numbers) if not _readable(table, at, fields)]
    if unread:
        yield f"write these figures as the contract says: {_some(unread)}"


def _readable(table: Table, at: tuple[int, int], fields: Sequence[_Field]) -> bool:
    item = next((item for item in fields if item.column == at[1] and item.number), None)
    cell = table.sheet.at(*at)
    if item is None or cell.value is not None:
        return True
    try:
        return read_number(cell.text, decimal_char=item.decimal, group_char=item.group) == table.numbers[at].value
    except NumberTextError:
        return False


def _missing(table: Table, fields: Sequence[_Field]) -> list[str]:
    """Give the texts that stand for an absent figure."""
    columns = {item.column for item in fields if item.number}
    rows = {r for r, _ in table.numbers}
    texts = {table.sheet.at(r, c).text.strip() for r in rows for c in columns if (r, c) not in table.numbers}
    return ["", *sorted(clean(text) for text in texts if text and len(text) <= 12)]


def _some(texts: Sequence[str]) -> str:
    return ", ".join(texts[:NAMED]) + (f" and {len(texts) - NAMED} more" if len(texts) > NAMED else "")


def _not_guarded(audited: AuditedTable, covered: frozenset[str]) -> Iterator[str]:
    """Name the relations that are not in the rule."""
    rest = [relation for relation in audited.relations if relation.id not in covered]
    if not rest:
        return
    yield f"not guarded by this rule ({len(rest)} of {len(audited.relations)} relations):"
    for relation in rest[:NAMED]:
        yield f"  {relation.function}: {relation_text(audited, relation, 'en')}"
    if len(rest) > NAMED:
        yield f"  and {len(rest) - NAMED} more"


# YAML


def _text(value: str) -> str:
    """Write a text as a YAML scalar in double quotes."""
    return json.dumps(clean(value), ensure_ascii=False)


def _comments(lines: Sequence[str]) -> str:
    return "".join(f"# {clean(line)}\n" for line in lines)


def _title(source: str) -> tuple[str, str, str]:
    return f"Taulukko {source}", f"Tabellen {source}", f"The table {source}"


def _contract(
    audited: AuditedTable, path: str, fields: Sequence[_Field], delimiter: str, prepare: Sequence[str]
) -> str:
    fi, sv, en = _title(_source(audited))
    lines = [f"title: {{fi: {_text(fi)}, sv: {_text(sv)}, en: {_text(en)}}}", f"path: {_text(path)}"]
    lines += [f"dialect: {{delimiter: {_text(delimiter)}}}" if delimiter != "\t" else 'dialect: {delimiter: "\\t"}']
    lines += [f"source: {_text('drafted by tulosvahti audit')}"]
    missing = _missing(audited.table, fields)
    if len(missing) > 1:
        lines.append(f"missingValues: [{', '.join(map(_text, missing))}]")
    lines.append("fields:")
    for item in fields:
        parts = [f"name: {_text(item.name)}", f"type: {'number' if item.number else 'string'}"]
        if item.header and item.header != item.name:
            parts.append(f"header: {_text(item.header)}")
        if item.number and item.decimal != ".":
            parts.append(f"decimalChar: {_text(item.decimal)}")
        if item.group:
            parts.append(f"groupChar: {_text(item.group)}")
        lines.append(f"  - {{{', '.join(parts)}}}")
    told = [f"before it is delivered: {line}" for line in prepare]
    return _comments(told) + "\n".join(lines) + "\n"


def _rule(
    audited: AuditedTable,
    guard: Guard,
    fields: Sequence[_Field],
    where: tuple[str, str, str, str],
    left_out: Sequence[str],
) -> str:
    name, agreement, section, owner = where
    names = {item.column: item.name for item in fields}
    source = _source(audited)
    fi, sv, en = (f"{text}: {rest}" for text, rest in zip(_title(source), ("summat", "summor", "sums"), strict=True))
    lines = [f"agreement: {_text(agreement)}", f"section: {_text(section)}"]
    lines += [f"title: {{fi: {_text(fi)}, sv: {_text(sv)}, en: {_text(en)}}}", "rules:"]
    lines += [f"  - id: {name.replace('_', '-')}-sums"]
    lines += [
        f"    title: {{fi: {_text(fi)}, sv: {_text(sv)}, en: {_text(en)}}}",
        f"    owner: {_text(owner)}",
        "    crossfoot:",
    ]
    lines += [f"      input: {_text(name)}", f"      label: {_text(names[guard.label])}"]
    lines += [f"      columns: [{', '.join(_text(names[c]) for c in sorted(guard.items))}]"]
    if guard.total_column is not None:
        lines.append(f"      total_column: {_text(names[guard.total_column])}")
    taken = [names[c] for c, weight in sorted(guard.items.items()) if weight < 0]
    if taken:
        lines.append(f"      subtracted: [{', '.join(map(_text, taken))}]")
    if guard.total_row is not None:
        lines.append(f"      total_row: {_text(label_of(audited.table, guard.total_row, guard.label))}")
    if guard.subtotals:
        lines.append("      subtotals:")
        for row, kids in guard.subtotals.items():
            labels = ", ".join(_text(label_of(audited.table, kid, guard.label)) for kid in kids)
            lines.append(f"        {_text(label_of(audited.table, row, guard.label))}: [{labels}]")
    if guard.unit is not None:
        said = "  # exact: the figures' own sums show it" if not guard.unit else ""
        lines.append(f"      rounded_to: {_text(plain(plain_decimal(guard.unit)))}{said}")
    return _comments(left_out) + "\n".join(lines) + "\n"
