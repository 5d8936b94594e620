"""Moments by what triggers them, held to programs in which they are known; and what cannot be triggered."""

import gc
import subprocess
import threading
import time

import pytest
import quire
from quire import fi

PROGRAM = r"""
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
volatile long word = 5, other;
int main(void) {
  register long counter asm("s2") = 0;
  asm volatile(".globl rounds\nrounds: addi s2, s2, 1\n  li t0, 10\n  .globl back\nback: bne s2, t0, rounds\n"
               : "+r"(counter) : : "t0");
  word = 6;
  asm volatile("nop");
  other = word;
  char *memory = mmap(0, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 4; i++) memory[i * 4096] = 1;
  usleep(100);
  write(1, "a", 1);
  write(1, "b", 1);
  write(1, "c", 1);
  _exit(0);
}
"""


def symbol(program, name):
    lines = subprocess.run(["riscv64-linux-gnu-nm", program], capture_output=True, text=True, check=True).stdout.splitlines()
    return next(int(line.split()[0], 16) for line in lines if line.split()[-1] == name)


@pytest.fixture(scope="module")
def started(compile_c):
    program = compile_c(PROGRAM)
    with quire.Machine.supervisor(seed=1) as machine:
        process = machine.spawn([program])
        yield machine, process, program, machine.snapshot()


@pytest.fixture
def moments(started, tmp_path):
    """moments(trigger): the machine's pc, privilege, s2 and stdout at each of its moments."""
    machine, process, _, start = started

    def find(trigger):
        machine.restore(start)
        with fi.Campaign.plan(tmp_path / f"{len(list(tmp_path.iterdir()))}.db", machine, process, fi.Space("skip", trigger)) as campaign:
            insns = [i.insns for i in campaign]
        seen = []
        for count in insns:
            machine.restore(start)
            machine.run_to(icount=start.icount + count)
            seen.append((machine.harts[0].pc, machine.harts[0].priv, machine.harts[0].x.s2, machine.stdout.getvalue()))
        machine.restore(start)
        return seen

    return find


def test_a_pc_each_time_and_the_hit_that_is_asked_for(started, moments):
    rounds = symbol(started[2], "rounds")
    assert [(pc, priv, s2) for pc, priv, s2, _ in moments(fi.at_pc(rounds))] == [(rounds, "u", n) for n in range(10)]
    assert [s2 for _, _, s2, _ in moments(fi.at_pc(rounds, hit=[3, -1]))] == [2, 9]
    back = symbol(started[2], "back")
    assert [s2 for _, _, s2, _ in moments(fi.at_pc(rounds, back, hit=range(1, 5)))] == [0, 1, 1, 2]


def test_memory_that_is_read_or_written(started, moments):
    machine, process, program, start = started
    word = symbol(program, "word")
    assert len(moments(fi.at_access(word, 8, "w"))) == 1
    assert len(moments(fi.at_access(word, 8, "r"))) == 1
    assert len(moments(fi.at_access(word + 7, 1, "rw"))) == 2
    # Before the read: a flip there is what the program sees. After the write: likewise, and not overwritten.
    for access in ("r", "w"):
        machine.restore(start)
        (moment,) = _insns(started, fi.at_access(word, 8, access))
        machine.run_to(icount=start.icount + moment)
        assert process.virt.u64(word) == 6
        machine.restore(start)
        machine.run_to(icount=start.icount + moment - (access == "w"))
        assert process.virt.u64(word) == (5 if access == "w" else 6)
    machine.restore(start)


def _insns(started, trigger):
    import tempfile

    machine, process, _, start = started
    machine.restore(start)
    with tempfile.TemporaryDirectory() as folder, fi.Campaign.plan(folder + "/m.db", machine, process, fi.Space("skip", trigger)) as campaign:
        return [i.insns for i in campaign]


