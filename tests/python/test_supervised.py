"""Programs on the supervisor from Python: run(), spawn, events, page tables, virtual memory."""

import re
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
import quire

ECHO = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) {
  char data[256];
  ssize_t count;
  while ((count = read(0, data, sizeof data)) > 0) write(1, data, count);
  for (int i = 1; i < argc; i++) fprintf(stderr, "%s;", argv[i]);
  if (getenv("STATUS")) return atoi(getenv("STATUS"));
  return 0;
}
"""
CRASH = "int main(void) { *(volatile int *)16 = 1; }"
LOOP = "int main(void) { for (volatile unsigned long i = 0;; i++); }"
# Maps three pages, touches two, forks; the child writes one of them; both wait in read().
FORKER = r"""
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  char *at = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  strcpy(at, "first page");
  strcpy(at + 4096, "second page");
  printf("%p\n", (void *)at);
  fflush(stdout);
  int words[2];
  pipe(words);
  pid_t pid = fork();
  char word;
  if (pid == 0) {
    strcpy(at, "child's page");
    read(words[0], &word, 1);
    _exit(3);
  }
  usleep(2000);
  getppid();
  write(words[1], "!", 1);
  int status;
  waitpid(pid, &status, 0);
  return status >> 8;
}
"""


def test_run_is_like_subprocess_run(compile_c):
    r = quire.run(compile_c(ECHO), "a", "b c", input=b"\x00\xffdata", env={"STATUS": "9"})
    assert (r.returncode, r.stdout, r.stderr) == (9, b"\x00\xffdata", b"a;b c;")
    assert r.stats.minor_faults > 0 and r.stats.icount == r.stop.icount
    assert r.args[1:] == ["a", "b c"] and r.stop.reason == "exited"
    with pytest.raises(quire.ProgramFailed, match="status 9") as failure:
        r.check_returncode()
    assert failure.value.completed is r


def test_run_takes_a_list_and_gives_text(compile_c):
    r = quire.run([compile_c(ECHO), "x"], input="grüße", text=True, check=True)
    assert (r.stdout, r.stderr) == ("grüße", "x;")


def test_a_crash_is_a_result(compile_c):
    r = quire.run(compile_c(CRASH))
    assert r.returncode == -11
    assert r.stats.faults["segv_maperr"] == 1


def test_limits_are_results(compile_c):
    r = quire.run(compile_c(LOOP), max_insns=3_000_000)
    assert (r.returncode, r.stop.reason, r.stop.icount) == (124, "limit", 3_000_000)
    r = quire.run(compile_c(LOOP), timeout=0.3)
    assert (r.returncode, r.stop.reason) == (124, "timeout")


def test_runs_repeat(compile_c):
    first, second = (quire.run(compile_c(FORKER), seed=3) for _ in range(2))
    assert first.digest == second.digest and first.stdout == second.stdout
    assert first.config == second.config and first.config["seed"] == 3


def test_misuse_of_run(compile_c, tmp_path):
    with pytest.raises(quire.FileError, match="none"):
        quire.run(tmp_path / "none")
    with pytest.raises(ValueError, match="16 MiB"):
        quire.run(compile_c(ECHO), ram="1M")
    with pytest.raises(ValueError):
        quire.run([])


def test_files_reach_the_program(compile_c, tmp_path):
    source = '#include <stdio.h>\nint main(int n, char **v) { char s[9]; FILE *f = fopen(v[1], "r");' \
             ' if (!f) return 1; fgets(s, 9, f); puts(s); return 0; }'
    (tmp_path / "f").write_text("content")
    assert quire.run(compile_c(source), "/a/b", files={"/a/b": tmp_path / "f"}).stdout == b"content\n"
    with quire.Machine.supervisor() as m:
        p = m.spawn([compile_c(source), "/a/b"], files={"/a/b": tmp_path / "f"})
        m.run(until=p.exited)
        assert (p.returncode, m.stdout.getvalue()) == (0, b"content\n")


def test_machines_run_in_threads(compile_c):
    program = compile_c(FORKER)
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda seed: quire.run(program, seed=seed), [5, 5, 6]))
    assert [r.returncode for r in runs] == [3, 3, 3]
    assert runs[0].digest == runs[1].digest != runs[2].digest


@pytest.fixture
def forked(compile_c):
    """The machine with FORKER up to where the child has written and both wait; with what was recorded."""
    with quire.Machine.supervisor(seed=1) as m:
        recording = m.record("fork", "exec", "exit", "page_fault", "cow", "syscall")
        parent = m.spawn([compile_c(FORKER)])
        stop = m.run(until=quire.happens("syscall_enter", nr="getppid"), max_insns=10**9)
        assert stop.reason == "until", stop
        child = m.process(recording.filter("fork", pid=parent.pid)[0].child)
        at = int(re.match(rb"0x[0-9a-f]+", m.stdout.getvalue())[0], 16)
        yield m, parent, child, recording, at


def test_processes(forked):
    m, parent, child, _, _ = forked
    assert set(m.processes) >= {parent.pid, child.pid}
    assert child.parent == parent.pid and child.satp not in (0, parent.satp)
    assert parent.returncode is None and not parent.exited
    assert m.run(until=child.exited).reason == "until"
    assert child.returncode == 3 and child.exited
    assert m.run(until=child.exited).reason == "until"  # holds already
    with pytest.raises(ValueError, match="exited"):
        child.virt.read(0, 1)
    m.run(until=parent.exited)
    assert parent.returncode == 3
    with pytest.raises(ValueError):
        m.process(999)


def test_virtual_memory_is_each_process_own(forked):
    _, parent, child, _, at = forked
    assert parent.virt[at : at + 10] == b"first page"
    assert child.virt.string(at) == b"child's page"
    assert child.virt.string(at + 4096) == parent.virt.string(at + 4096) == b"second page"
    across = parent.virt.read(at + 4090, 17)
    assert across == bytes(6) + b"second page"


def test_unmapped_memory_is_a_page_fault(forked):
    _, parent, _, _, at = forked
    for use in (lambda: parent.virt[at + 8192 : at + 8193], lambda: parent.virt[at + 8190 : at + 8194],
                lambda: parent.page(at + 8192), lambda: parent.virt.u64(0)):
        with pytest.raises(quire.PageFault) as fault:
            use()
    assert fault.value.va == 0 and fault.value.access == "r" and fault.value.reason


def test_writing_where_the_process_may_not(forked):
    _, parent, child, _, at = forked
    with pytest.raises(quire.PageFault):  # still shared after fork: a write would copy it
        parent.virt[at + 4096 : at + 4099] = b"new"
    child.virt[at : at + 3] = b"NEW"
    assert child.virt.string(at) == b"NEWld's page" and parent.virt.string(at) == b"first page"


def test_page_tables_show_what_is_shared(forked):
    m, parent, child, _, at = forked
    first, second = parent.page(at), parent.page(at + 4096)
    assert {p.pid for p, _ in second.sharers} == {parent.pid, child.pid}
    assert {va for _, va in second.sharers} == {at + 4096}
    assert [p.pid for p, _ in first.sharers] == [parent.pid]
    assert first.pfn != child.page(at).pfn and second.pfn == child.page(at + 4096).pfn
    assert "w" not in second.flags and "r" in second.flags
    leaf = {mapping.va: mapping for mapping in parent.mappings}[at]
    assert leaf.pfn == first.pfn and leaf.bytes == 4096
    assert m.phys.read(first.pfn << 12, 10) == b"first page"


def test_walk(forked):
    m, parent, child, _, at = forked
    walk = parent.walk(at)
    assert walk and [step.level for step in walk.steps] == [2, 1, 0] and walk.steps[-1].leaf
    assert walk.physical_address == parent.page(at).pfn << 12 and walk.page_bytes == 4096
    for step in walk.steps:
        assert m.phys.u64(step.pte_address) == step.pte
    assert m.mmu.walk(at, process=parent).steps[-1].pte == walk.steps[-1].pte
    assert m.mmu.walk(at, satp=child.satp).steps[-1].pte == child.walk(at).steps[-1].pte
    assert m.mmu.walk(at, asid=child.asid).steps[-1].pte == child.walk(at).steps[-1].pte
    refused = parent.walk(at + 4096, "w")
    assert not refused and refused.fault == "store page fault" and refused.physical_address is None
    missing = parent.walk(at + 8192)
    assert not missing and missing.fault == "load page fault" and missing.reason
    with pytest.raises(ValueError):
        m.mmu.walk(at, "rw")
    with pytest.raises(ValueError):
        m.mmu.walk(at, process=parent, satp=child.satp)


def test_looking_changes_nothing(compile_c):
    def final(look):
        with quire.Machine.supervisor(seed=1) as m:
            p = m.spawn([compile_c(FORKER)])
            if look:
                m.record("page_fault", "syscall", "cow")
            while m.run(until=p.exited, max_insns=1_000_000).reason == "limit":
                if look:
                    p.mappings, p.walk(0x10000), m.stats, m.digest, m.harts[0].x.to_dict()
            return m.digest, m.icount
    assert final(False) == final(True)


def test_recording(forked):
    m, parent, child, recording, at = forked
    assert len(recording) == len(list(recording)) == sum(recording.count("event").values())
    assert recording.count("event")["fork"] == 1
    cow = [e for e in recording.filter("cow", pid=child.pid) if e.va & ~0xFFF == at]
    assert len(cow) == 1
    assert cow[0].old_pfn == parent.page(at).pfn and cow[0].new_pfn == child.page(at).pfn
    faults = recording.filter("page_fault", pid=parent.pid, kind="anon")
    assert {at, at + 4096} <= {e.va & ~0xFFF for e in faults}
    assert all(e.kind == "anon" and e.pid == parent.pid for e in faults)
    columns = recording.to_dict()
    assert set(columns) == set(recording.columns) and {len(c) for c in columns.values()} == {len(recording)}
    assert columns["icount"] == sorted(columns["icount"])
    assert recording["event"] == columns["event"] and recording[0].event == columns["event"][0]
    assert "openat" in columns["nr"] or "write" in columns["nr"]
    raw = recording.column("page_fault", "va")
    assert raw.readonly and raw.format == "Q" and len(raw) == recording.count("event")["page_fault"]
    assert recording.filter("exec")[0].comm


def test_recording_stops_and_filters_at_the_source(compile_c):
    with quire.Machine.supervisor() as m:
        p = m.spawn([compile_c(FORKER)])
        child_only = m.record("page_fault", kind="cow_copy")
        stopped = m.record("syscall")
        stopped.stop()
        m.run(until=p.exited)
        assert len(stopped) == 0
        assert len(child_only) > 0 and set(child_only["kind"]) == {"cow_copy"}
        child_only.clear()
        assert len(child_only) == 0
    assert repr(child_only)  # outlives the machine


def test_misuse_of_recordings(forked):
    m, _, _, recording, _ = forked
    for misuse in (lambda: m.record("nonsense"), m.record, lambda: m.record("fork", va=3),
                   lambda: recording.filter("nonsense"), lambda: recording["nonsense"],
                   lambda: recording.filter(kind="nonsense"), lambda: recording.column("fork", "va"),
                   lambda: quire.happens("cow", colour=3), lambda: recording.filter(pid=1.5)):
        with pytest.raises(ValueError):
            misuse()
    with pytest.raises(AttributeError, match="colour"):
        _ = recording[0].colour
    with pytest.raises(IndexError):
        _ = recording[len(recording)]


def test_input_given_in_parts(compile_c):
    with quire.Machine.supervisor() as m:
        p = m.spawn([compile_c(ECHO)])
        assert m.run(until=p.exited).reason == "idle"
        m.stdin.write(b"one ")
        assert m.run(until=p.exited).reason == "idle"
        assert m.stdout.read() == b"one "
        m.stdin.write(b"two")
        m.stdin.close()
        assert m.run(until=p.exited).reason == "until"
        assert (m.stdout.read(), m.stdout.text, p.returncode) == (b"two", "one two", 0)


def test_conditions_combine(compile_c):
    with quire.Machine.supervisor() as m:
        p = m.spawn([compile_c(FORKER)])
        stop = m.run(until=quire.happens("fork") | p.exited)
        assert stop.reason == "until" and "fork" in stop.detail
        stop = m.run(until=[quire.happens("fork"), p.exited])
        assert stop.reason == "until" and "exit" in stop.detail


def test_counters(forked):
    m, _, _, recording, _ = forked
    stats = m.stats
    assert stats.events["fork"] == 1 and stats.faults["cow_copy"] >= 1
    assert stats.tlb.hits is None and stats.tlb.misses > 0
    assert m.mmu.tlb.stats == stats.tlb
    assert stats.minstret <= stats.icount == m.icount <= m.time_ns


def test_a_refused_file_is_named_and_nothing_is_started(compile_c, tmp_path):
    data = tmp_path / "data"
    data.write_text("x")
    with quire.Machine.supervisor() as m:
        m.spawn([compile_c(ECHO)], files={"/one": data})
        known = set(m.processes)
        with pytest.raises(quire.Error, match="/one"):
            m.spawn([compile_c(ECHO)], files={"/one/two": data})
        m.run(max_insns=5_000_000)
        assert set(m.processes) == known


def test_a_recording_is_not_looked_at_while_the_machine_runs(compile_c):
    with quire.Machine.supervisor() as m, ThreadPoolExecutor(1) as pool:
        m.spawn([compile_c(LOOP)])
        events = m.record("context_switch")
        stop = pool.submit(m.run, timeout=60)
        try:
            with pytest.raises(quire.Busy):
                while not stop.done():
                    events.clear()
        finally:
            m.stop()
        assert stop.result().reason == "requested"
        events.clear()
        assert len(events) == 0


def test_a_stop_that_comes_between_runs_is_not_for_the_next(compile_c):
    with quire.Machine.supervisor() as m:
        m.spawn([compile_c(LOOP)])
        previous = signal.signal(signal.SIGALRM, lambda *_: m.stop())
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            stop = m.run(timeout=60)
        finally:
            signal.signal(signal.SIGALRM, previous)
        assert (stop.reason, stop.detail) == ("requested", "stopped on request")
        m.stop()
        assert m.run(max_insns=10).reason == "limit"


@pytest.mark.parametrize("settings", [
    {"timeout": float("inf")}, {"timeout": float("nan")}, {"timeout": 1e300}, {"timeout": 0}, {"timeout": "1"},
    {"max_insns": -1}, {"max_insns": 1 << 64}, {"max_insns": 1.5}, {"seed": -1}, {"seed": 1 << 64},
])
def test_impossible_numbers_are_named(settings, compile_c):
    (name,) = settings
    with pytest.raises(quire.UsageError, match=f"^{name}="):
        quire.run(compile_c(ECHO), **settings)


def test_impossible_programs_and_places_are_named(compile_c):
    with pytest.raises(quire.UsageError, match="empty"):
        quire.run("")
    with quire.Machine.supervisor() as m:
        with pytest.raises(quire.UsageError, match="^va="):
            m.mmu.walk(-1)
        with pytest.raises(quire.UsageError, match="integer register"):
            m.harts[0].x[-1]


def test_environment_may_hold_any_bytes(compile_c):
    program = compile_c('#include <stdio.h>\n#include <stdlib.h>\nint main(void) { fputs(getenv("A"), stdout); }')
    assert quire.run(program, env={"A": "\udc80\udcff"}).stdout == b"\x80\xff"
