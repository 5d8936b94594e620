#!/usr/bin/env python3
"""How fast Python looks into a machine: callbacks, registers, recordings, memory; beside Unicorn in the same run.

Run it with build/python (or any Python that has quire). Figures are of CPU seconds of this process, so that other
work on the host counts little; the median of --repeat runs. The goals stand beside them.
"""

import argparse
import json
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import quire

RAM = 0x8000_0000
MIB = 1 << 20
# Counts down in a1; stores, loads and four more instructions a round.
SOURCE = """
    .globl _start, loop, word
_start:
    la t1, word
loop:
    addi a1, a1, -1
    sd a1, 0(t1)
    ld a2, 0(t1)
    add a3, a3, a2
    xor a4, a4, a3
    bnez a1, loop
    la t1, tohost
    li t0, 1
    sd t0, 0(t1)
1:  j 1b
    .data
    .balign 4096
word: .dword 0
    .section .tohost, "aw", @progbits
    .balign 4096
    .globl tohost
tohost: .dword 0
"""
SCRIPT = "OUTPUT_ARCH(riscv) ENTRY(_start) SECTIONS { . = 0x80000000; .text : { *(.text*) } .data : { *(.data*) } .tohost : { *(.tohost) } }"
ROUND_INSNS = 6


def build(out):
    (out / "link.ld").write_text(SCRIPT)
    (out / "loop.S").write_text(SOURCE)
    subprocess.run(["riscv64-linux-gnu-gcc", "-nostdlib", "-static", "-fno-pic", "-march=rv64gc", "-mno-relax",
                    "-Wl,--build-id=none", "-T", out / "link.ld", out / "loop.S", "-o", out / "loop"], check=True)
    return out / "loop"


def cpu(work):
    begin = time.process_time()
    work()
    return time.process_time() - begin


class Machine:
    """Quire's, made anew for each figure, before its loop of so many rounds."""

    def __init__(self, elf, rounds, engine):
        self.m = quire.Machine.bare(elf, ram="256M", engine=engine)
        self.m.harts[0].x.a1 = rounds

    def __enter__(self):
        return self.m

    def __exit__(self, *_):
        self.m.close()


def quire_rates(elf, engine):
    def callbacks(kind, rounds=300_000):
        with Machine(elf, rounds, engine) as m:
            hook = {"insn": lambda: m.on.insn("loop"), "write": lambda: m.on.mem_write("word")}[kind]()(lambda e: None)
            took = cpu(m.run)
            assert hook.hits == rounds
            return rounds / took

    def registers(count=300_000):
        with Machine(elf, 1, engine) as m:
            x = m.harts[0].x

            def work():
                for _ in range(count):
                    x.a1  # noqa: B018

            return count / cpu(work)

    def recorded(kind, rounds, again=False):
        """With `again`, into memory that a recording before has touched."""
        with Machine(elf, 2 * rounds, engine) as m:
            r = m.record(kind)
            if again:
                m.run(max_insns=rounds * ROUND_INSNS)
                r.clear()
            took = cpu(lambda: m.run(max_insns=rounds * ROUND_INSNS))
            assert len(r) >= rounds - 1
            return len(r) / took

    def plain(rounds, arm):
        with Machine(elf, rounds, engine) as m:
            if arm:
                m.on.insn(RAM + 0x800)(print)
                m.on.mem_write(RAM + 0x10_0000)(print)
            return cpu(m.run)

    def side_by_side(insns=600_000_000):
        """Of the clock, not of the processor: how much more two threads do with a machine each than one."""
        def took(number):
            machines = [Machine(elf, 1 << 60, engine).m for _ in range(number)]
            threads = [threading.Thread(target=m.run, kwargs={"max_insns": insns}) for m in machines]
            begin = time.monotonic()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            took = time.monotonic() - begin
            for m in machines:
                m.close()
            return took

        return 2 * min(took(1) for _ in range(3)) / min(took(2) for _ in range(3))

    def memory(how):
        with Machine(elf, 1, engine) as m:
            m.phys.read(RAM, 64 * MIB)  # the pages are there
            return cpu((lambda: m.phys.read(RAM, 64 * MIB)) if how == "bytes" else (lambda: m.phys.view("u8", RAM, RAM + 64 * MIB)))

    rounds = 20_000_000
    return {
        "callbacks on an instruction, a second": lambda: callbacks("insn"),
        "callbacks on a write, a second": lambda: callbacks("write"),
        "register reads a second": registers,
        "recorded instructions a second": lambda: recorded("insn", 3_000_000),
        "the same, in memory used before": lambda: recorded("insn", 3_000_000, again=True),
        "recorded accesses a second": lambda: recorded("mem_access", 3_000_000),
        "the same accesses, in memory used before": lambda: recorded("mem_access", 3_000_000, again=True),
        "hooks that are not hit, slower by": lambda: min(plain(rounds, True) for _ in range(3)) / min(plain(rounds, False) for _ in range(3)) - 1,
        "two machines in two threads, times one": side_by_side,
        "64 MiB as bytes, ms": lambda: memory("bytes") * 1e3,
        "64 MiB as a view, ms": lambda: memory("view") * 1e3,
    }


