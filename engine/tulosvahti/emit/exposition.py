"""Gauges as the text that Prometheus reads (text format 0.0.4): numbers of one name together, under what they mean."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tulosvahti.core.gauge import Gauge

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "tulosvahti_"


def exposition(gauges: Iterable[Gauge]) -> str:
    """Write the gauges, in the order of their names."""
    lines = []
    for name, group in groupby(sorted(gauges, key=lambda gauge: gauge.name), key=lambda gauge: gauge.name):
        first, *others = group
        lines += [f"# HELP {_PREFIX}{name} {_escape(first.meaning)}", f"# TYPE {_PREFIX}{name} gauge"]
        for gauge in (first, *others):
            labels = ",".join(f'{key}="{_quoted(value)}"' for key, value in gauge.labels.items())
            lines.append(f"{_PREFIX}{name}{{{labels}}} {gauge.value!r}" if labels else f"{_PREFIX}{name} {gauge.value!r}")
    return "".join(f"{line}\n" for line in lines)


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escape(text).replace('"', r"\"")
