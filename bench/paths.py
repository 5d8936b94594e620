#!/usr/bin/env python3
"""Path lengths of the supervisor and of Linux on the same board: instructions for a fault, a fork, a pipe round trip.

bench/paths/paths.c, one static program, runs under `quire run` and as a program of Debian's kernel under `quire boot`.
Instructions, so no host's noise: the figures of two runs are the same. Linux maps with three levels of tables (no4lvl),
as the supervisor does.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QUIRE_CACHE_DIR", str(ROOT / ".cache"))

from tests.boot import debian  # noqa: E402
from tests.boot.cpio import Archive  # noqa: E402

CC = ["riscv64-linux-gnu-gcc", "-O2", "-std=gnu17", "-Wall", "-Werror", "-static"]
INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t tmpfs tmp /tmp
/bin/busybox cp /bin/exec_chain /tmp/exec_chain
/bin/paths /tmp/exec_chain /tmp/scratch
/bin/busybox poweroff -f
"""
BEGIN_SECONDS = 600  # for a boot on a busy host


def compile_programs(out: Path):
    folder = ROOT / "bench/paths"
    subprocess.run([*CC, folder / "paths.c", "-o", out / "paths"], check=True)
    subprocess.run([*CC, "-nostdlib", "-ffreestanding", folder / "exec_chain.c", "-o", out / "exec_chain"], check=True)
    return out / "paths", out / "exec_chain"


def parse(text: str) -> dict[str, float]:
    lines = (line.strip().split("\t") for line in text.splitlines() if "\t" in line)
    return {name: float(figure) for name, figure in lines}


def on_supervisor(quire: Path, paths: Path, chain: Path) -> dict[str, float]:
    done = subprocess.run(
        [quire, "run", "--check", "--file", f"{chain}:/tmp/exec_chain", paths, "/tmp/exec_chain", "/tmp/scratch"],
        check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return parse(done.stdout)


def on_linux(quire: Path, paths: Path, chain: Path, out: Path) -> dict[str, float]:
    archive = Archive().copy(debian.busybox(), "bin/busybox").node("dev/console", 5, 1)
    for folder in ("proc", "tmp"):
        archive.directory(folder)
    archive.copy(paths, "bin/paths").copy(chain, "bin/exec_chain").file("init", INIT, 0o755)
    (out / "initrd").write_bytes(archive.to_bytes())
    done = subprocess.run(
        [quire, "boot", "--ram", "256M", "--kernel", debian.kernel(), "--initrd", out / "initrd",
         "--append", "console=ttyS0 no4lvl quiet"],
        check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=BEGIN_SECONDS,
    )  # fmt: skip
    return parse(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    options = parser.parse_args()
    quire = options.build / "quire"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        programs = compile_programs(out)
        ours, linux = on_supervisor(quire, *programs), on_linux(quire, *programs, out)
    if list(ours) != list(linux):
        raise SystemExit(f"bench: the two did not measure the same: {sorted(set(ours) ^ set(linux))}")
    print(f"{'instructions for':36} {'supervisor':>11} {'Linux':>9} {'ratio':>6}")
    for name, figure in ours.items():
        print(f"{name:36} {figure:11.0f} {linux[name]:9.0f} {figure / linux[name]:6.2f}")
    if any(figure > linux[name] for name, figure in ours.items()):
        raise SystemExit("bench: the supervisor's path is the longer one somewhere")


if __name__ == "__main__":
    main()