def unicorn_rates(elf):
    try:
        import unicorn
        from unicorn import riscv_const as reg
    except ImportError:
        return {}

    data = elf.read_bytes()
    offset, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    with quire.Machine.bare(elf) as m:
        loop, word = m.symbol("loop"), m.symbol("word")

    def make(rounds):
        uc = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64)
        uc.mem_map(RAM, 256 * MIB)
        for i in range(count):
            kind, _, at, va, _, length = struct.unpack_from("<IIQQQQ", data, offset + i * size)
            if kind == 1 and length:
                uc.mem_write(va, data[at:at + length])
        uc.reg_write(reg.UC_RISCV_REG_A1, rounds)
        return uc

    def run(uc, rounds):
        uc.emu_start(RAM, 0, count=rounds * ROUND_INSNS)

    def callbacks(kind, rounds=100_000):
        uc, hits = make(rounds), [0]

        def hit(*_):
            hits[0] += 1

        if kind == "insn":
            uc.hook_add(unicorn.UC_HOOK_CODE, hit, begin=loop, end=loop)
        else:
            uc.hook_add(unicorn.UC_HOOK_MEM_WRITE, hit, begin=word, end=word + 7)
        took = cpu(lambda: run(uc, rounds))
        return hits[0] / took

    def registers(reads=300_000):
        uc = make(1)

        def work():
            for _ in range(reads):
                uc.reg_read(reg.UC_RISCV_REG_A1)

        return reads / cpu(work)

    def memory():
        uc = make(1)
        uc.mem_read(RAM, 64 * MIB)
        return cpu(lambda: uc.mem_read(RAM, 64 * MIB)) * 1e3

    def recorded(rounds=50_000):
        """Unicorn has no recorder: a callback that appends."""
        uc, seen = make(rounds), []
        uc.hook_add(unicorn.UC_HOOK_CODE, lambda _, pc, length, user: seen.append(pc))
        took = cpu(lambda: run(uc, rounds))
        return len(seen) / took

    return {"callbacks on an instruction, a second": lambda: callbacks("insn"),
            "callbacks on a write, a second": lambda: callbacks("write"),
            "register reads a second": registers,
            "recorded instructions a second": recorded,
            "64 MiB as bytes, ms": memory}


GOALS = {"callbacks on an instruction, a second": "2 million", "recorded instructions a second": "50 million",
         "recorded accesses a second": "50 million",
         "hooks that are not hit, slower by": "under 5%", "two machines in two threads, times one": "near 2"}


def shown(name, value):
    if value is None:
        return "-"
    if "slower" in name:
        return f"{value:+.1%}"
    if "times one" in name:
        return f"{value:.2f}"
    return f"{value:.3f}" if name.endswith("ms") else f"{value / 1e6:.2f} M"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--engine", default="")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        elf = build(Path(folder))
        ours, theirs = quire_rates(elf, options.engine), unicorn_rates(elf)
        rows = []
        print(f"{'':42}{'quire':>12}{'unicorn':>12}{'goal':>14}")
        for name, measure in ours.items():
            values = [statistics.median(f() for _ in range(options.repeat)) if f else None for f in (measure, theirs.get(name))]
            rows.append({"figure": name, "quire": values[0], "unicorn": values[1]})
            print(f"{name:42}{shown(name, values[0]):>12}{shown(name, values[1]):>12}{GOALS.get(name, ''):>14}", flush=True)
    if not theirs:
        print("Unicorn is not installed (Debian: python3-unicorn)", file=sys.stderr)
    if options.json:
        Path(options.json).write_text(json.dumps({"figures": rows, "version": quire.__version__, "repeat": options.repeat}, indent=1) + "\n")


if __name__ == "__main__":
    main()
