"""Line charts, SVG for pages and PNG for mails: what was observed by period, and the target as a step. Floats here only place ink on the page."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tulosvahti.emit.words import word

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST = 3
"""A series with fewer points is no chart."""
_OBSERVED, _TARGET, _INK = "#0b5cad", "#b35900", "#333333"
Locale = Literal["fi-FI", "en-GB"]
_LOCALE: dict[str, Locale] = {"fi": "fi-FI", "sv": "fi-FI", "en": "en-GB"}
"""Finnish and Swedish write decimals alike."""


@dataclass(frozen=True)
class Series:
    """What one chart shows. ``points``: label and value; ``targets``: label, least and greatest allowed value."""

    title: str
    unit: str
    points: tuple[tuple[str, float], ...]
    targets: tuple[tuple[str, float | None, float | None], ...]
    language: str
    told: tuple[tuple[str, str], ...] = ()
    """The points in the reader's form, for the text alternative."""
    provisional: frozenset[str] = frozenset()
    """Labels of points that may still change: drawn hollow."""
    revised: tuple[tuple[str, float], ...] = ()
    """What was given earlier of a label: drawn as a cross."""
    path: tuple[tuple[str, float], ...] = ()
    """What is expected at each label on the way: drawn dashed. A chart with a path needs no least number of points."""

    forecast: tuple[tuple[str, float, float, float], ...] = ()
    """Label, least, likeliest and greatest value, from the last known one on: drawn as a band, dashed in its middle."""
    foretold: str = ""
    """The forecast in words, for the text alternative."""

    @property
    def enough(self) -> bool:
        """Tell whether there is something to draw."""
        return len(self.points) >= FEWEST or len(self.path) >= FEWEST


def line_charts(series: Sequence[Series], pictures: Path | None = None) -> list[str]:
    """Draw each series of at least three points; the others, and all where drawing is not installed, give ''.

    ``pictures`` is a folder of pictures drawn before, by the digest of what they show.
    """
    return [_draw(item, pictures) if item.enough else "" for item in series]


def png_chart(item: Series, pictures: Path | None = None) -> bytes:
    """Draw one series for a mail, whose readers do not show SVG; nothing where it is too short or cannot be drawn."""
    return _drawn(*_asked(item), "png", pictures) if len(item.points) >= FEWEST else b""


def chart_text(item: Series) -> str:
    """Say what a chart shows, for those who do not see it."""
    told = item.told or tuple((label, f"{value:g}") for label, value in item.points)
    said = word("ui.chart", item.language, title=item.title, points=", ".join(f"{label}: {value}" for label, value in told))
    return f"{said} {item.foretold}".strip()


@lru_cache(maxsize=512)
def _drawn(spec: str, locale: Locale, form: Literal["svg", "png"], pictures: Path | None) -> bytes:
    """Draw a picture once: later runs, and languages with the same decimal form, share it."""
    kept = pictures / f"{hashlib.sha256((locale + spec).encode()).hexdigest()}.{form}" if pictures else None
    if kept is not None and kept.exists():
        with suppress(OSError):
            kept.touch()
        return kept.read_bytes()
    try:
        import vl_convert  # noqa: PLC0415 (heavy: only where something is drawn)
    except ImportError:
        return b""
    if form == "svg":
        drawn = str(vl_convert.vegalite_to_svg(spec, vl_version="5.20", allowed_base_urls=[], format_locale=locale)).encode()
    else:
        drawn = vl_convert.vegalite_to_png(spec, vl_version="5.20", scale=2, allowed_base_urls=[], format_locale=locale)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        part.write_bytes(drawn)
        part.replace(kept)
    return drawn


def forget_pictures(pictures: Path, before: float) -> None:
    """Delete the pictures that nothing has shown since a moment, in seconds since 1970: they can be drawn again."""
    with suppress(OSError), os.scandir(pictures) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.stat().st_mtime < before:
                    Path(entry.path).unlink()