def test_the_nth_system_call_fault_and_switch_of_the_process(started, moments):
    writes = moments(fi.at_syscall(nr="write"))
    assert [out for *_, out in writes] == [b"", b"a", b"ab"]
    assert [priv for _, priv, *_ in writes] == ["s"] * 3
    assert moments(fi.at_syscall(nr="write", nth=2)) == writes[1:2]
    assert moments(fi.at_syscall(nr="write", nth=-1)) == writes[2:]
    faults = _insns(started, fi.at_fault())
    assert len(faults) >= 4 and _insns(started, fi.at_fault(nth=2)) == [faults[1]]
    switches = _insns(started, fi.at_switch())
    assert switches and _insns(started, fi.at_switch(nth=1)) == switches[:1]


def test_a_predicate_is_asked_while_planning(started, moments):
    rounds = symbol(started[2], "rounds")
    odd = fi.where(fi.at_pc(rounds), lambda machine: machine.harts[0].x.s2 % 2 == 1)
    assert [s2 for _, _, s2, _ in moments(odd)] == [1, 3, 5, 7, 9]
    late = fi.where(fi.every(50), lambda machine: machine.stdout.getvalue() == b"ab", nth=1)
    assert [out for *_, out in moments(late)] == [b"ab"]


def test_every_so_many_instructions(started):
    assert _insns(started, fi.every(100_000, first=7))[0] == 7
    assert all(n % 1000 == 0 for n in _insns(started, fi.every(1000)))


@pytest.mark.parametrize(("trigger", "named"), [
    (lambda: fi.at_pc(0x123), "no instruction at 0x123"),
    (lambda: fi.at_pc(), "takes addresses"),
    (lambda: fi.at_pc(1 << 64), "address=18446744073709551616"),
    (lambda: fi.at_access(0x123, 8), "no access 'rw' to 8 bytes at 0x123"),
    (lambda: fi.at_access(0, 8, "x"), "is not 'r', 'w' or 'rw'"),
    (lambda: fi.at_access(0, 0), "no range of memory"),
    (lambda: fi.at_syscall(nr="write", nth=4), "number 4: it has 3, counted from 1"),
    (lambda: fi.at_syscall(nr="write", nth=0), "number 0"),
    (lambda: fi.at_syscall(nr="fork2"), "is not a name"),
    (lambda: fi.at_fault(kind="anonymous"), "there are spurious, zero_page, anon,"),
    (lambda: fi.at_events("fork"), "no event fork"),
    (lambda: fi.at_events("nosuch"), "nosuch"),
    (lambda: fi.where(fi.at_syscall(nth=1), lambda machine: False), "predicate is true"),
    (lambda: fi.every(0), "is 1 or more"),
    (lambda: fi.every(5, first=10**12), "is not one of the run's"),
    (lambda: fi.at_icounts([-1]), "is not one of the run's"),
])
def test_what_never_happens_is_no_moment(started, trigger, named):
    with pytest.raises(quire.UsageError, match=named):
        _insns(started, trigger())
    assert started[0].icount == started[3].icount


BUSY = """
    .globl _start
_start:
    addi a0, a0, 1
    sd a0, 0(sp)
    j _start
"""


def test_what_observes_a_machine_may_be_let_go_while_it_runs(link_bare):
    """It looks on to the end of that run, and no longer: the machine is another thread's until then."""
    with quire.Machine.bare(link_bare(BUSY), ram="16M") as m:
        m.harts[0].x.sp = 0x8010_0000
        held = [m._guest.probe_liveness([("x", 10, 1 << 40)]), m._guest.find_moments([0x8000_0000], [(0x8010_0000, 8, "w")], None)]
        thread = threading.Thread(target=m.run)
        thread.start()
        while not m._guest.running:
            time.sleep(0.001)
        held.clear()
        gc.collect()
        m.stop()
        thread.join()
        before = time.process_time()
        m.run(max_insns=10_000_000)
        assert time.process_time() - before < 1, "nobody looks at each instruction any more"
