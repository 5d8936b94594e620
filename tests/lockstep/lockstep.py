#!/usr/bin/env python3
"""Random programs on `quire bare` and on QEMU: registers, memory, fflags and traps must be equal.

  lockstep.py [--instructions 10000000] [--length 10000] [--passes 8] [--seed 0] [--oracle unicorn]

A program is a stream of random instructions, run once a pass with new registers and the memory that the pass
before has left. It takes down its whole state at random places and at every trap (a chained hash of it, to be
quick); both emulators run the same binary, and hashes and data memory are compared. On a difference the pass
is run again with every state in full after every item, and the seed, the first state that differs and the
instructions before it are printed. Counted is what Quire has executed of the streams, frame and traps apart.
With Unicorn, which knows RV64GC alone, a program runs once and every state is compared in full.
"""

import argparse
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
import generate as gen  # noqa: E402
from image import DATA_WORDS, HASHES, MAX_PASSES, NO_PASS, RECORD_WORDS, Image  # noqa: E402
from shared import bare  # noqa: E402

HERE = Path(__file__).resolve().parent
NAMES = [f"x{i}" for i in range(32)] + [f"f{i}" for i in range(32)] + ["fcsr", "mcause", "mepc", "mtval"]
RECORDS_AT = DATA_WORDS + HASHES
CPU = "rv64,zbkb=on,zicond=on,zacas=on,zfh=on,zfhmin=on,zfa=on,zawrs=on,zicbom=on,zicboz=on"
# Upper bounds of what the frame itself executes, so that what is counted is less than what has run.
FRAME_INSNS_PER_TRAP = 600
FRAME_INSNS_PER_RECORD = 110
FRAME_INSNS_PER_PASS = 100


class Difference(Exception):
    pass


@dataclass
class Tally:
    programs: int = 0
    generated: int = 0  # instructions in streams
    executed: int = 0
    states: int = 0
    images: dict[int, Image] = field(default_factory=dict)


def words(signature: Path) -> list[int]:
    halves = [int(line, 16) for line in signature.read_text().split()]
    return [low | high << 32 for low, high in zip(halves[::2], halves[1::2])]


def run_qemu(elf: Path, out: Path) -> None:
    status = bare.qemu_spike(elf, out, ram="128M", cpu=CPU, seconds=600)
    if status != 0:
        raise SystemExit(f"lockstep: QEMU ended with {status} on {elf}")


def run_quire(quire: Path, elf: Path, out: Path) -> int:
    """Instructions executed."""
    facts = out.with_suffix(".json")
    status = subprocess.run(
        [quire, "bare", "--ram", "128M", "--max-insns", "200000000", "--signature", out, f"--json={facts}", elf],
        timeout=600,
    ).returncode  # fmt: skip
    if status != 0:
        raise Difference(f"quire ended with {status}")
    return json.loads(facts.read_text())["icount"]


def first_difference(theirs: list[int], ours: list[int]) -> tuple[int, str] | None:
    """(record number or -1 for data memory, text); hashes do not count."""
    if theirs == ours:
        return None
    for at in range(RECORDS_AT, len(theirs)):
        if theirs[at] != ours[at]:
            record, slot = divmod(at - RECORDS_AT, RECORD_WORDS)
            if slot < len(NAMES):
                return record, f"{NAMES[slot]}: QEMU {theirs[at]:#018x}, Quire {ours[at]:#018x}"
    for at in range(DATA_WORDS):
        if theirs[at] != ours[at]:
            return -1, f"memory {gen.DATA + 8 * at:#x}: QEMU {theirs[at]:#018x}, Quire {ours[at]:#018x}"
    return None


def record_mepc(signature: list[int], record: int) -> int:
    return signature[RECORDS_AT + record * RECORD_WORDS + NAMES.index("mepc")]


def disassemble(code: bytes, start: int, stop: int, folder: Path) -> str:
    tools = subprocess.run([HERE.parents[1] / "tools/riscv-binutils"], capture_output=True, text=True, check=True)
    (folder / "code").write_bytes(code)
    return subprocess.run(
        [Path(tools.stdout.strip()) / "objdump", "-D", "-b", "binary", "-m", "riscv:rv64", "-M", "max,no-aliases",
         f"--adjust-vma={gen.CODE:#x}", f"--start-address={start:#x}", f"--stop-address={stop:#x}", folder / "code"],
        capture_output=True, text=True,
    ).stdout  # fmt: skip


