#!/usr/bin/env python3
"""Interpreter against translator on random loops (loops.py): the same digest at random counts, whatever happens between.

  loop_engines.py [--programs 100] [--seed 0] [--kind machine|paging]

Each program runs on the interpreter, which gives digests at some counts, and then on the translator: in one go to each of
them, in slices, and with snapshots that are taken and gone back to, where both engines go on from what the other has left.
TLB, threshold and code memory are chosen with the program. Run by the Python of the build, which has the package: build/python.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
import loops  # noqa: E402
from shared import bare  # noqa: E402

import quire  # noqa: E402


class Difference(Exception):
    pass


def build(kind: str, seed: int, folder: Path) -> Path:
    script, source = folder / "link.ld", folder / f"{kind}-{seed}.S"
    script.write_text(loops.LINK_SCRIPT)
    source.write_text(loops.PROGRAMS[kind](seed))
    return bare.build(source, source.with_suffix(".elf"), script)


class Comparison:
    def __init__(self, kind: str, seed: int, elf: Path):
        self.chooser = random.Random(seed)
        tlb = self.chooser.choice(["", "", "entries=16,ways=2", "entries=64,ways=4", "entries=16384,ways=4"])
        self.engine = (f"jit,threshold={self.chooser.choice([0, 1, 2, 5])},hot={self.chooser.choice([0, 1, 2])},"
                       f"code={self.chooser.choice(['2M', '64M', '64M'])}")  # fmt: skip
        self.where = f"{kind} program, seed {seed}, engine {self.engine}, tlb '{tlb}'"
        self.settings = {"ram": "16M", "tlb": tlb}
        self.elf = elf

    def machine(self, engine: str) -> quire.Machine:
        return quire.Machine.bare(self.elf, engine=engine, **self.settings)

    def advance(self, machine: quire.Machine, count: int) -> None:
        if count > machine.icount:
            machine.run(max_insns=count - machine.icount)

    def slices(self, machine: quire.Machine, count: int) -> None:
        while machine.icount < count:
            step = self.chooser.choice([1, 7, self.chooser.randint(1, 3000), self.chooser.randint(1, 20_000)])
            self.advance(machine, min(count, machine.icount + step))

    def restores(self, machine: quire.Machine, count: int) -> None:
        """Goes on and comes back at times."""
        for _ in range(self.chooser.randint(1, 4)):
            self.advance(machine, machine.icount + self.chooser.randint(0, max(0, count - machine.icount)))
            before = machine.snapshot()
            if self.chooser.random() < 0.7:
                machine.run(max_insns=self.chooser.randint(1, 3000))
            machine.restore(before)
        self.advance(machine, count)

    def run(self) -> tuple[int, int]:
        """(instructions, states compared); raises Difference."""
        total = self.chooser.choice([self.chooser.randint(500, 9000), self.chooser.randint(20_000, 200_000), 1_000_000])
        counts = sorted({self.chooser.randint(1, total) for _ in range(3)} | {total})
        with self.machine("interp") as reference:
            digests = []
            for count in counts:
                self.advance(reference, count)
                digests.append((reference.icount, reference.digest))
        for name, go in (("in one go", self.advance), ("in slices", self.slices), ("with restores", self.restores)):
            with self.machine(self.engine) as other:
                for count, (icount, digest) in zip(counts, digests):
                    go(other, count)
                    if (other.icount, other.digest) != (icount, digest):
                        raise Difference(f"{self.where}: {name}, at most {count} instructions in, they differ")
        return total, 3 * len(counts)


def run(kind: str, programs: int, seed: int) -> tuple[int, int]:
    """That many programs from this seed on: (instructions, states compared)."""
    done = states = 0
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(1) as pool:
        folder = Path(name)
        ahead = pool.submit(build, kind, seed, folder)
        for number in range(seed, seed + programs):
            elf = ahead.result()
            if number + 1 < seed + programs:
                ahead = pool.submit(build, kind, number + 1, folder)
            count, compared = Comparison(kind, number, elf).run()
            done, states = done + count, states + compared
            elf.unlink()
    return done, states


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=100, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=loops.PROGRAMS, action="append")
    options = parser.parse_args()
    for kind in options.kind or loops.PROGRAMS:
        start = time.monotonic()
        try:
            done, states = run(kind, options.programs, options.seed)
        except (Difference, subprocess.CalledProcessError) as problem:
            sys.exit(f"loop_engines: {problem}")
        print(f"{kind}: {options.programs} programs, {done} instructions, {states} states compared: equal "
              f"({time.monotonic() - start:.0f} s)", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
