#!/usr/bin/env python3
"""Random privileged programs on `quire bare` and on QEMU: traps, the privilege stack and page tables must be equal.

  priv_lockstep.py [--instructions 1000000] [--length 10000] [--seed 0] [--keep DIR]

Each program records every trap itself (cause, epc, tval and status of M and S, satp, results of loads); both
emulators run the same binary, and the records, the page tables with their A and D bits, and the test pages
are compared. On a difference the seed, the first record that differs and the items around it are printed.
"""

import argparse
import collections
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
import priv_generate as gen  # noqa: E402
from shared import bare  # noqa: E402

HERE = Path(__file__).resolve().parent
RECORDS = 8192
TABLE_WORDS = (gen.TABLES_END - gen.FIXED) // 8
SIGNATURE_WORDS = TABLE_WORDS + RECORDS * gen.RECORD_WORDS
NAMES = "mcause mepc mtval mstatus scause sepc stval satp x10 x11 x12 x13 x14 x15 x8 x9".split()
QEMU_CPU = "rv64,h=off,sstc=on,svinval=on,svnapot=on,svpbmt=on,svadu=on"
# UBE, SBE, MBE and the H extension's bits aside, all of mstatus is compared.


class Difference(Exception):
    pass


def build(program: gen.Program, folder: Path) -> Path:
    (folder / "stream").write_bytes(struct.pack(f"<{len(program.words)}I", *program.words))
    (folder / "tables").write_bytes(program.tables)
    return bare.build(HERE / "priv_frame.S", folder / "program.elf", HERE / "priv_link.ld", f'-DSTREAM="{folder}/stream"',
                      f'-DTABLES="{folder}/tables"', f"-DDUMP_RECORDS={RECORDS}")  # fmt: skip


def words(signature: Path) -> list[int]:
    raw = bytes.fromhex(signature.read_text().replace("\n", ""))
    halves = struct.unpack(f">{len(raw) // 4}I", raw)
    return [low | high << 32 for low, high in zip(halves[::2], halves[1::2])]


def run_qemu(elf: Path, ram: Path) -> list[int]:
    """On the virt board: spike's has neither `time` nor Sstc."""
    status = bare.qemu_virt(elf, ram, ram="128M", cpu=QEMU_CPU, seconds=300)
    if status != 0:
        raise SystemExit(f"priv-lockstep: QEMU ended with {status} on {elf}")
    return list(struct.unpack(f"<{SIGNATURE_WORDS}Q", bare.read_ram(ram, gen.FIXED, 8 * SIGNATURE_WORDS)))


def run_quire(quire: Path, elf: Path, out: Path) -> list[int]:
    command = [quire, "bare", "--ram", "128M", "--max-insns", "50000000", "--signature", out, elf]
    status = subprocess.run(command, timeout=300).returncode
    if status != 0:
        raise Difference(f"quire ended with {status}")
    return words(out)


def records(signature: list[int]) -> list[tuple[int, ...]]:
    found = []
    for at in range(TABLE_WORDS, len(signature) - gen.RECORD_WORDS + 1, gen.RECORD_WORDS):
        record = tuple(signature[at : at + gen.RECORD_WORDS])
        if record[1] == 0 and record[0] == 0:
            break
        found.append(record)
    return found


def first_difference(theirs: list[int], ours: list[int]) -> tuple[int, str] | None:
    """(record number or -1 for tables and pages, text)."""
    if theirs == ours:
        return None
    for number, (a, b) in enumerate(zip(records(theirs), records(ours))):
        if a != b:
            wrong = [f"{n}: QEMU {x:#x}, Quire {y:#x}" for n, x, y in zip(NAMES, a, b) if x != y]
            return number, "\n  ".join(wrong)
    if len(records(theirs)) != len(records(ours)):
        return min(len(records(theirs)), len(records(ours))), "one of them has more records"
    for at in range(TABLE_WORDS):
        if theirs[at] != ours[at]:
            return -1, f"memory {gen.FIXED + 8 * at:#x}: QEMU {theirs[at]:#x}, Quire {ours[at]:#x}"
    return -1, "the signatures differ"


