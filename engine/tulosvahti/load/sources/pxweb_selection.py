"""What is selected of a table: expressions become the table's own codes, before anything is asked for.

Expressions are those of PxWebApi 2 and work for both versions here: a code, ``*`` and ``?`` in codes, ``top(n)``,
``top(n, skip)``, ``bottom(n)``, ``from(code)``, ``to(code)``, ``range(code, code)``; several are joined. Of a time variable
``top`` is the newest and ``from`` goes by time; of others the office's order counts. Documented under
www.pxtools.net/PxWebApi and in PxTools/PxApiSpecs (``PxAPI-2.yml``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from tulosvahti.core.period_codes import in_order

_CALL = re.compile(r"(top|bottom|from|to|range)\s*\(\s*([^()]*?)\s*\)", re.IGNORECASE)
ALLOWED = "a code, * and ? in codes, top(n), top(n, skip), bottom(n), from(code), to(code), range(code, code)"
_SHOWN = 12


@dataclass(frozen=True)
class Variable:
    """A variable of a table.

    ``codes``: in the office's order, with their names; None where the office keeps them back because they are too many.
    ``codelists``: the names under which they may be grouped otherwise.
    """

    code: str
    text: str
    codes: Mapping[str, str] | None
    optional: bool = False
    """May be left out: the office's total is given then."""
    time: bool = False
    codelists: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """What a contract selects of a variable."""

    expressions: tuple[str, ...] = ("*",)
    codelist: str = ""


@dataclass(frozen=True)
class Chosen:
    """What is asked of a variable: its codes, in the office's order, and the grouping they are of."""

    variable: str
    codes: tuple[str, ...]
    codelist: str = ""


class SelectionError(Exception):
    """A selection that the table does not have; the message has all that is wrong and what is allowed."""


def fault_of(expression: str) -> str:
    """Say what is wrong with the form of an expression; empty where nothing is."""
    text = expression.strip()
    if not text:
        return "an expression is empty"
    found = _CALL.fullmatch(text)
    if not found:
        return ""
    name, parts = found[1].lower(), [part.strip() for part in found[2].split(",")]
    if name in {"top", "bottom"}:
        good = len(parts) in {1, 2} and all(part.isdecimal() for part in parts) and int(parts[0] or 0) > 0
        return "" if good else f"{text!r}: {name} takes a count from 1, and may skip some: {name}(4), {name}(4, 1)"
    if len(parts) != (2 if name == "range" else 1) or not all(parts):
        return f"{text!r}: {name} takes {'two codes' if name == 'range' else 'one code'}"
    return ""


def chosen(variables: Sequence[Variable], wanted: Mapping[str, Wanted]) -> list[Chosen]:
    """Resolve the selection of every variable; those that are not named and may be left out are left out.

    Raises:
        SelectionError: with everything that is wrong.

    """
    faults: list[str] = []
    known = {item.code: item for item in variables}
    by_text = {item.text: item.code for item in variables}
    names: dict[str, Wanted] = {}
    for name, want in wanted.items():
        code = name if name in known else by_text.get(name, "")
        if not code:
            near = nearest(name, [*known, *by_text])
            faults.append(f"there is no variable {name!r}{near}; allowed: {', '.join(known)}")
        elif code in names:
            faults.append(f"variable {code!r} is selected twice")
        else:
            names[code] = want
    found = []
    for item in variables:
        if item.code not in names:
            if not item.optional:
                faults.append(f'variable {item.code!r} cannot be left out; select some of its values, or "*"')
            continue
        codes, wrong = _codes(item, names[item.code])
        faults += wrong
        found.append(Chosen(item.code, codes, names[item.code].codelist))
    if faults:
        raise SelectionError("; ".join(faults))
    return found


def left_out(variables: Sequence[Variable], selected: Sequence[Chosen]) -> list[str]:
    """Give the variables of which the office's total is taken."""
    there = {item.variable for item in selected}
    return [item.code for item in variables if item.code not in there]


def _codes(item: Variable, want: Wanted) -> tuple[tuple[str, ...], list[str]]:
    if item.codes is None:
        plain = [text for text in want.expressions if not _CALL.fullmatch(text.strip()) and not _masked(text)]
        if len(plain) != len(want.expressions):
            return (), [f"variable {item.code!r}: the office does not list its values; name the codes themselves"]
        return tuple(dict.fromkeys(plain)), []
    every = list(item.codes)
    ordered = in_order(every) if item.time else every
    taken: set[str] = set()
    faults = []
    for expression in want.expressions:
        codes, fault = _of_one(item, expression.strip(), ordered)
        taken.update(codes)
        if fault:
            faults.append(f"variable {item.code!r}: {fault}")
    if not taken and not faults:
        faults.append(f"variable {item.code!r}: nothing is selected")
    return tuple(code for code in every if code in taken), faults


def _of_one(item: Variable, text: str, ordered: list[str]) -> tuple[Sequence[str], str]:
    if item.codes is not None and text in item.codes:
        return [text], ""
    if fault := fault_of(text):
        return (), fault
    if found := _CALL.fullmatch(text):
        return _called(item, found[1].lower(), [part.strip() for part in found[2].split(",")], ordered)
    if _masked(text):
        form = re.compile("".join(".*" if mark == "*" else "." if mark == "?" else re.escape(mark) for mark in text), re.DOTALL)
        codes = [code for code in ordered if form.fullmatch(code)]
        return codes, "" if codes else f"no value fits {text!r}; {_listed(item)}"
    return (), _unknown(item, text)


def _called(item: Variable, name: str, parts: list[str], ordered: list[str]) -> tuple[Sequence[str], str]:
    if name in {"top", "bottom"}:
        count, skip = int(parts[0]), int(parts[1]) if len(parts) > 1 else 0
        from_end = (name == "top") is item.time
        line = ordered[::-1] if from_end else ordered
        codes = line[skip : skip + count]
        return codes, "" if codes else f"{name}({', '.join(parts)}) selects nothing: there are {len(ordered)} values"
    strangers = [part for part in parts if part not in ordered]
    if strangers:
        return (), "; ".join(_unknown(item, part) for part in strangers)
    places = [ordered.index(part) for part in parts]
    if name == "range":
        codes = ordered[places[0] : places[1] + 1]
        return codes, "" if codes else f"range({', '.join(parts)}) selects nothing: the first comes after the second"
    return (ordered[places[0] :] if name == "from" else ordered[: places[0] + 1]), ""


def _masked(text: str) -> bool:
    return "*" in text or "?" in text


def _unknown(item: Variable, code: str) -> str:
    codes = item.codes or {}
    near = nearest(code, [*codes, *codes.values()])
    back = {text: own for own, text in codes.items()}
    if code in back:
        return f"there is no value {code!r}; that is the name of {back[code]!r}"
    padded = next((own for own in codes if own.lstrip("0") == code.lstrip("0") and code), None)
    if padded is not None:
        return f"there is no value {code!r} (did you mean {padded!r}? a code with leading zeros stands in quotes)"
    return f"there is no value {code!r}{near}; {_listed(item)}"


def _listed(item: Variable) -> str:
    codes = list(item.codes or {})
    shown = codes if len(codes) <= _SHOWN else [*codes[: _SHOWN // 2], "…", *codes[-_SHOWN // 2 :]]
    return f"there are {len(codes)}: {', '.join(shown)}"


def nearest(name: str, known: Sequence[str]) -> str:
    """Give the name that was perhaps meant, as a part of a sentence."""
    found = get_close_matches(name, known, n=1, cutoff=0.6)
    return f" (did you mean {found[0]!r}?)" if found else ""