@dataclass
class Comparison:
    seed: int
    length: int
    passes: int
    rows: list[gen.Row]
    quire: Path
    folder: Path
    tally: Tally

    def image(self, records: int) -> Image:
        if records not in self.tally.images:
            self.tally.images[records] = Image(self.folder, records)
        return self.tally.images[records]

    def run(self) -> None:
        """Raises Difference, with all that there is to say, where the two do not agree."""
        program = gen.Generator(self.seed, self.rows).program(self.length, self.passes)
        chooser = random.Random(self.seed ^ 0x51DE)
        checkpoints = {i for i in range(len(program.items)) if chooser.random() < 0.01}
        code, _ = gen.link(program, checkpoints)
        elf, theirs, ours = (self.folder / name for name in ("program.elf", "qemu.sig", "quire.sig"))
        self.image(1).write(elf, program, code, NO_PASS)
        run_qemu(elf, theirs)
        icount = run_quire(self.quire, elf, ours)
        if theirs.read_bytes() != ours.read_bytes():
            self.explain(program, checkpoints)
        # Hashes come in order and are hardly ever 0.
        lines = ours.read_text().split("\n", 2 * RECORDS_AT)[2 * DATA_WORDS : 2 * RECORDS_AT]
        states = next((at for at in range(HASHES) if lines[2 * at] == lines[2 * at + 1] == "00000000"), HASHES)
        tally = self.tally
        tally.programs += 1
        tally.generated += program.count
        tally.states += states
        tally.executed += max(0, icount - states * FRAME_INSNS_PER_TRAP - self.passes * FRAME_INSNS_PER_PASS)

    def explain(self, program: gen.Program, checkpoints: set[int]) -> None:
        where = f"seed {self.seed}, length {self.length}, {'U' if program.user_mode else 'M'}-mode"
        # With a state after every item, or, where that makes the difference go away, as it was.
        for places in (set(range(len(program.items))), checkpoints):
            code, _ = gen.link(program, places)
            for number in range(self.passes):
                self.explain_pass(program, code, number, where)
        raise Difference(f"{where}: in memory, or not again")

    def explain_pass(self, program: gen.Program, code: bytes, number: int, where: str) -> None:
        elf, theirs, ours = (self.folder / name for name in ("again.elf", "qemu.sig", "quire.sig"))
        self.image(4 * len(program.items)).write(elf, program, code, number)
        run_qemu(elf, theirs)
        run_quire(self.quire, elf, ours)
        qemu = words(theirs)
        record, text = first_difference(qemu, words(ours)) or (-1, "")
        if record < 0:
            return
        before = record_mepc(qemu, record - 1) if record else gen.CODE
        listing = disassemble(code, before, max(before, record_mepc(qemu, record)) + 4, self.folder)
        raise Difference(f"{where}, pass {number}, state {record}:\n  {text}\n{listing}")


class UnicornComparison(Comparison):
    def run(self) -> None:
        import unicorn_oracle as oracle

        program, code = oracle.program(self.seed, self.length)
        elf, signature = self.folder / "program.elf", self.folder / "quire.sig"
        self.image(1024).write(elf, program, code, 0)
        icount = run_quire(self.quire, elf, signature)
        ours = words(signature)
        board = oracle.Board(program, code)
        states, before = 0, gen.CODE
        for theirs in board.states():
            at = RECORDS_AT + states * RECORD_WORDS + 1  # there is no x0
            for name, want, have in zip(oracle.NAMES, theirs, ours[at:]):
                if want != have:
                    listing = disassemble(code, before, theirs[-1] + 4, self.folder)
                    text = f"{name}: Unicorn {want:#x}, Quire {have:#x}\n{listing}"
                    raise Difference(f"seed {self.seed}, length {self.length}, state {states}:\n  {text}")
            before = theirs[-1]
            states += 1
        if board.data() != ours[:DATA_WORDS]:
            raise Difference(f"seed {self.seed}, length {self.length}: memory differs from Unicorn's")
        tally = self.tally
        tally.programs += 1
        tally.generated += program.count
        tally.states += states
        tally.executed += max(0, icount - states * FRAME_INSNS_PER_RECORD - FRAME_INSNS_PER_PASS)


ORACLES = {"qemu": Comparison, "unicorn": UnicornComparison}


def run(instructions: int, length: int, passes: int, seed: int, quire: Path, progress=print,
        oracle: str = "qemu") -> Tally:
    rows = gen.read_table()
    tally = Tally()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        while tally.executed < instructions:
            ORACLES[oracle](seed + tally.programs, length, passes, rows, quire, Path(folder), tally).run()
            if tally.programs % 50 == 0:
                progress(f"{tally.executed} instructions, {tally.states} states, {time.monotonic() - started:.0f} s")
    progress(
        f"{tally.programs} programs of {tally.generated} instructions, {tally.executed} executed, {tally.states} states "
        f"compared: equal (seeds {seed} to {seed + tally.programs - 1}, {time.monotonic() - started:.0f} s)"
    )
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instructions", type=int, default=10_000_000, help="to execute; 100 million take 15 minutes")
    parser.add_argument("--length", type=int, default=10_000, help="instructions of a program")
    parser.add_argument("--passes", type=int, default=8, help=f"times that each is run, up to {MAX_PASSES}")
    parser.add_argument("--seed", type=int, default=0, help="of the first program; the next has the next")
    parser.add_argument("--oracle", choices=ORACLES, default="qemu")
    build_dir = Path(os.environ.get("QUIRE_BUILD_DIR", HERE.parents[1] / "build"))
    parser.add_argument("--quire", type=Path, default=build_dir / "quire")
    options = parser.parse_args()
    if not 0 < options.passes <= MAX_PASSES:
        parser.error(f"--passes {options.passes} is not 1 to {MAX_PASSES}")
    try:
        run(options.instructions, options.length, options.passes, options.seed, options.quire,
            lambda text: print(text, flush=True), options.oracle)  # fmt: skip
    except Difference as difference:
        print(f"lockstep: {difference}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
