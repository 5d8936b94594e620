"""Each allocation of a mixed workload fails in a run of its own: an errno, a killed process or nothing to be seen.

Never a panic, a hang, a wrong result, or anything that is left over at the end (`--check`).
"""

import collections
import enum
import shutil
from pathlib import Path

from . import machine

ROUNDS = "3"  # enough for 2,500 blocks of frames and 7,000 pieces of the kernel's heap
MAX_INSNS = 400_000_000  # a whole run takes 24 million


class Files(enum.Enum):
    IN_MEMORY = "in memory"
    BY_9P = "by 9P"


def outcome(run: machine.Run) -> str:
    if run.status == 3:
        return "the program is not started (ENOMEM)"
    if run.status == 137:
        return "the program is killed"
    if "0 steps failed" in run.out:
        return "nothing is to be seen"
    return "a process is killed" if "is killed" in run.err else "steps fail with an errno"


def make_root(out: Path, program: Path) -> Path:
    """A directory to be the guest's root, with the program in it: so that files come by 9P."""
    root = out / "root"
    for folder in ("bin", "dev", "proc", "sys", "tmp", "root"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    shutil.copy(program, root / "bin")
    return root


def fail_each(out: Path, failures, say=lambda text: None, files=Files.IN_MEMORY) -> tuple[collections.Counter, list[str]]:
    """`failures`: values of --fail-alloc. Returns how often each outcome came, and all that went wrong."""
    program = machine.compile_program("mixed_load", out)
    options = []
    if files is Files.BY_9P:
        options = ["--root", make_root(out, program)]
        program = Path("/bin/mixed_load")
    outcomes, complaints = collections.Counter(), []
    for failure in failures:
        run = machine.run(program, ROUNDS, options=[*options, "--fail-alloc", failure], max_insns=MAX_INSNS)
        complaint = run.complaint()
        if complaint:
            complaints.append(complaint)
            say(complaint)
        else:
            outcomes[outcome(run)] += 1
    return outcomes, complaints


def sequence(first: int, last: int, step: int = 1) -> list[str]:
    """Each block of frames once, every 20th also for good; a sample of the heap, whose pieces are many more."""
    failures = []
    for i, n in enumerate(range(first, last + 1, step)):
        failures.append(f"{n}")
        if i % 4 == 1:
            failures.append(f"heap:{3 * n}")
        if i % 20 == 0:
            failures += [f"{n}+", f"heap:{3 * n}+"]
    return failures
