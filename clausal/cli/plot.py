"""A picture of figures, as SVG: one bar for each, with its name and number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Final

_BAR: Final = 22
_GAP: Final = 8
_LEFT: Final = 150
_WIDTH: Final = 420
_RIGHT: Final = 110
_TOP: Final = 44
_FONT: Final = 'font-family="sans-serif" font-size="13"'


def bars(title: str, rows: Sequence[tuple[str, float]]) -> str:
    """A bar for each row on a logarithmic scale, as an SVG document.

    Args:
        title: What the numbers are.
        rows: Names, and positive numbers.
    """
    low = math.floor(math.log10(min(value for _, value in rows)))
    high = max(math.ceil(math.log10(max(value for _, value in rows))), low + 1)
    height = _TOP + len(rows) * (_BAR + _GAP) + 30
    bottom = height - 30
    whole = _LEFT + _WIDTH + _RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{height}" {_FONT}>',
        f'<text x="{_LEFT}" y="20" font-weight="bold">{escape(title)}</text>',
    ]
    for power in range(low, high + 1):
        x = _LEFT + _WIDTH * (power - low) / (high - low)
        parts += [
            f'<line x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{bottom}" stroke="#ccc"/>',
            f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{_short(10**power)}</text>',
        ]
    for number, (name, value) in enumerate(rows):
        y = _TOP + number * (_BAR + _GAP)
        width = _WIDTH * (math.log10(value) - low) / (high - low)
        parts += [
            f'<text x="{_LEFT - 8}" y="{y + 16}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="#4477aa"/>',
            f'<text x="{_LEFT + width + 6:.1f}" y="{y + 16}">{value:,.0f}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def _short(value: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
