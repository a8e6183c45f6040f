"""The plot: what an event costs by number of rules, for every contestant.

It is drawn on no background, in colours and greys that can be read on white and on black alike.
"""

from __future__ import annotations

import io
import math
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import results

NAME: Final = "cost.svg"
PANELS: Final = {"Dictionaries or JSON in": ("objects", "JSON"), "Columns in": ("columns",)}
GREY: Final = "#7d8590"
OWN: Final = "#e8590c"
COLOURS: Final = (
    "#4c8fd6",
    "#2f9e6e",
    "#a574d8",
    "#c2893a",
    "#3aa3b8",
    "#d0638f",
    "#7f9a3d",
    "#8a7ff0",
)
GAP: Final = 0.052
"""The least distance between two labels, as a share of the height."""


def draw(peers: dict[str, Any], target: Path) -> bool:
    """Draw the plot, if matplotlib is there and two sizes were measured; whether it was drawn."""
    sizes = sorted(peers, key=int)
    if len(sizes) < 2:
        return False
    try:
        matplotlib: Any = import_module("matplotlib")
        figures: Any = import_module("matplotlib.figure")
    except ImportError:
        return False
    style = {"svg.fonttype": "none", "svg.hashsalt": "clausal", "font.size": 9}
    style |= {"font.family": "sans-serif", "path.simplify": True}
    with matplotlib.rc_context(style):
        figure = figures.Figure(figsize=(12, 6.2))
        for place, (title, ways) in enumerate(PANELS.items()):
            axes = figure.add_axes((0.055 + 0.5 * place, 0.09, 0.24, 0.85))
            _panel(axes, title, [line for line in _lines(peers, sizes) if line[1] in ways])
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    results.replace(target, buffer.getvalue())
    return True


def _lines(peers: dict[str, Any], sizes: list[str]) -> list[tuple[str, str, bool, list[Any]]]:
    """Title, way in, whether a floor, and points of every contestant that was measured at all."""
    lines = []
    for name, one in peers[sizes[-1]]["peers"].items():
        found = [(int(size), peers[size]["peers"].get(name, {}).get("us")) for size in sizes]
        points = [(rules, median(times)) for rules, times in found if times]
        if points:
            lines.append((one["title"], one["way"], one["floor"], points))
    return lines


def _panel(axes: Any, title: str, lines: list[tuple[str, str, bool, list[Any]]]) -> None:
    axes.set_title(title, color=GREY, fontsize=11)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("rules", color=GREY)
    axes.set_ylabel("µs an event", color=GREY)
    axes.minorticks_off()
    axes.tick_params(colors=GREY)
    axes.grid(visible=True, color=GREY, alpha=0.25, linewidth=0.5)
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(GREY)
    colours = iter(COLOURS * 3)
    labels = []
    for name, _, floor, points in lines:
        own = name.startswith("Clausal")
        colour = OWN if own else GREY if floor else next(colours)
        axes.plot(
            *zip(*points, strict=True),
            color=colour,
            linewidth=2.4 if own else 1.2,
            linestyle=":" if floor else "-",
            marker=None if floor else "o",
            markersize=4 if own else 2.5,
        )
        labels.append((points[-1], name, colour, own))
    _label(axes, labels)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _label(axes: Any, labels: list[tuple[Any, str, str, bool]]) -> None:
    """Names at the right, in the order of the lines' ends, moved apart where they would overlap."""
    low, high = (math.log(limit) for limit in axes.get_ylim())
    labels.sort(key=lambda label: label[0][1])
    heights = [(math.log(point[1]) - low) / (high - low) for point, *_ in labels]
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + GAP)
    over = heights[-1] - 1 if heights else 0
    if over > 0:
        heights[-1] -= over
        for i in range(len(heights) - 2, -1, -1):
            heights[i] = min(heights[i], heights[i + 1] - GAP)
    for (point, name, colour, own), height in zip(labels, heights, strict=True):
        axes.annotate(
            f"{name}  {_figure(point[1])}",
            point,
            xytext=(1.05, height),
            textcoords="axes fraction",
            color=colour,
            fontweight="bold" if own else "normal",
            va="center",
            fontsize=8,
            arrowprops={"arrowstyle": "-", "color": colour, "alpha": 0.4, "linewidth": 0.6},
        )