def stream_pc(record: tuple[int, ...]) -> int | None:
    """Index of the stream's word that a record is about; M-mode's epc, or S-mode's where its handler called."""
    for pc in (record[1], record[5]):
        at = pc - gen.STREAM
        if at >= gen.COPY:
            at -= gen.COPY
        if 0 <= at < 0x80000:
            return at // 4
    return None


def explain(program: gen.Program, theirs: list[int], ours: list[int], number: int, elf: Path) -> str:
    """Both records, and the items since the record before, disassembled."""
    found, mine = records(theirs), records(ours)
    end = stream_pc(found[number]) if 0 <= number < len(found) else None
    if end is None:
        return ""
    before = stream_pc(found[number - 1]) if number else 0
    first = before if before is not None and end - 200 < before <= end else max(0, end - 20)
    lines = []
    for start, name in zip(program.starts, program.names):
        if first - 10 <= start <= end + 1:
            lines.append(f"{gen.STREAM + 4 * start:#x} {name}")
    code = subprocess.run(
        ["riscv64-linux-gnu-objdump", "-d", "-M", "no-aliases", "-j", ".stream_s",
         f"--start-address={gen.STREAM + 4 * first:#x}", f"--stop-address={gen.STREAM + 4 * end + 8:#x}", elf],
        capture_output=True, text=True,
    ).stdout  # fmt: skip
    other = mine[number] if number < len(mine) else (0,) * gen.RECORD_WORDS
    shown = "\n".join(f"    {n:8} {a:#20x} {b:#20x}" for n, a, b in zip(NAMES, found[number], other))
    return "items:\n  " + "\n  ".join(lines) + f"\nQEMU's record, Quire's:\n{shown}\n{code}"


def compare(seed: int, length: int, quire: Path, folder: Path) -> tuple[int, collections.Counter]:
    """Runs one program on both. Returns the instructions of its stream, and the traps compared by cause."""
    program = gen.Generator(seed).program(length)
    elf = build(program, folder)
    theirs = run_qemu(elf, folder / "qemu.ram")
    ours = run_quire(quire, elf, folder / "quire.sig")
    found = first_difference(theirs, ours)
    if found is None:
        causes: collections.Counter = collections.Counter()
        for record in records(theirs):
            delegated = record[0] == 9 and stream_pc((0, record[1], 0, 0, 0, 0)) is None
            causes[("S" if delegated else "M", record[4] if delegated else record[0])] += 1
        return len(program.words), causes
    number, text = found
    raise Difference(f"seed {seed}, length {length}, record {number}:\n  {text}\n{explain(program, theirs, ours, number, elf)}")


def cause_name(level: str, cause: int) -> str:
    return f"{level}:{'i' if cause >> 63 else ''}{cause & 0xFF}"


def run(instructions: int, length: int, seed: int, quire: Path, keep: Path | None = None, progress=print):
    done = programs = 0
    causes: collections.Counter = collections.Counter()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        while done < instructions:
            try:
                count, seen = compare(seed + programs, length, quire, folder)
            except Difference:
                if keep:
                    shutil.copytree(folder, keep, dirs_exist_ok=True)
                raise
            done += count
            causes += seen
            programs += 1
            if programs % 20 == 0:
                progress(f"{done} instructions, {sum(causes.values())} traps, {time.monotonic() - started:.0f} s")
    progress(f"{programs} programs, {done} instructions, {sum(causes.values())} traps compared: equal (first seed {seed})")
    progress("traps by level and cause: " + " ".join(f"{cause_name(*key)}={n}" for key, n in sorted(causes.items())))
    return done, causes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instructions", type=int, default=1_000_000)
    parser.add_argument("--length", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the program and the signatures that differ")
    build_dir = Path(os.environ.get("QUIRE_BUILD_DIR", HERE.parents[1] / "build"))
    parser.add_argument("--quire", type=Path, default=build_dir / "quire")
    options = parser.parse_args()
    try:
        run(options.instructions, options.length, options.seed, options.quire, options.keep,
            lambda text: print(text, flush=True))  # fmt: skip
    except Difference as difference:
        print(f"priv-lockstep: {difference}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
