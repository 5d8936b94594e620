"""Figures of a run: what was measured, ratios with their spread, and which goals are met."""

from __future__ import annotations

import dataclasses
import math
import statistics
from typing import Any

from .catalogue import BOOT, BY_NAME, GOALS, LEAST, OVERALL

OURS, THEIRS = "jit", "qemu"


class Differ(Exception):
    """Two systems computed different results."""


@dataclasses.dataclass(frozen=True)
class Ratio:
    """QEMU's time over ours: the median of the repetitions' ratios, and the least and the greatest of them."""

    median: float
    low: float
    high: float


class Results:
    """Seconds by column and program, one a repetition; the boot is a program here."""

    def __init__(self) -> None:
        self.seconds: dict[str, dict[str, list[float]]] = {}
        self.checksums: dict[str, str] = {}
        self._source: dict[str, str] = {}
        self.facts: dict[str, str] = {}

    def add(self, column: str, program: str, seconds: float, checksum: str | None = None) -> None:
        """Raises Differ where another column's checksum was another."""
        if checksum is not None:
            known = self.checksums.setdefault(program, checksum)
            source = self._source.setdefault(program, column)
            if known != checksum:
                raise Differ(f"{program} gives {checksum} on {column}, but {known} on {source}: no time counts until this is mended")
        self.seconds.setdefault(column, {}).setdefault(program, []).append(seconds)

    def programs(self) -> list[str]:
        measured = {program for column in self.seconds.values() for program in column}
        return [name for name in [*BY_NAME, BOOT] if name in measured]

    def repetitions(self) -> int:
        return max((len(spent) for column in self.seconds.values() for spent in column.values()), default=0)

    def median(self, column: str, program: str) -> float | None:
        found = self.seconds.get(column, {}).get(program)
        return statistics.median(found) if found else None

    def ratio(self, program: str, theirs: str = THEIRS, ours: str = OURS) -> Ratio | None:
        pairs = list(zip(self.seconds.get(theirs, {}).get(program, []), self.seconds.get(ours, {}).get(program, [])))
        if not pairs:
            return None
        ratios = [their / our for their, our in pairs]
        return Ratio(statistics.median(ratios), min(ratios), max(ratios))

    def native_share(self, program: str) -> float | None:
        """Native time over ours."""
        native, ours = self.median("native", program), self.median(OURS, program)
        return native / ours if native is not None and ours else None


def group_of(program: str) -> str:
    return BOOT if program == BOOT else BY_NAME[program].group


def is_met(results: Results, program: str) -> bool | None:
    """Whether the goal of its class is met; None: it was not measured."""
    goal, ratio, share = GOALS[group_of(program)], results.ratio(program), results.native_share(program)
    if goal.native is not None and share is not None and share >= goal.native:
        return True
    return None if ratio is None else ratio.median >= goal.ratio


def mean_ratio(results: Results, group: str | None = None) -> float | None:
    """The geometric mean of QEMU's times over ours, of a class or of everything."""
    ratios = [ratio.median for program in results.programs()
              if (group is None or group_of(program) == group) and (ratio := results.ratio(program))]  # fmt: skip
    return math.exp(statistics.fmean(math.log(value) for value in ratios)) if ratios else None


def _cell(value: float | None, width: int, digits: int = 2) -> str:
    return f"{value:{width}.{digits}f}" if value is not None else f"{'-':>{width}}"


def _line(results: Results, columns: list[str], program: str) -> str:
    cells = f"{program:11}" + "".join(_cell(results.median(column, program), 10, 3) for column in columns)
    ratio, share, met = results.ratio(program), results.native_share(program), is_met(results, program)
    spread = f" ({ratio.low:.2f}-{ratio.high:.2f})" if ratio else ""
    verdict = {True: "", False: "  below the goal", None: ""}[met]
    if ratio and ratio.median < LEAST:
        verdict = "  SLOWER THAN QEMU"
    return f"{cells}{_cell(ratio.median if ratio else None, 9)}{spread:14}{_cell(share, 8)}{verdict}"


def table(results: Results, columns: list[str], titles: dict[str, str]) -> str:
    """Seconds a column, QEMU's time over the translator's, and native's over the translator's."""
    lines = [f"{'':11}" + "".join(f"{titles[column] + ' s':>10}" for column in columns) + f"{'QEMU/jit':>9}{' (spread)':14}{'of native':>8}"]
    for group, goal in GOALS.items():
        members = [program for program in results.programs() if group_of(program) == group]
        if not members:
            continue
        wanted = f"goal {goal.ratio:g}" + (f", or {goal.native:.0%} of native" if goal.native else "")
        mean = mean_ratio(results, group)
        lines.append(f"-- {group}: {wanted}" + (f"; geometric mean {mean:.2f}" if mean else ""))
        lines += [_line(results, columns, program) for program in members]
    mean = mean_ratio(results)
    if mean:
        verdicts = [is_met(results, program) for program in results.programs()]
        lines.append(f"geometric mean of all: {mean:.2f} (goal {OVERALL.ratio:g}); {verdicts.count(True)} of "
                     f"{len(verdicts)} lines meet their goal")  # fmt: skip
    return "\n".join(lines)


def as_json(results: Results, about: dict[str, Any]) -> dict[str, Any]:
    programs = {}
    for program in results.programs():
        ratio = results.ratio(program)
        programs[program] = {
            "class": group_of(program),
            "checksum": results.checksums.get(program),
            "seconds": {column: found[program] for column, found in results.seconds.items() if program in found},
            "qemu_over_jit": dataclasses.asdict(ratio) if ratio else None,
            "native_over_jit": results.native_share(program),
            "goal_met": is_met(results, program),
        }
    means = {group: mean_ratio(results, group) for group in GOALS}
    return {**about, "guests": results.facts, "programs": programs, "geometric_means": means, "overall": mean_ratio(results),
            "goals": {group: dataclasses.asdict(goal) for group, goal in GOALS.items()}}  # fmt: skip
