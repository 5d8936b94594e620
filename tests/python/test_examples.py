"""The example scripts, each run outside of the source tree."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
long counter = 40;
int main(void) {
  volatile char *at = malloc(100 * 4096);
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < 100; i++) at[i * 4096] = i;
  *(volatile long *)&counter = 41;
  *(volatile long *)&counter = 42;
  puts("done");
  return 0;
}
"""


@pytest.fixture(scope="module")
def program(compile_c):
    return compile_c(PROGRAM)


@pytest.fixture
def example(tmp_path):
    def run(name, *words):
        done = subprocess.run([sys.executable, EXAMPLES / name, *map(str, words)], capture_output=True, text=True, timeout=120, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_syscall_profile(example, program, tmp_path):
    out = example("syscall_profile.py", program)
    assert "done" in out and "ended with 0" in out and "write " in out
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"]


def test_tlb_curve(example, program):
    rows = [line.split() for line in example("tlb_curve.py", program).splitlines()[1:]]
    misses = [int(row[1]) for row in rows]
    assert [int(row[0]) for row in rows] == [8, 16, 32, 64, 128, 256]
    assert misses == sorted(misses, reverse=True) and misses[0] > misses[-1] + 200, "LRU never has more misses with more entries"


def test_watch_memory(example, program):
    names = subprocess.run(["riscv64-linux-gnu-nm", program], capture_output=True, text=True, check=True).stdout
    address = next(line.split()[0] for line in names.splitlines() if line.endswith(" counter"))
    out = example("watch_memory.py", program, f"0x{address}")
    assert "writes 0x29, 8 bytes" in out and "writes 0x2a, 8 bytes" in out and "2 writes" in out
    assert "there is 0x29" in out, "before the last write stands what the one before it wrote"


@pytest.mark.parametrize("name", ["syscall_profile.py", "tlb_curve.py", "watch_memory.py"])
def test_without_a_program_they_say_what_they_do(name):
    done = subprocess.run([sys.executable, EXAMPLES / name], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "build/python examples/" in done.stderr
