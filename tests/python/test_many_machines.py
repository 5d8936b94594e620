"""Machines side by side, one after the other, and with little to hold: what they leave behind."""

import ctypes
import gc
import os
import threading
import time
from pathlib import Path

import pytest
import quire

from .conftest import SANITIZED
from .test_hooks import SOURCE

BUSY = """
    .globl _start
_start:
    addi a0, a0, 1
    xor a1, a1, a0
    add a2, a2, a1
    j _start
"""


@pytest.fixture(scope="module")
def program(link_bare):
    return link_bare(SOURCE)


def resident_bytes():
    """Without what was given back to malloc(), which keeps up to 70 MiB here, more or less as it comes."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_thousand_machines_leave_nothing(program):
    def one(i):
        m = quire.Machine.bare(program, ram="16M")
        m.on.insn("loop")(lambda e: m.icount)  # a cycle: the machine holds what holds it
        events = m.record("insn")
        m.run(max_insns=500)
        snapshot = m.snapshot()
        m.console.send("x")
        assert len(events) == 500 and snapshot.icount == 500
        if i % 2:
            m.close()

    for i in range(100):
        one(i)
    before, files, threads = resident_bytes(), len(os.listdir("/proc/self/fd")), threading.active_count()
    maps = len(Path("/proc/self/maps").read_text().splitlines())
    for i in range(1000):
        one(i)
    after = resident_bytes()
    assert len(os.listdir("/proc/self/fd")) == files and threading.active_count() == threads
    # A mapping left by every other machine would be 500. AddressSanitizer has some dozens of its own, and keeps
    # what was freed in a quarantine of 256 MiB.
    quarantine = 256 << 20 if SANITIZED else 0
    assert len(Path("/proc/self/maps").read_text().splitlines()) < maps + 250
    assert after < before + (4 << 20) + quarantine, "1,000 machines of 16 MiB"


def test_two_machines_in_two_threads_run_at_once(link_bare):
    """Both advance while the other does: neither waits for the other's run() to end, as under one lock."""
    program = link_bare(BUSY)
    with quire.Machine.bare(program, ram="16M") as a, quire.Machine.bare(program, ram="16M") as b:
        spans = {}

        def run(m):
            begin = time.monotonic()
            m.run(timeout=1.0)
            spans[m] = (begin, time.monotonic(), m.icount)

        threads = [threading.Thread(target=run, args=(m,)) for m in (a, b)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        overlap = min(span[1] for span in spans.values()) - max(span[0] for span in spans.values())
        assert overlap > 0.5 and all(span[2] > 100_000 for span in spans.values())


def test_callbacks_of_one_machine_let_another_thread_run(link_bare):
    program = link_bare(BUSY)
    with quire.Machine.bare(program, ram="16M") as m:
        turns = 0
        done = threading.Event()

        class Enough(Exception):
            pass

        def count():
            nonlocal turns
            while not done.is_set():
                turns += 1
                time.sleep(0.001)

        other = threading.Thread(target=count)

        def until_the_other_had_turns(e):
            if turns > 5:
                raise Enough

        m.on.insn("_start")(until_the_other_had_turns)
        other.start()
        with pytest.raises(Enough):
            m.run(timeout=60)
        done.set()
        other.join()


def test_a_callback_may_run_another_machine(program):
    with quire.Machine.bare(program, ram="16M") as outer, quire.Machine.bare(program, ram="16M") as inner:
        @outer.on.mem_write("tohost")
        def at(e):
            inner.run()

        outer.run()
        assert inner.icount == outer.icount and inner.digest == outer.digest
        assert at.hits == 1
