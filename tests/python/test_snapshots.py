"""Snapshots: back to them, over to another machine, into files; and backwards by playing again."""

import gc
import os
import weakref

import pytest
import quire

LOOP = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) {
  unsigned long seed = 1;
  char *all = malloc(4 << 20);
  for (int round = 0; round < 40; round++) {
    for (int i = 0; i < 1000; i++) {
      seed = seed * 6364136223846793005UL + 1442695040888963407UL;
      all[(seed >> 20) % (4 << 20)] ^= seed >> 60;
    }
    printf("%d %lx\\n", round, seed);
    fflush(stdout);
  }
}
"""

ECHO = """
#include <stdio.h>
int main(void) {
  char line[100];
  int n = 0;
  while (fgets(line, sizeof line, stdin)) printf("%d: %s", ++n, line), fflush(stdout);
  printf("end after %d\\n", n);
}
"""


@pytest.fixture
def machine():
    with quire.Machine.supervisor(seed=3) as m:
        yield m


def test_restored_twenty_times_it_ends_the_same(machine, compile_c):
    p = machine.spawn([compile_c(LOOP)])
    machine.run(max_insns=500_000)
    start = machine.snapshot()
    assert start.digest == machine.digest
    assert machine.run(until=p.exited).reason == "until"
    end = (machine.icount, machine.digest, machine.stdout.getvalue(), machine.stats)
    for cut in range(20):
        machine.restore(start)
        assert (machine.icount, machine.digest) == (start.icount, start.digest)
        machine.run(max_insns=10_000 * cut)
        machine.run(until=p.exited)
        assert (machine.icount, machine.digest, machine.stdout.getvalue(), machine.stats) == end


def test_another_process_goes_on_from_the_file(machine, compile_c, tmp_path):
    p = machine.spawn([compile_c(LOOP)])
    machine.run(max_insns=500_000)
    machine.snapshot().save(tmp_path / "middle.qs")
    machine.run(until=p.exited)
    script = (
        "import quire, sys\n"
        "m = quire.Machine.supervisor(seed=3)\n"
        "m.restore(quire.Snapshot.load(sys.argv[1]))\n"
        "p = m.process(int(sys.argv[2]))\n"
        "m.run(until=p.exited)\n"
        "print(m.icount, m.digest, m.stdout.text.splitlines()[-1], p.returncode)\n"
    )
    import subprocess
    import sys

    out = subprocess.run([sys.executable, "-c", script, str(tmp_path / "middle.qs"), str(p.pid)], text=True,
                         capture_output=True, check=True).stdout
    last = machine.stdout.text.splitlines()[-1]
    assert out.strip() == f"{machine.icount} {machine.digest} {last} 0"


def test_processes_and_output_are_those_of_the_moment(machine, compile_c):
    before = machine.snapshot()
    p = machine.spawn([compile_c(LOOP)])
    machine.run(until=p.exited)
    assert len(machine.stdout.text.splitlines()) == 40
    after = machine.snapshot()
    machine.restore(before)
    assert machine.stdout.text == ""
    assert p.pid not in machine.processes
    machine.restore(after)
    assert len(machine.stdout.text.splitlines()) == 40
    assert machine.process(p.pid).returncode == 0


def test_input_that_nobody_has_read_is_part_of_it(machine, compile_c):
    machine.spawn([compile_c(ECHO)])
    machine.run()
    waiting = machine.snapshot()
    for word in (b"one\n", b"another\n"):
        machine.restore(waiting)
        machine.stdin.write(word)
        machine.run()
        assert machine.stdout.getvalue() == b"1: " + word


def test_a_program_patched_after_a_snapshot_is_itself_again(machine, compile_c):
    p = machine.spawn([compile_c(LOOP)])
    machine.run(max_insns=500_000)
    start = machine.snapshot()
    machine.run(max_insns=1000)
    machine.restore(start)
    clean = machine.snapshot()
    pc = machine.harts[0].pc
    machine.harts[0].x["a0"] = 0x1234
    assert [value.name for value in clean.diff(machine.snapshot()).values] == ["x10"]
    machine.restore(clean)
    assert machine.harts[0].pc == pc
    assert not clean.diff(machine.snapshot())
    assert machine.run(until=p.exited).reason == "until"


def test_backwards(machine, compile_c):
    p = machine.spawn([compile_c(LOOP)])
    machine.run(max_insns=300_000)
    kept = [machine.snapshot()]
    digests = {machine.icount: machine.digest}
    for step in (5, 70_000, 1, 123_456):
        machine.run(max_insns=step)
        digests[machine.icount] = machine.digest
    kept.append(machine.snapshot())
    machine.run(until=p.exited)
    end = machine.icount
    for icount, digest in sorted(digests.items(), reverse=True):
        assert machine.run_to(icount=icount).icount == icount
        assert machine.digest == digest
    here = machine.icount
    machine.step(10)
    machine.step(-4)
    assert machine.icount == here + 6
    machine.run_to(icount=end)
    assert machine.icount == end
    with pytest.raises(quire.UsageError, match="no way leads back to icount 5: take a snapshot"):
        machine.run_to(icount=5)
    assert kept


def test_going_back_plays_the_input_again(machine, compile_c):
    p = machine.spawn([compile_c(ECHO)])
    kept = machine.snapshot()
    for word in (b"a\n", b"bb\n", b"ccc\n"):
        machine.run()
        machine.stdin.write(word)
    machine.run()
    middle, digest = machine.icount, machine.digest
    machine.stdin.write(b"dddd\n")
    machine.run()
    machine.stdin.close()
    machine.run(until=p.exited)
    end = (machine.icount, machine.digest, machine.stdout.text)
    assert end[2].endswith("4: dddd\nend after 4\n")
    machine.run_to(icount=middle)
    assert machine.digest == digest
    # Onwards as it was, without a word from anybody.
    machine.run(until=p.exited)
    assert (machine.icount, machine.digest, machine.stdout.text) == end
    # Another word from there leads another way.
    machine.run_to(icount=middle)
    machine.stdin.write(b"else\n")
    machine.stdin.close()
    machine.run(until=p.exited)
    assert machine.stdout.text.endswith("3: ccc\n4: else\nend after 4\n")
    assert kept.icount < middle


def test_back_to_the_last_time_that_something_happened(machine, compile_c):
    p = machine.spawn([compile_c(LOOP)])
    machine.run(max_insns=300_000)
    kept = machine.snapshot()
    writes = machine.record("syscall_enter", nr=64)
    machine.run(until=p.exited)
    times = [event.icount for event in writes if event.icount > kept.icount]
    writes.stop()
    assert len(times) > 10
    for expected in reversed(times[-3:]):
        stop = machine.run_back(until=quire.happens("syscall_enter", nr=64))
        assert stop.reason == "until"
        assert abs(machine.icount - expected) <= 1
    stop = machine.run_back(until=quire.happens("syscall_enter", nr=9999))
    assert (stop.reason, machine.icount) == ("start", kept.icount)


def test_a_stop_that_falls_on_a_mark_is_told_again(machine, compile_c):
    machine.spawn([compile_c(ECHO)])
    reads = quire.happens("syscall_enter", nr=63)
    kept = [machine.snapshot()]
    first = machine.run(until=reads)
    machine.stdin.write(b"one\n")
    kept.append(machine.snapshot())
    machine.run()
    machine.restore(kept[1])
    machine.run_to(icount=kept[0].icount)
    stop = machine.run(until=reads)
    assert (stop.reason, stop.icount) == (first.reason, first.icount)
    machine.run(max_insns=100)
    stop = machine.run_back(until=reads)
    assert (stop.reason, stop.icount) == ("until", first.icount)


def test_nothing_lies_behind_the_first_snapshot(machine, compile_c):
    machine.spawn([compile_c(LOOP)])
    kept = machine.snapshot()
    for _ in range(2):
        stop = machine.run_back(until=quire.happens("cow"))
        assert (stop.reason, stop.icount) == ("start", kept.icount)
    machine.run(max_insns=1)
    assert machine.run_back(until=quire.happens("cow")).reason == "start"


def test_how_a_run_was_cut_leaves_no_trace(machine, compile_c):
    p = machine.spawn([compile_c(LOOP)])
    start = machine.snapshot()
    machine.run(max_insns=100_000)
    whole = machine.snapshot()
    machine.restore(start)
    for _ in range(100):
        machine.run(max_insns=1000)
    assert whole.same(machine.snapshot())
    assert machine.run(until=p.exited).reason == "until"


def test_a_refused_snapshot_cuts_no_way(machine):
    kept = machine.snapshot()
    machine.run(max_insns=100)
    with quire.Machine.supervisor(seed=4) as other, pytest.raises(quire.UsageError):
        machine.restore(other.snapshot())
    machine.step(-50)
    assert machine.icount == kept.icount + 50


def test_another_thread_finds_it_busy(machine, compile_c):
    import threading

    machine.spawn([compile_c("int main(void) { for (;;) ; }")])
    thread = threading.Thread(target=machine.run)
    thread.start()
    try:
        while not machine._guest.running:
            pass
        for action in (machine.snapshot, machine.close):
            with pytest.raises(quire.Busy):
                action()
        machine.stdin.write(b"while it runs")
    finally:
        machine.stop()
        thread.join()
    assert machine.snapshot().icount == machine.icount


def test_no_way_leads_back_through_a_change_from_outside(machine, compile_c):
    machine.spawn([compile_c(LOOP)])
    kept = machine.snapshot()
    machine.run(max_insns=1000)
    machine.harts[0].x["t6"] = 1
    machine.run(max_insns=1000)
    with pytest.raises(quire.UsageError, match="no way leads back"):
        machine.step(-1500)
    kept_too = machine.snapshot()
    machine.run(max_insns=100)
    machine.step(-50)
    assert machine.icount == kept_too.icount + 50
    machine.restore(kept)
    assert machine.icount == kept.icount


@pytest.mark.parametrize(("change", "named"), [({"ram": "128M"}, "RAM '256 MiB'"), ({"seed": 4}, "seed '3'"),
                                               ({"tlb": "entries=64,ways=4"}, "TLB '16384 entries"),
                                               ({"isa": "rv64gc"}, "ISA 'rv64")])
def test_a_snapshot_of_other_settings_is_refused(machine, change, named):
    snapshot = machine.snapshot()
    with quire.Machine.supervisor(**{"seed": 3, **change}) as other:
        before = other.digest
        with pytest.raises(quire.UsageError, match="the snapshot is of a machine with " + named):
            other.restore(snapshot)
        assert other.digest == before


def test_misuse(machine, tmp_path):
    snapshot = machine.snapshot()
    with pytest.raises(quire.UsageError, match="restore\\(\\) takes a Snapshot, not str"):
        machine.restore("somewhere.qs")
    with pytest.raises(quire.UsageError, match="diff\\(\\) takes a Snapshot"):
        snapshot.diff(machine)
    with pytest.raises(quire.FileError, match="nothing.qs"):
        quire.Snapshot.load(tmp_path / "nothing.qs")
    for use in (snapshot.save, quire.Snapshot.load):
        with pytest.raises(quire.UsageError, match="path=7 is a int; give the path"):
            use(7)
    snapshot.save(os.fsencode(tmp_path / "bytes.qs"))
    assert quire.Snapshot.load(tmp_path / "bytes.qs").same(snapshot)
    (tmp_path / "text.qs").write_text("text")
    with pytest.raises(quire.FileError, match="text.qs: not a snapshot"):
        quire.Snapshot.load(tmp_path / "text.qs")
    with pytest.raises(quire.UsageError, match="would go before the first instruction"):
        machine.step(-machine.icount - 1)
    with pytest.raises(quire.UsageError, match="run_back\\(\\) takes the condition"):
        machine.run_back(until=())
    with pytest.raises(quire.UsageError, match="until='fork' is no condition"):
        machine.run(until="fork")
    with pytest.raises(quire.UsageError, match="step\\(1.5\\) is not a whole number"):
        machine.step(1.5)
    machine.close()
    with pytest.raises(quire.Busy, match="closed"):
        machine.snapshot()


def test_what_is_dropped_is_freed(machine):
    snapshots = [machine.snapshot() for _ in range(3)]
    references = [weakref.ref(s) for s in snapshots]
    del snapshots
    gc.collect()
    assert [r() for r in references] == [None] * 3


def test_many_snapshots_share_what_is_the_same(machine, compile_c):
    machine.spawn([compile_c(LOOP)])
    kept = []
    for _ in range(200):
        machine.run(max_insns=1000)
        kept.append(machine.snapshot())
    assert len({s.digest for s in kept}) == 200
    assert kept[0].diff(kept[1]).memory and len(kept[0].diff(kept[1]).memory) < 50
