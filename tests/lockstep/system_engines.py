#!/usr/bin/env python3
"""Interpreter against translator on whole systems: the same digest at random instruction counts, and at the end.

  system_engines.py [--stops 1000] [--seed 0] [--engine jit] [SCENE...]

Scenes are programs of tests/programs on the supervisor, one after the other in one machine, and Debian's Linux from its
first instruction until its init powers off. Each is run once by the interpreter, to know how long it is; then both
engines go from random count to random count, of which some are a few instructions apart. A digest is of RAM, harts and
devices. Run by the Python of the build, which has the package: build/python.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import quire  # noqa: E402
from tests.boot import debian  # noqa: E402
from tests.programs.program import PROGRAMS, compile_program  # noqa: E402

ENOUGH = 100_000_000_000
NAMES = ["fork200", "cow", "signals", "pipes", "threads", "doubles", "map_grow", "exec", "jobs", "segv_handler"]
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
i=0
while [ $i -lt 40 ]; do echo $((i * i)); i=$((i + 1)); done | sort -n | tail -3
for i in 1 2 3; do (sleep 0.01; ls -l /proc/self/) | wc -l & done; wait
dd if=/dev/urandom of=/blob bs=64k count=8 2>/dev/null && sha256sum /blob | wc -c && gzip -c /blob | gunzip | cmp - /blob
poweroff -f
"""


class Difference(Exception):
    pass


class Supervisor:
    """Programs one after the other; the next starts when the one before has ended."""

    def __init__(self, folder: Path):
        chosen = [program for program in PROGRAMS if program.name in NAMES]
        self.binaries = [compile_program(program, program.links[0], folder) for program in chosen]

    def machine(self, engine: str) -> quire.Machine:
        machine = quire.Machine.supervisor(ram="64M", engine=engine)
        for binary in self.binaries:
            machine.spawn([binary])
        return machine


class Linux:
    def __init__(self, folder: Path):
        self.initrd = folder / "initrd"
        self.initrd.write_bytes(debian.initramfs(INIT))

    def machine(self, engine: str) -> quire.Machine:
        return quire.Machine.linux(debian.kernel(), initrd=self.initrd, append="console=ttyS0", ram="128M", engine=engine)


SCENES = {"supervisor": Supervisor, "linux": Linux}


def counts(chooser: random.Random, total: int, stops: int) -> list[int]:
    """Where to look, rising: uniform, and close behind a third of them once more."""
    chosen = {chooser.randrange(1, total) for _ in range(max(1, stops * 3 // 4))}
    near = {count + chooser.randint(1, 30) for count in chooser.sample(sorted(chosen), k=len(chosen) // 3)}
    return sorted({count for count in chosen | near if count < total})


def describe(reference: quire.Machine, other: quire.Machine) -> str:
    ours, theirs = reference.harts[0], other.harts[0]
    lines = [f"pc {ours.pc:#x} and {theirs.pc:#x}, icount {reference.icount} and {other.icount}"]
    lines += [f"x{r}: interp {a:#x}, other {b:#x}" for r, (a, b) in enumerate(zip(ours.x, theirs.x)) if a != b]
    return "\n  ".join(lines)


def compare(scene, engine: str, stops: int, seed: int) -> tuple[int, int]:
    """(instructions, states compared); raises Difference."""
    with scene.machine("interp") as whole:
        start, stop = whole.icount, whole.run(max_insns=ENOUGH)
        total, end = whole.icount - start, whole.digest
    compared = 0
    with scene.machine("interp") as reference, scene.machine(engine) as other:
        for count in counts(random.Random(seed), total, stops):
            step = count - (reference.icount - start)
            first, second = reference.run(max_insns=step), other.run(max_insns=step)
            if first.reason != second.reason or reference.digest != other.digest:
                raise Difference(f"seed {seed}, {first.reason} and {second.reason}:\n  {describe(reference, other)}")
            compared += 1
        last = other.run(max_insns=ENOUGH)
        if last.reason != stop.reason or other.digest != end:
            raise Difference(f"the end differs: {stop.reason} and {last.reason}")
    return total, compared


def run(name: str, engine: str, stops: int, seed: int) -> tuple[int, int]:
    with tempfile.TemporaryDirectory() as folder:
        return compare(SCENES[name](Path(folder)), engine, stops, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stops", type=int, default=1000, help="states compared a scene, about")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", default="jit")
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"of {', '.join(SCENES)}; both where none is given")
    options = parser.parse_args()
    for name in options.scenes or SCENES:
        if name not in SCENES:
            parser.error(f"no scene is called '{name}'; there are {', '.join(SCENES)}")
        start = time.monotonic()
        try:
            done, states = run(name, options.engine, options.stops, options.seed)
        except Difference as difference:
            sys.exit(f"{name}: {difference}")
        print(f"{name}: {done} instructions, {states} states compared: equal ({time.monotonic() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
