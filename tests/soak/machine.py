"""Builds the guest programs of this folder, runs them on the supervisor, and judges how a run ended."""

import dataclasses
import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
QUIRE = Path(os.environ.get("QUIRE_BUILD_DIR", ROOT / "build")) / "quire"


def compile_program(name: str, out: Path, *flags: str) -> Path:
    binary = out / name
    subprocess.run(
        ["riscv64-linux-gnu-gcc", "-O2", "-std=gnu17", "-Wall", "-Werror", *(flags or ["-static"]),
         HERE / f"{name}.c", "-o", binary, "-pthread"],
        check=True,
    )  # fmt: skip
    return binary


@dataclasses.dataclass(frozen=True)
class Run:
    command: list[str]
    status: int
    out: str
    err: str

    @property
    def system_calls(self) -> int:
        return int(re.search(r"(\d+) system calls", self.err).group(1))

    @property
    def instructions(self) -> int:
        return int(re.search(r"instructions\s+(\d+)", self.err).group(1))

    def complaint(self) -> str | None:
        """What is wrong with it: a panic (a leak found by --check is one), a hang, a result that is not right."""
        if "panicked" in self.err:
            what = "the supervisor panicked"
        elif self.status == 124:
            what = "it did not come to an end"
        elif self.status == 3 and "ENOMEM" not in self.err:
            what = "the emulator or the supervisor failed"
        elif self.status == 99 or "wrong" in self.out:
            what = "a result is not right"
        else:
            return None
        return f"{what}: {' '.join(self.command)}\n{self.out[-2000:]}\n{self.err[-2000:]}"


def run(program: Path, *args: str, options=(), max_insns: int) -> Run:
    """A run that takes more than `max_insns` hangs: by instructions, so that a busy host is no reason."""
    command = [str(word) for word in
               (QUIRE, "run", "--check", "--stats", "--kernel-log", "-", "--max-insns", max_insns, *options,
                program, *args)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
    return Run(command, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
