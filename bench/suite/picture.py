"""The results as a picture: a bar a program, QEMU's time over ours, on a logarithmic scale, with each class's goal."""

from __future__ import annotations

import math
from html import escape

from .catalogue import ABOUT, GOALS
from .results import Results, group_of, mean_ratio

LEFT, WIDTH, RIGHT, BAR, GAP, HEAD = 110, 560, 120, 13, 4, 22
COLOURS = {"integer": "#4477aa", "branches": "#66ccee", "float": "#228833", "tlb": "#ccbb44", "streams": "#ee6677",
           "system": "#aa3377", "code": "#888888", "boot": "#222255"}  # fmt: skip
TICKS = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 50, 100)


class Scale:
    def __init__(self, values: list[float]) -> None:
        self._low, self._high = math.log(min([0.5, *values]) * 0.9), math.log(max([6, *values]) * 1.1)

    def x(self, value: float) -> float:
        return LEFT + WIDTH * (math.log(value) - self._low) / (self._high - self._low)

    def ticks(self) -> list[float]:
        return [tick for tick in TICKS if self._low <= math.log(tick) <= self._high]


def _text(x: float, y: float, text: str, anchor: str = "start", weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'


def _bar(results: Results, program: str, y: float, scale: Scale) -> list[str]:
    ratio = results.ratio(program)
    if ratio is None:
        return []
    ends = sorted((scale.x(1), scale.x(ratio.median)))
    middle = y + BAR / 2
    return [
        _text(LEFT - 6, y + BAR - 3, program, "end"),
        f'<rect x="{ends[0]:.1f}" y="{y}" width="{max(ends[1] - ends[0], 1):.1f}" height="{BAR}" fill="{COLOURS[group_of(program)]}"/>',
        f'<path d="M{scale.x(ratio.low):.1f} {middle}H{scale.x(ratio.high):.1f}" stroke="black" stroke-width="1.5"/>',
        _text(max(ends[1], scale.x(ratio.high)) + 5, y + BAR - 3, f"{ratio.median:.2f}"),
    ]


def svg(results: Results) -> str:
    """An SVG document; classes that were not measured beside QEMU are not in it."""
    programs = [program for program in results.programs() if results.ratio(program)]
    scale = Scale([bound for program in programs if (r := results.ratio(program)) for bound in (r.low, r.high)])
    parts: list[str] = []
    y: float = 44
    for group, goal in GOALS.items():
        members = [program for program in programs if group_of(program) == group]
        if not members:
            continue
        mean = mean_ratio(results, group)
        parts.append(_text(LEFT, y + HEAD - 8, f"{ABOUT[group]}: {mean:.2f} (goal {goal.ratio:g})", weight="bold"))
        y += HEAD
        top = y
        for program in members:
            parts += _bar(results, program, y, scale)
            y += BAR + GAP
        parts.append(f'<path d="M{scale.x(goal.ratio):.1f} {top}V{y - GAP}" stroke="#bb0000" stroke-dasharray="3 2"/>')
    for tick in scale.ticks():
        parts.insert(0, f'<path d="M{scale.x(tick):.1f} 40V{y}" stroke="{"#888" if tick == 1 else "#ddd"}"/>')
        parts.append(_text(scale.x(tick), y + 14, f"{tick:g}", "middle"))
    mean = mean_ratio(results)
    title = f"QEMU's CPU time over Quire's; geometric mean {mean:.2f}" if mean else "nothing was measured beside QEMU"
    size = f'width="{LEFT + WIDTH + RIGHT}" height="{y + 24:.0f}"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
                      '<rect width="100%" height="100%" fill="white"/>', _text(LEFT, 22, title, weight="bold"),
                      *parts, "</svg>", ""])  # fmt: skip
