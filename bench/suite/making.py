"""Builds the suite for riscv64 and for the host, and the initial RAM disk that Linux runs it from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
os.environ.setdefault("QUIRE_CACHE_DIR", str(ROOT / ".cache"))

from tests.boot import debian  # noqa: E402
from tests.boot.cpio import Archive  # noqa: E402

# Contracted to fused operations where the processor has them, sums would not be the same on all.
FLAGS = "-O2 -Wall -Wextra -Werror -ffp-contract=off -fno-math-errno".split()
RISCV = "riscv64-linux-gnu-"

INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t tmpfs tmp /tmp
/bin/busybox stty -echo
/bin/bench serve
/bin/busybox poweroff -f
"""


class Missing(Exception):
    """What is needed and not there, and what to do about it."""


def run_compiler(words: list[str | Path]) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except FileNotFoundError:
        raise Missing(f"no compiler '{words[0]}'; './x setup bench' installs it") from None
    if done.returncode != 0:
        raise Missing(f"'{words[0]}' cannot build the suite: {done.stderr.strip()}")


def compile_suite(prefix: str, out: Path) -> Path:
    """One static executable with all programs; `prefix` is the compiler's, '' the host's."""
    folder = out / (prefix or "native-")
    folder.mkdir()
    objects = []
    for source in sorted((HERE / "programs").glob("*.c*")):
        compiler, standard = ("gcc", "gnu17") if source.suffix == ".c" else ("g++", "gnu++20")
        target = folder / f"{source.stem}.o"
        run_compiler([prefix + compiler, *FLAGS, f"-std={standard}", "-c", source, "-o", target])
        objects.append(target)
    binary = folder / "bench"
    run_compiler([prefix + "g++", "-static", "-s", *objects, "-lm", "-o", binary])
    return binary


def initial_ram_disk(bench: Path) -> bytes:
    archive = Archive().copy(debian.busybox(), "bin/busybox").node("dev/console", 5, 1)
    for folder in ("proc", "tmp"):
        archive.directory(folder)
    return archive.copy(bench, "bin/bench").file("init", INIT, 0o755).to_bytes()


def host_busybox() -> Path:
    """Debian's for this machine, so that the shell is the same everywhere."""
    subprocess.run([ROOT / "tools/fetch-debian", debian.SUITE, "amd64", debian.CACHE, "busybox-static"], check=True)
    return debian.CACHE / f"{debian.SUITE}-amd64" / "busybox-static/usr/bin/busybox"
