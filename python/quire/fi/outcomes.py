"""What became of a run, beside the one without a fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .statistics import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator

#: From harmless to worse; `emulator_error` is never counted among the rest.
OUTCOMES = {
    "not_activated": "the place did not exist at that moment, or what was to fail was never asked for",
    "masked": "the whole machine's state became that of the fault-free run again, or ended as it",
    "latent": "status and output are right, but not the state that is left",
    "detected": "the program, or the check of its disk, said so itself",
    "wrong_exit": "right output, wrong exit status",
    "sdc": "silent data corruption: wrong output",
    "signal": "a signal killed the program",
    "neighbour": "another process, which had nothing to do with it, was harmed",
    "panic": "the kernel panicked",
    "reboot": "the machine was switched off or started anew",
    "hang": "it had not ended after the limit of instructions, or waits for ever",
    "emulator_error": "the emulator failed; please report it",
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended. `how` is exit, panic, reboot, hang, checked or emulator_error; `state` is the digest of the
    whole machine at the end of the fault-free run, or "another"; `others` are the processes beside the program and its
    children, each with its status (None: alive). `verdict` is an outcome that a check of the disk has found."""

    how: str
    returncode: int | None
    output: bytes
    insns: int
    state: str
    detail: str = ""
    others: tuple[tuple[int, int | None], ...] = ()
    verdict: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {"how": self.how, "returncode": self.returncode, "output": self.output.hex(), "insns": self.insns,
                "state": self.state, "detail": self.detail, "others": [list(other) for other in self.others],
                "verdict": self.verdict}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Ending:
        values: dict[str, Any] = {**fields, "output": bytes.fromhex(fields["output"]),
                                  "others": tuple((pid, status) for pid, status in fields["others"])}
        return cls(**values)


def classify(ending: Ending, golden: Ending, detected: tuple[int, ...]) -> str:
    if ending.how == "checked":
        return ending.verdict
    if ending.how != "exit":
        return ending.how
    if _harmed(ending, golden):
        return "neighbour"
    if ending.returncode != golden.returncode:
        if ending.returncode in detected:
            return "detected"
        if ending.returncode is not None and ending.returncode < 0:
            return "signal"
    if ending.output != golden.output:
        return "sdc"
    if ending.returncode != golden.returncode:
        return "wrong_exit"
    if ending.verdict not in ("", "masked"):
        return ending.verdict
    return "masked" if ending.state == golden.state else "latent"


def _harmed(ending: Ending, golden: Ending) -> bool:
    """Whether a process has ended otherwise than in the fault-free run. One that lives, or has not begun, may do so only
    because the program ended at another moment; so may one that has ended well, and was alive there."""
    now = dict(ending.others)
    ended = [(status, now[pid]) for pid, status in golden.others if now.get(pid) is not None]
    return any(seen != 0 if before is None else seen != before for before, seen in ended)


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    outcome: str
    count: int
    share: float
    low: float
    high: float


class OutcomeTable:
    """Counts and shares by outcome, with their intervals (Wilson's, for a sample of `population`)."""

    def __init__(self, counts: dict[str, int], planned: int, confidence: float, population: int | None = None) -> None:
        self.planned = planned
        self.confidence = confidence
        #: What run() was to reach; the text says so where it has not.
        self.until_margin: float | None = None
        self.errors = counts.get("emulator_error", 0)
        self.done = sum(counts.values()) - self.errors
        self.rows = [OutcomeRow(name, counts[name], counts[name] / self.done,
                                *wilson(counts[name], self.done, confidence, population))
                     for name in OUTCOMES if counts.get(name) and name != "emulator_error"]

    @property
    def margin(self) -> float:
        """Half the widest interval: how far from the truth a share may be."""
        return max([(row.high - row.low) / 2 for row in self.rows], default=1.0)

    def __iter__(self) -> Iterator[OutcomeRow]:
        return iter(self.rows)

    def to_dict(self) -> dict[str, int]:
        """{outcome: how many}."""
        return {row.outcome: row.count for row in self.rows}

    def __str__(self) -> str:
        lines = [f"{'outcome':<14} {'count':>8} {'share':>8}   {self.confidence:.0%} interval"]
        lines += [f"{r.outcome:<14} {r.count:>8} {r.share:>8.2%}   {r.low:.2%} .. {r.high:.2%}" for r in self.rows]
        lines.append(f"{self.done} of {self.planned} injections" + (f", {self.errors} emulator errors" if self.errors else ""))
        if self.until_margin is not None and self.margin > self.until_margin:
            what = "all that were planned" if self.done + self.errors >= self.planned else "as many as were to be run"
            lines.append(f"shares are known to within {self.margin:.2%}, not {self.until_margin:.2%}: {what} have been run; plan a larger sample"
                         if what.startswith("all") else
                         f"shares are known to within {self.margin:.2%}, not {self.until_margin:.2%} yet: {what} have been run; go on with run()")
        return "\n".join(lines)

    __repr__ = __str__


__all__ = ["OUTCOMES", "Ending", "OutcomeRow", "OutcomeTable", "classify"]