def _asked(item: Series) -> tuple[str, Locale]:
    return json.dumps(_spec(item), sort_keys=True), _LOCALE.get(item.language, "en-GB")


def _draw(item: Series, pictures: Path | None) -> str:
    svg = _drawn(*_asked(item), "svg", pictures).decode()
    if not svg:
        return ""
    label = chart_text(item)
    head, _, rest = svg.partition(">")
    return f'{head} role="img" aria-label="{escape(label)}"><title>{escape(label)}</title>{rest}'


def _spec(item: Series) -> dict[str, Any]:
    order = sorted({str(drawn[0]) for drawn in (*item.points, *item.path, *item.revised, *item.targets, *item.forecast)})
    x = {"field": "p", "type": "ordinal", "sort": order, "scale": {"domain": order}, "title": None, "axis": {"labelAngle": 0}}
    y = {"field": "v", "type": "quantitative", "title": None, "scale": {"zero": False}}
    observed = [{"p": label, "v": value} for label, value in item.points]
    edges = [
        {"p": label, "v": value, "end": end}
        for label, low, high in item.targets
        for end, value in (("low", low), ("high", high))
        if value is not None
    ]
    layers: list[dict[str, Any]] = []
    if item.forecast:
        band = [{"p": label, "low": low, "v": value, "high": high} for label, low, value, high in item.forecast]
        area = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
        layers.append({"data": {"values": band}, "mark": {"type": "area", "color": _OBSERVED, "opacity": 0.22}, "encoding": area})
        mark = {"type": "line", "color": _OBSERVED, "strokeWidth": 1.5, "strokeDash": [2, 3]}
        layers.append({"data": {"values": band}, "mark": mark, "encoding": {"x": x, "y": y}})
    if edges:
        mark = {"type": "tick", "color": _TARGET, "thickness": 3, "size": 34, "orient": "horizontal"}
        layers.append({"data": {"values": edges}, "mark": mark, "encoding": {"x": x, "y": y}})
    if item.path:
        expected = [{"p": label, "v": value} for label, value in item.path]
        mark = {"type": "line", "color": _TARGET, "strokeWidth": 2, "strokeDash": [5, 4]}
        layers.append({"data": {"values": expected}, "mark": mark, "encoding": {"x": x, "y": y}})
    if item.revised:
        earlier = [{"p": label, "v": value} for label, value in item.revised]
        mark = {"type": "point", "shape": "cross", "color": _INK, "size": 70, "filled": False, "strokeWidth": 1.5}
        layers.append({"data": {"values": earlier}, "mark": mark, "encoding": {"x": x, "y": y}})
    layers.append(
        {
            "data": {"values": observed},
            "mark": {"type": "line", "color": _OBSERVED, "strokeWidth": 2, "point": {"filled": True, "size": 60, "color": _OBSERVED}},
            "encoding": {"x": x, "y": y},
        }
    )
    hollow = [point for point in observed if point["p"] in item.provisional]
    if hollow:
        mark = {"type": "point", "filled": True, "fill": "white", "stroke": _OBSERVED, "strokeWidth": 2, "size": 70, "opacity": 1}
        layers.append({"data": {"values": hollow}, "mark": mark, "encoding": {"x": x, "y": y}})
    if observed:
        last = observed[-1]
        text = {"type": "text", "dy": -11, "color": _OBSERVED, "fontWeight": "bold", "fontSize": 11}
        shown = dict(item.told).get(str(last["p"]), "")
        layers.append({"data": {"values": [{**last, "t": shown}]}, "mark": text, "encoding": {"x": x, "y": y, "text": {"field": "t"}}})
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 340,
        "height": 120,
        "padding": 4,
        "background": "white",
        "layer": layers,
        "config": {
            "aria": False,
            "font": "DejaVu Sans, Arial, sans-serif",
            "axis": {"labelColor": _INK, "titleColor": _INK, "gridColor": "#e3e3e3", "labelFontSize": 10, "tickCount": 4},
            "axisX": {"grid": False},
            "view": {"stroke": None},
        },
    }

