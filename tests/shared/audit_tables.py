"""Makes sheets and tables out of text, for the tests of the audit."""

from __future__ import annotations

import csv
import io

from tulosvahti.audit.audit import audit_table
from tulosvahti.core.sheet import Cell, Sheet
from tulosvahti.core.table import table_of


def sheet_of(rows, source="table.csv"):
    return Sheet(source, tuple(tuple(Cell(str(text)) for text in row) for row in rows))


def sheet_from(text, delimiter=";"):
    return sheet_of(csv.reader(io.StringIO(text.strip("\n")), delimiter=delimiter))


def audited(rows):
    return audit_table(table_of(sheet_of(rows)))


def named(audit):
    """Relations by function, total and items, as A1 names, without those that are broken."""
    place = audit.table.sheet.place
    return {
        (r.function, place(*r.total), tuple(sorted(place(*i) for i in r.items if i in audit.table.numbers)))
        for r in audit.relations
        if r.state == "holds"
    }
