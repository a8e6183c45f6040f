"""Charts as SVG that can stand within a page: no identifier twice, no colour that one of the themes hides.

A chart is told in words to those who do not see it (`alt`), and the page shows its figures in a table
beside it. Texts stay texts; lines and letters have the colour of the text around the chart.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final
from xml.etree import ElementTree as ET

from clausal.dsl.render.visible import visible
from clausal.pages.html import MissingExtraError

_INK: Final = "#010203"
"""Drawn in this, which no chart uses otherwise, and replaced by the colour of the text."""
COLOURS: Final = ("#2f7fb5", "#b3762a", "#7a6fd0", "#8a8a8a")
"""Told apart by those who see no red or no green, and in contrast to both themes."""

_SVG: Final = "http://www.w3.org/2000/svg"
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_URL: Final = re.compile(r"url\(#([^)]*)\)")

Series = tuple[str, Sequence[float]]
"""A name, and a number for each place."""


def bars(name: str, alt: str, places: Sequence[str], series: Sequence[Series]) -> str:
    """Lying bars, one for each place, of parts side by side.

    Args:
        name: Begins its identifiers; unlike that of other charts of the page.
        alt: What it shows, in words.
        places: What the bars are called, from top to bottom.
        series: The parts of each bar.
    """

    def draw(axes: Any) -> None:
        rows = range(len(places))
        before = [0.0] * len(places)
        for (label, values), colour in zip(series, COLOURS, strict=False):
            axes.barh(rows, values, left=before, color=colour, label=visible(label), height=0.7)
            before = [one + value for one, value in zip(before, values, strict=True)]
        axes.set_yticks(list(rows), [visible(place) for place in places])
        axes.invert_yaxis()
        axes.set_xlim(left=0)

    return _chart(name, alt, draw, height=0.9 + 0.28 * len(places), legend=len(series) > 1)


def columns(name: str, alt: str, places: Sequence[str], series: Sequence[Series]) -> str:
    """Standing bars, one for each place in time, of which some are named; parameters as of `bars`."""

    def draw(axes: Any) -> None:
        at = range(len(places))
        before = [0.0] * len(places)
        for (label, values), colour in zip(series, COLOURS, strict=False):
            axes.bar(at, values, bottom=before, color=colour, label=visible(label), width=0.85)
            before = [one + value for one, value in zip(before, values, strict=True)]
        some = max(1, -(-len(places) // 8))
        axes.set_xticks(list(at)[::some], [visible(place) for place in places[::some]])
        axes.set_ylim(bottom=0)

    return _chart(name, alt, draw, height=3.0, legend=len(series) > 1)


def _chart(name: str, alt: str, draw: Any, *, height: float, legend: bool) -> str:
    matplotlib, figures, ticker = _matplotlib()
    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.family": "sans-serif",
        "font.size": 10,
        "text.parse_math": False,
        "text.color": _INK,
        "axes.labelcolor": _INK,
        "axes.edgecolor": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
    }
    buffer = io.BytesIO()
    with matplotlib.rc_context(style), warnings.catch_warnings():
        # Its own fonts lack most of the world's letters; the reader's do not.
        warnings.simplefilter("ignore", UserWarning)
        figure = figures.Figure(figsize=(7.2, height), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for axis in (axes.xaxis, axes.yaxis):
            if not isinstance(axis.get_major_locator(), ticker.FixedLocator):
                axis.set_major_locator(ticker.MaxNLocator(integer=True, nbins=6))
        if legend:
            figure.legend(loc="outside upper left", ncols=4, frameon=False)
        figure.savefig(buffer, format="svg", transparent=True, metadata=_NOTHING)
    return _embedded(name, alt, buffer.getvalue())


def _matplotlib() -> tuple[Any, Any, Any]:
    """What draws, imported without a word: it would tell of caches, which no reader asked about."""
    log = logging.getLogger("matplotlib")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        names = ("matplotlib", "matplotlib.figure", "matplotlib.ticker")
        found, figures, ticker = (import_module(name) for name in names)
    except ImportError as error:
        raise MissingExtraError("matplotlib") from error
    finally:
        log.setLevel(before)
    return found, figures, ticker


_NOTHING: Final = {"Date": None, "Creator": None, "Format": None, "Type": None}


def _embedded(name: str, alt: str, data: bytes) -> str:
    """An SVG document as a part of a page."""
    # What matplotlib has just written holds no entities.
    root = ET.fromstring(data)  # noqa: S314
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"}:
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
        for key, value in list(element.attrib.items()):
            element.attrib[key] = _URL.sub(rf"url(#{name}-\1)", value).replace(_INK, "currentColor")
            if key == "id":
                element.attrib[key] = f"{name}-{value}"
            elif key == _HREF:
                del element.attrib[key]
                element.attrib["href"] = f"#{name}-{value.removeprefix('#')}"
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib.update({"role": "img", "aria-label": visible(alt)})
    return ET.tostring(root, encoding="unicode", short_empty_elements=False)
