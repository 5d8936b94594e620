"""A guest that generates code without end (generator.c) at a limit of code memory: what it computes, what the host's process
takes and how it maps its code are watched.

Invariant: the emulator is looked at while the guest waits for a line, so a look costs the guest nothing and no look is by chance.
"""

import dataclasses
import json
import subprocess
import time
from pathlib import Path

from . import machine

# Beside code (mapped twice, there once) and its tables (twice as much at most): the guest's arena and supervisor, the
# emulator itself with its TLB.
OWN_MIB = 64
MOST_GROWTH_MIB = 8  # from the first half of the looks to the second


@dataclasses.dataclass(frozen=True)
class Setting:
    limit_mib: int
    functions: int  # between two looks
    places: int  # a page of guest code each

    @property
    def engine(self) -> str:
        return f"jit,threshold=4,code={self.limit_mib}M"


LONG = Setting(limit_mib=32, functions=4000, places=2048)
SHORT = Setting(limit_mib=4, functions=1500, places=256)


@dataclasses.dataclass
class Look:
    made: int
    wrong: int
    memory_mib: float


@dataclasses.dataclass
class Outcome:
    looks: list[Look]
    engine: dict
    complaints: list[str]


def mappings(pid: int) -> list[tuple[str, int]]:
    """Permissions and bytes, by /proc/PID/maps."""
    found = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, permissions = line.split()[:2]
        first, last = (int(word, 16) for word in span.split("-"))
        found.append((permissions, last - first))
    return found


def memory_mib(pid: int) -> float:
    """What the process alone takes: pages that it maps twice count once."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:"))) / 1024


def complaints_about_mappings(found: list[tuple[str, int]], limit_mib: int) -> list[str]:
    """Code memory is there twice, once writable and once executable, and nothing is both."""
    size = limit_mib << 20
    both = [permissions for permissions, _ in found if "w" in permissions and "x" in permissions]
    complaints = [f"memory is writable and executable at once: {both}"] if both else []
    for wanted in ("r-xs", "rw-s"):
        if (wanted, size) not in found:
            complaints.append(f"no {limit_mib} MiB are mapped {wanted}: is that how code memory is?")
    return complaints


def watch(out: Path, setting: Setting, goes_on, say=lambda text: None) -> Outcome:
    """Runs the generator, looks after every so many functions, and lets it go on while goes_on(looks) says so."""
    program, report = machine.compile_program("generator", out), out / "report.json"
    command = [machine.QUIRE, "run", "--check", "--engine", setting.engine, f"--json={report}", program,
               str(setting.functions), str(setting.places)]  # fmt: skip
    looks, complaints = [], []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        while line := process.stdout.readline():
            word, made, wrong = line.split()
            looks.append(Look(int(made), int(wrong), memory_mib(process.pid)))
            say(f"  {made} functions, {wrong} results wrong, {looks[-1].memory_mib:.0f} MiB")
            complaints += complaints_about_mappings(mappings(process.pid), setting.limit_mib)
            process.stdin.write("more\n" if goes_on(looks) and not complaints else "enough\n")
    if process.returncode != 0 or not looks:
        complaints.append(f"it ended with {process.returncode}: {' '.join(map(str, command))}")
    elif looks[-1].wrong:
        complaints.append(f"{looks[-1].wrong} results are wrong")
    engine = json.loads(report.read_text())["engine"]
    return Outcome(looks, engine, complaints)


def complaints_about_memory(outcome: Outcome, limit_mib: int) -> list[str]:
    engine, looks = outcome.engine, outcome.looks
    complaints = []
    if engine["flushes"] < 2:
        complaints.append(f"code memory was never full: {engine}")
    if engine["code_bytes"] > limit_mib << 20 or engine["table_bytes"] > 3 * limit_mib << 20:
        complaints.append(f"more code than the limit: {engine}")
    if max(look.memory_mib for look in looks) > 3 * limit_mib + OWN_MIB:
        complaints.append(f"more than {3 * limit_mib + OWN_MIB} MiB: {looks}")
    half = len(looks) // 2
    growth = max(look.memory_mib for look in looks[half:]) - max(look.memory_mib for look in looks[:half])
    if growth > MOST_GROWTH_MIB:
        complaints.append(f"it grew by {growth:.0f} MiB in the second half: {looks}")
    return complaints


def generated_code(out: Path, setting: Setting, goes_on, say=lambda text: None) -> tuple[Outcome, list[str]]:
    outcome = watch(out, setting, goes_on, say)
    return outcome, outcome.complaints or complaints_about_memory(outcome, setting.limit_mib)


def for_seconds(seconds: float):
    end = time.monotonic() + seconds
    return lambda looks: time.monotonic() < end
