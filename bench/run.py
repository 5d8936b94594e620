#!/usr/bin/env python3
"""Measures Quire beside the peers that are installed, in one run, and gives ratios.

Each program of bench/programs is a bare-metal RV64GC binary that runs unchanged on `quire bare`,
`qemu-system-riscv64 -M spike` and Unicorn. Figures are host CPU seconds (user + system), less those
of the same program with no rounds, so start-up does not count; the median of --repeat runs.
MIPS use the instruction count that Quire reports.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = {"integer": 8000, "memory": 5, "float": 5000}
CC = "riscv64-linux-gnu-gcc"
FLAGS = "-march=rv64gc -mabi=lp64d -mcmodel=medany -O2 -ffreestanding -nostdlib -static -fno-pic".split()


def compile_program(name: str, rounds: int, out: Path) -> Path:
    elf = out / f"{name}-{rounds}.elf"
    sources = [str(HERE / "programs" / "start.S"), str(HERE / "programs" / f"{name}.c")]
    subprocess.run(
        [CC, *FLAGS, f"-DROUNDS={rounds}", "-Wl,--build-id=none", "-T", str(HERE / "programs" / "link.ld"),
         *sources, "-o", str(elf)],
        check=True,
    )  # fmt: skip
    return elf


def cpu_seconds(command: list[str]) -> float:
    """CPU time of a finished child; it must exit with 0."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"bench: {' '.join(command)} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime


class Quire:
    def __init__(self, build: Path, engine: str):
        self.command = build / "quire"
        self.engine = engine
        self.name = f"quire {engine}"

    def seconds(self, elf: Path) -> float:
        return cpu_seconds([str(self.command), "bare", "--engine", self.engine, "--ram", "256M", str(elf)])

    def instructions(self, elf: Path, out: Path) -> int:
        report = out / "report.json"
        subprocess.run([str(self.command), "bare", "--ram", "256M", f"--json={report}", str(elf)], check=True)
        return json.loads(report.read_text())["icount"]


class Qemu:
    name = "qemu"
    program = "qemu-system-riscv64"

    def seconds(self, elf: Path) -> float:
        return cpu_seconds(
            [self.program, "-M", "spike", "-m", "256M", "-display", "none", "-serial", "null", "-monitor", "none",
             "-bios", "none", "-kernel", str(elf)]
        )  # fmt: skip


class Unicorn:
    name = "unicorn"

    def seconds(self, elf: Path) -> float:
        import unicorn

        image = elf.read_bytes()
        machine = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64)
        machine.mem_map(0x80000000, 256 << 20)
        entry, ph_offset, sh_offset = struct.unpack_from("<QQQ", image, 24)
        ph_size, ph_count, sh_size, sh_count = struct.unpack_from("<HHHH", image, 54)
        for i in range(ph_count):
            kind, _, offset, _, address, length, _, _ = struct.unpack_from("<IIQQQQQQ", image, ph_offset + i * ph_size)
            if kind == 1 and length:
                machine.mem_write(address, image[offset : offset + length])
        end = symbol(image, sh_offset, sh_size, sh_count, b"finished")
        before = time.process_time()
        machine.emu_start(entry, end)
        return time.process_time() - before


def symbol(image: bytes, sh_offset: int, sh_size: int, sh_count: int, wanted: bytes) -> int:
    sections = [struct.unpack_from("<IIQQQQIIQQ", image, sh_offset + i * sh_size) for i in range(sh_count)]
    for section in sections:
        if section[1] == 2:  # SHT_SYMTAB
            strings = sections[section[6]][4]
            for at in range(section[4], section[4] + section[5], 24):
                name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", image, at)
                start = strings + name
                if image[start : image.index(b"\0", start)] == wanted:
                    return value
    raise SystemExit(f"bench: no symbol {wanted.decode()}")


def has_engine(build: Path, engine: str) -> bool:
    """Asked of a run that fails otherwise for its program alone."""
    done = subprocess.run([build / "quire", "bare", "--engine", engine, "/nonexistent"], capture_output=True, text=True)
    return done.returncode == 3 and "translator" not in done.stderr


def peers() -> list:
    found = []
    if shutil.which(Qemu.program):
        found.append(Qemu())
    try:
        import unicorn  # noqa: F401

        found.append(Unicorn())
    except ImportError:
        pass
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"programs: {', '.join(PROGRAMS)} (default: all)")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--engine", default="auto", metavar="SPEC", help="whose figures the others are compared with: interp, jit "
                        "with its settings, or auto (default), which is jit where the host allows it")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write every figure here")
    options = parser.parse_args()
    if options.engine == "auto":
        options.engine = "jit" if has_engine(options.build, "jit") else "interp"
    for name in options.names:
        if name not in PROGRAMS:
            parser.error(f"no program is called '{name}'; there are {', '.join(PROGRAMS)}")

    quire = Quire(options.build, options.engine)
    other = "jit" if options.engine == "interp" else "interp"
    runners = [quire, *([Quire(options.build, other)] if has_engine(options.build, other) else []), *peers()]
    print(f"host: {platform.machine()}, {os.cpu_count()} CPUs; CPU seconds, median of {options.repeat}")
    print(f"{'program':10} {'runner':12} {'seconds':>9} {'MIPS':>8} {quire.name + ' is':>16}")
    report = []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for name in options.names or PROGRAMS:
            empty, full = compile_program(name, 0, out), compile_program(name, PROGRAMS[name], out)
            count = quire.instructions(full, out) - quire.instructions(empty, out)
            base = None
            for runner in runners:
                spent = [runner.seconds(full) - runner.seconds(empty) for _ in range(options.repeat)]
                seconds = statistics.median(spent)
                base = base or seconds
                mips = count / seconds / 1e6
                ratio = "" if runner is quire else f"{seconds / base:9.2f}x"
                print(f"{name:10} {runner.name:12} {seconds:9.3f} {mips:8.0f} {ratio:>16}", flush=True)
                report.append(
                    {"program": name, "runner": runner.name, "seconds": spent, "instructions": count, "mips": mips}
                )
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
