#!/usr/bin/env python3
"""Interpreter against translator on random programs: the same state at random counts, and at the end.

  engines.py [--instructions 10000000] [--stops 20] [--length 10000] [--passes 8] [--seed 0] [--threshold 0] [--hot 0]
             [--off NAME[+NAME...]] [--jobs 1]

The programs are those of lockstep.py. Both engines run one from random count to random count, mostly far apart and at
times a few instructions, and the digests of RAM and architectural state are compared at each. A billion instructions are
some 3,500 programs and, most of it making them, ten minutes of an idle processor (--jobs 2: half of that). Run by the
Python of the build, which has the package: build/python.
"""

import argparse
import random
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
import generate as gen  # noqa: E402
from image import NO_PASS, Image  # noqa: E402

import quire  # noqa: E402

SEEDS_OF_A_JOB = 1_000_000


class Difference(Exception):
    pass


def machine(elf: Path, engine: str) -> quire.Machine:
    return quire.Machine.bare(elf, ram="16M", engine=engine)


def stride(chooser: random.Random, mean: int) -> int:
    return chooser.randint(1, 40) if chooser.random() < 0.3 else chooser.randint(1, 2 * mean)


def describe(reference: quire.Machine, other: quire.Machine) -> str:
    ours, theirs = reference.harts[0], other.harts[0]
    lines = [f"pc {ours.pc:#x} and {theirs.pc:#x}, icount {reference.icount} and {other.icount}"]
    for bank in ("x", "fbits"):
        for r in range(32):
            a, b = getattr(ours, bank)[r], getattr(theirs, bank)[r]
            if a != b:
                lines.append(f"{bank}{r}: interp {a:#018x}, jit {b:#018x}")
    return "\n  ".join(lines)


def compare(elf: Path, chooser: random.Random, stops: int, engine: str, where: str) -> tuple[int, int]:
    """(instructions, states compared); raises Difference."""
    with machine(elf, "interp") as whole:
        whole.run(max_insns=200_000_000)
        total, end = whole.icount, whole.digest
    compared = 0
    with machine(elf, "interp") as reference, machine(elf, engine) as other:
        while reference.icount < total:
            step = min(stride(chooser, total // stops), total - reference.icount)
            first, second = reference.run(max_insns=step), other.run(max_insns=step)
            if first.reason != second.reason or reference.digest != other.digest:
                raise Difference(f"{where}, {first.reason} and {second.reason}:\n  {describe(reference, other)}")
            compared += 1
        if other.digest != end:
            raise Difference(f"{where}: the end differs")
    return total, compared


def run(instructions: int, length: int, passes: int, seed: int, stops: int, engine: str) -> tuple[int, int]:
    """As much as is asked for, in programs from this seed on: (instructions, states compared)."""
    rows = gen.read_table()
    done = states = 0
    with tempfile.TemporaryDirectory() as folder:
        image, elf = Image(Path(folder), 1), Path(folder) / "program.elf"
        while done < instructions:
            program = gen.Generator(seed, rows).program(length, passes)
            code, _ = gen.link(program, set())
            image.write(elf, program, code, NO_PASS)
            where = f"seed {seed}, length {length}, {passes} passes"
            count, compared = compare(elf, random.Random(seed), stops, engine, where)
            done, states, seed = done + count, states + compared, seed + 1
    return done, states


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instructions", type=int, default=10_000_000)
    parser.add_argument("--stops", type=int, default=20, help="states compared a program, about")
    parser.add_argument("--length", type=int, default=10_000)
    parser.add_argument("--passes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threshold", type=int, default=0, help="times that a block runs before it is translated")
    parser.add_argument("--hot", type=int, default=0, help="times that a block is found running before it gets windows")
    parser.add_argument("--off", default="", help="what the translator leaves out, as in --engine jit,off=NAME")
    parser.add_argument("--jobs", type=int, default=1, help="processes, each with seeds of its own")
    options = parser.parse_args()
    engine = f"jit,threshold={options.threshold},hot={options.hot}" + (f",off={options.off}" if options.off else "")
    start = time.monotonic()
    done = states = 0
    with ProcessPoolExecutor(options.jobs) as pool:
        share = -(-options.instructions // options.jobs)
        running = [pool.submit(run, share, options.length, options.passes, options.seed + job * SEEDS_OF_A_JOB,
                               options.stops, engine) for job in range(options.jobs)]  # fmt: skip
        try:
            for job in running:
                count, compared = job.result()
                done, states = done + count, states + compared
        except Difference as difference:
            pool.shutdown(wait=False, cancel_futures=True)
            sys.exit(f"engines: {difference}")
    print(f"{done} instructions, {states} states compared: equal ({time.monotonic() - start:.0f} s)")


if __name__ == "__main__":
    main()
