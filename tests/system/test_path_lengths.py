"""The supervisor's paths are no longer than Linux's on the same board (bench/paths.py measures both)."""

import subprocess

import pytest
from .conftest import ROOT

# Debian trixie's 6.12.117, 256 MiB, no4lvl, under quire boot: instructions.
LINUX = {
    "null system call": 428,
    "anonymous fault, write": 3673,
    "anonymous fault, read": 1254,
    "file fault, one page in 16": 9839,
    "file mapping read through, a page": 621,
    "file fault, shared write": 2427,
    "file fault, private write": 5242,
    "copy-on-write fault": 5078,
    "fork + exit + wait": 312636,
    "execve (static)": 195900,
    "fork + execve + exit + wait": 509593,
    "mmap + munmap": 27898,
    "mmap + touch + munmap": 36437,
    "mmap + munmap of a file": 28471,
    "mprotect, splits and merges": 17167,
    "pipe round trip": 27222,
    "context switch (sched_yield)": 3038,
    "pread of 4 KiB": 2918,
    "open + close": 8183,
}


@pytest.fixture(scope="module")
def figures(quire, tmp_path_factory):
    out = tmp_path_factory.mktemp("paths")
    compiler = ["riscv64-linux-gnu-gcc", "-O2", "-std=gnu17", "-Wall", "-Werror", "-static"]
    subprocess.run([*compiler, ROOT / "bench/paths/paths.c", "-o", out / "paths"], check=True)
    subprocess.run([*compiler, "-nostdlib", "-ffreestanding", ROOT / "bench/paths/exec_chain.c", "-o", out / "exec_chain"],
                   check=True)  # fmt: skip
    done = subprocess.run(
        [quire, "run", "--check", "--file", f"{out}/exec_chain:/tmp/exec_chain", out / "paths", "/tmp/exec_chain",
         "/tmp/scratch"],
        check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return {name: float(figure) for name, figure in (line.split("\t") for line in done.stdout.splitlines())}


def test_each_operation_is_measured(figures):
    assert list(figures) == list(LINUX)


@pytest.mark.parametrize("name", LINUX)
def test_no_path_is_longer_than_that_of_linux(name, figures):
    assert 0 < figures[name] <= LINUX[name]
