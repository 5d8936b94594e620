#!/usr/bin/env python3
"""Random programs on `quire bare` and on QEMU: registers, memory, fflags and traps must be equal.

  lockstep.py [--instructions 10000000] [--length 10000] [--seed 0] [--keep DIR]

Each program dumps its whole state at random places and at every trap; both emulators run the same
binary and the dumps and the data memory are compared. On a difference the seed, the first state that
differs and the instructions before it are printed, found again with a dump after every item.
"""

import argparse
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import generate as gen  # noqa: E402

HERE = Path(__file__).resolve().parent
DATA_WORDS = gen.DATA_BYTES // 8
RECORD_WORDS = gen.RECORD_BYTES // 8
NAMES = [f"x{i}" for i in range(32)] + [f"f{i}" for i in range(32)] + ["fcsr", "mcause", "mepc", "mtval"]


class Difference(Exception):
    pass


def build(program: gen.Program, checkpoints: set[int], folder: Path, records: int) -> tuple[Path, list[int]]:
    code, addresses = gen.link(program, checkpoints)
    (folder / "stream").write_bytes(code)
    (folder / "registers").write_bytes(struct.pack("<64Q", *program.registers))
    (folder / "data").write_bytes(program.data)
    elf = folder / "program.elf"
    subprocess.run(
        ["riscv64-linux-gnu-gcc", "-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany", "-nostdlib", "-static",
         "-fno-pic", "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments", f"-DUSER_MODE={int(program.user_mode)}",
         f'-DSTREAM="{folder}/stream"', f'-DREGISTERS="{folder}/registers"', f'-DRANDOM_DATA="{folder}/data"',
         f"-DDUMP_RECORDS={records}", "-T", HERE / "link.ld", HERE / "frame.S", "-o", elf],
        check=True,
    )  # fmt: skip
    return elf, addresses


def words(signature: Path) -> list[int]:
    halves = [int(line, 16) for line in signature.read_text().split()]
    return [low | high << 32 for low, high in zip(halves[::2], halves[1::2])]


def run_qemu(elf: Path, out: Path) -> list[int]:
    status = subprocess.run(
        ["qemu-system-riscv64", "-M", f"spike,signature={out},signature-granularity=4", "-m", "128M", "-display",
         "none", "-serial", "null", "-monitor", "none", "-bios", "none", "-kernel", elf],
        stdin=subprocess.DEVNULL, timeout=120,
    ).returncode  # fmt: skip
    if status != 0:
        raise SystemExit(f"lockstep: QEMU ended with {status} on {elf}")
    return words(out)


def run_quire(quire: Path, elf: Path, out: Path) -> list[int]:
    status = subprocess.run(
        [quire, "bare", "--ram", "128M", "--max-insns", "50000000", "--signature", out, elf], timeout=120
    ).returncode
    if status != 0:
        raise Difference(f"quire ended with {status}")
    return words(out)


def first_difference(theirs: list[int], ours: list[int]) -> tuple[int, str] | None:
    """(record number or -1 for data memory, text)."""
    if theirs == ours:
        return None
    for at in range(DATA_WORDS, len(theirs)):
        if theirs[at] != ours[at]:
            record, slot = divmod(at - DATA_WORDS, RECORD_WORDS)
            if slot < len(NAMES):
                return record, f"{NAMES[slot]}: QEMU {theirs[at]:#018x}, Quire {ours[at]:#018x}"
    for at in range(DATA_WORDS):
        if theirs[at] != ours[at]:
            return -1, f"memory {gen.DATA + 8 * at:#x}: QEMU {theirs[at]:#018x}, Quire {ours[at]:#018x}"
    return -1, "the signatures differ in length"


def record_mepc(signature: list[int], record: int) -> int:
    return signature[DATA_WORDS + record * RECORD_WORDS + NAMES.index("mepc")]


def disassemble(elf: Path, start: int, stop: int) -> str:
    return subprocess.run(
        ["riscv64-linux-gnu-objdump", "-d", "-M", "no-aliases", "-j", ".stream", f"--start-address={start:#x}", f"--stop-address={stop:#x}", elf],
        capture_output=True, text=True,
    ).stdout  # fmt: skip


def compare(seed: int, length: int, quire: Path, folder: Path, rows: list[gen.Row]) -> tuple[int, int]:
    """Runs one program on both. Returns instructions in its stream and states compared."""
    program = gen.Generator(seed, rows).program(length)
    chooser = random.Random(seed ^ 0x51DE)
    checkpoints = {i for i in range(len(program.items)) if chooser.random() < 0.01}
    elf, _ = build(program, checkpoints, folder, 1024)
    theirs = run_qemu(elf, folder / "qemu.sig")
    ours = run_quire(quire, elf, folder / "quire.sig")
    if first_difference(theirs, ours) is None:
        used = sum(1 for r in range((len(theirs) - DATA_WORDS) // RECORD_WORDS) if record_mepc(theirs, r))
        return program.count, used
    # Again, with a dump after every item.
    every = set(range(len(program.items)))
    elf, _ = build(program, every, folder, 4 * len(program.items))
    theirs = run_qemu(elf, folder / "qemu.sig")
    ours = run_quire(quire, elf, folder / "quire.sig")
    found = first_difference(theirs, ours)
    if found is None:
        raise Difference(f"seed {seed}: differs only without dense checkpoints")
    record, text = found
    listing = ""
    if record >= 0:
        before = record_mepc(theirs, record - 1) if record else gen.CODE
        listing = disassemble(elf, before, max(before, record_mepc(theirs, record)) + 4)
    raise Difference(
        f"seed {seed}, length {length}, {'U' if program.user_mode else 'M'}-mode, state {record}:\n  {text}\n{listing}"
    )


def run(instructions: int, length: int, seed: int, quire: Path, progress=print) -> tuple[int, int]:
    rows = gen.read_table()
    done = states = programs = 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        while done < instructions:
            count, compared = compare(seed + programs, length, quire, Path(folder), rows)
            done += count
            states += compared
            programs += 1
            if programs % 50 == 0:
                progress(f"{done} instructions, {states} states, {time.monotonic() - started:.0f} s")
    progress(f"{programs} programs, {done} instructions, {states} states compared: equal (first seed {seed})")
    return done, states


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instructions", type=int, default=10_000_000)
    parser.add_argument("--length", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    build_dir = Path(os.environ.get("QUIRE_BUILD_DIR", HERE.parents[1] / "build"))
    parser.add_argument("--quire", type=Path, default=build_dir / "quire")
    options = parser.parse_args()
    try:
        run(options.instructions, options.length, options.seed, options.quire, lambda text: print(text, flush=True))
    except Difference as difference:
        print(f"lockstep: {difference}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
