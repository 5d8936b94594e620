"""What the supervisor knows, read from its memory: held against what the guest says of itself, and against damage."""

import os
import random
import shutil
import subprocess

import pytest
import quire

# Prints its own maps to stdout and /proc/meminfo to stderr; with an argument it then dies by a signal.
PROGRAM = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
static char maps[65536], info[8192];
char shared_page[4096] __attribute__((aligned(4096))) = "x";
static int slurp(const char *path, char *to, int size) {
  int fd = open(path, O_RDONLY), n, all = 0;
  while ((n = read(fd, to + all, size - all)) > 0) all += n;
  close(fd);
  return all;
}
__attribute__((noinline)) void here(void) { __asm__ volatile("nop" ::: "memory"); }
int main(int argc, char **argv) {
  mkdir("/tmp/deep", 0777);
  int fd = open("/tmp/deep/a\nb <i>\xff", O_RDWR | O_CREAT, 0644);
  ftruncate(fd, 8 * 4096);
  char *s = mmap(0, 8 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 3 * 4096);
  s[0] = 1;
  int gone = open("/tmp/gone", O_RDWR | O_CREAT, 0644);
  ftruncate(gone, 4096);
  mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, gone, 0);
  unlink("/tmp/gone");
  int mem = memfd_create("mine", 0);
  ftruncate(mem, 4096);
  mmap(0, 4096, PROT_READ, MAP_SHARED, mem, 0);
  mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  mmap((void *)0x3000000000, 16 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mmap((void *)0x3100000000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
  mlock(mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
  memset(malloc(100000), 1, 100000);
  int n = slurp("/proc/self/maps", maps, sizeof maps);
  write(1, maps, n);
  int pid = fork();
  if (pid == 0) { chroot("/tmp/deep"); here(); _exit(0); }
  wait(0);
  write(2, info, slurp("/proc/meminfo", info, sizeof info));
  here();
  if (argc > 1) *(volatile int *)8 = 1;
  return 0;
}
"""


@pytest.fixture(scope="module")
def program(compile_c):
    return compile_c(PROGRAM, "-include", "string.h", "-w")


@pytest.fixture(scope="module")
def ended(program):
    """The program before its end, with its memory."""
    with quire.Machine.supervisor() as m:
        p = m.spawn([program])
        m.run(until=p.ending)
        yield m, p


@pytest.mark.parametrize("flag", ["-no-pie", "-static-pie"])
def test_maps_are_what_the_program_reads_itself(compile_c, flag):
    program = compile_c(PROGRAM, "-include", "string.h", "-w", flag)
    with quire.Machine.supervisor() as m:
        p = m.spawn([program])
        m.run(until=quire.happens("syscall_enter", pid=p.pid, nr="write"))
        seen = p.maps
        m.run(until=p.ending)
        assert os.fsencode(seen) == m.stdout.getvalue()
        assert "[heap]" in seen and "[stack]" in seen and "[vdso]" in seen and "/memfd:mine (deleted)" in seen


def test_maps_of_a_dynamically_linked_program(tmp_path):
    program = tmp_path / "dynamic"
    subprocess.run(["riscv64-linux-gnu-gcc", "-w", "-include", "string.h", "-x", "c", "-", "-o", program], input=PROGRAM.encode(), check=True)
    with quire.Machine.supervisor(seed=7) as m:
        p = m.spawn([program])
        m.run(until=quire.happens("syscall_enter", pid=p.pid, nr="write"))
        assert (seen := os.fsencode(p.maps)) and b"libc.so" in seen
        main = p.symbol("main")
        m.run(until=p.ending)
        assert seen == m.stdout.getvalue()
        assert main in p.vmas[0] and p.symbol("no such") is None


def test_areas_say_what_they_are(ended):
    _, p = ended
    vmas = p.vmas
    assert not vmas.trouble and len(vmas) > 10 and all(a.end <= b.start for a, b in zip(vmas, vmas[1:], strict=False))
    kinds = {area.kind for area in vmas}
    assert {"anonymous", "file", "heap", "stack", "special"} <= kinds
    shared = next(area for area in vmas if area.name.startswith("/tmp/deep") and area.shared)
    assert shared.pages == 8 and shared.permissions == "rw-s" and shared.file == os.fsdecode(b"/tmp/deep/a\nb <i>\xff")
    private = next(area for area in vmas if area.name.startswith("/tmp/deep") and not area.shared)
    assert private.offset == 3 * 4096 and private.inode == shared.inode
    assert vmas.find(0x3000000000 + 5).permissions == "---p" and vmas.find(0x3000000000 - 1) is None
    assert vmas.find(0x3100000000).grows_down and sum(area.locked for area in vmas) == 1
    assert vmas.named("[heap]")[0].file is None
    assert "\n" not in repr(shared)


def test_every_page_of_the_table_lies_in_an_area(ended):
    _, p = ended
    vmas = p.vmas
    for leaf in p.mappings:
        area = vmas.find(leaf.va)
        assert area is not None and ("w" not in leaf.flags or "w" in area.permissions)


def test_books_agree_with_meminfo(program):
    with quire.Machine.supervisor() as m:
        p = m.spawn([program])
        samples = []
        with m.on.syscall_exit(pid=p.pid, nr="openat")(lambda e: samples.append(m.frames.stats)):
            m.run(until=p.ending)
        said = {name: int(rest.split()[0]) // 4 for name, _, rest in (line.partition(":") for line in m.stderr.getvalue().decode().splitlines())}
        before, after = samples[-1], m.frames.stats
        assert said["MemTotal"] == after.total
        for name, field in (("AnonPages", "anonymous"), ("Cached", "page_cache"), ("PageTables", "page_tables"), ("KernelStack", "stacks"), ("Dirty", "dirty")):
            assert said[name] == getattr(before, field), name
        # The text itself is in the kernel's memory while it is read.
        assert 0 <= before.free - said["MemFree"] <= 4
        assert after.total == sum(getattr(after, name) for name in ("free", "anonymous", "page_cache", "page_tables", "slab", "stacks", "vmalloc", "kernel"))


def test_frames_agree_with_the_page_tables(program):
    with quire.Machine.supervisor() as m:
        p = m.spawn([program])
        m.run(until=quire.happens("exec", pid=p.pid) | quire.happens("syscall_exit", pid=p.pid, nr="clone"))
        seen = set()
        for leaf in p.mappings:
            page = p.page(leaf.va)
            if page.frame is None or page.frame.use not in ("anonymous", "page_cache"):
                continue
            seen.add(page.frame.use)
            assert page.frame.pfn == page.pfn == leaf.pfn and page.frame.address == leaf.pfn * 4096
            cache = page.frame.cached is not None
            assert page.frame.references == len(page.sharers) + cache, page
            area = p.vmas.find(leaf.va)
            if cache and area.kind == "file":
                assert (page.frame.cached.inode, page.frame.cached.page) == (area.inode, (area.offset + leaf.va - area.start) // 4096)
        assert seen == {"anonymous", "page_cache"}
        at = p.symbol("shared_page")
        assert {process.pid for process, _ in p.page(at).sharers} == {2, 3} and len(m.frames) == m.phys.size // 4096
        assert sum(frame.use == "anonymous" for frame in m.frames) == m.frames.stats.anonymous


def test_a_program_sees_names_from_its_own_root(program):
    with quire.Machine.supervisor() as m:
        m.spawn([program])
        m.run(until=quire.happens("syscall_exit", pid=3, nr="chroot"))
        names = {area.name for area in m.process(3).vmas}
        assert any(name.startswith("/a\n") for name in names) and any(name.startswith("(unreachable)/") for name in names)


def test_maps_of_a_program_that_a_signal_kills(program):
    with quire.Machine.supervisor() as m:
        p = m.spawn([program, "die"])
        signal = quire.happens("signal", pid=p.pid, signo=11)
        stop = m.run(until=signal)
        assert stop.detail == "signal(pid=2, signo=11)" and p.symbol("main") in p.vmas[0]
        m.run(until=p.ending)
        assert "[heap]" in p.maps and p.returncode is None
        m.run(until=p.exited)
        assert p.returncode == -11
        with pytest.raises(quire.UsageError, match="gone.*process.ending"):
            p.vmas  # noqa: B018


def test_looking_changes_nothing(program):
    digests = set()
    for look in (False, True):
        with quire.Machine.supervisor() as m:
            p = m.spawn([program])
            for _ in range(20):
                m.run(max_insns=20_011)
                if look and p.returncode is None:
                    p.maps, m.frames.stats, list(m.frames[pfn] for pfn in range(0x80000, 0x80010))
            digests.add((m.digest, m.icount))
    assert len(digests) == 1


def test_a_stop_anywhere_gives_an_answer(program):
    """Also in the middle of the supervisor's changes: what is read is whole, or says that it is not."""
    with quire.Machine.supervisor() as m:
        p = m.spawn([program])
        step, notes, locked = random.Random(1), 0, 0
        while p.returncode is None:
            m.run(max_insns=step.randrange(1, 2500))
            try:
                vmas = p.vmas
            except quire.UsageError as error:
                assert "gone" in str(error) or "given its memory up" in str(error)
                continue
            locked += vmas.locked
            notes += bool(vmas.trouble)
            assert all(a.end <= b.start for a, b in zip(vmas, vmas[1:], strict=False))
            assert vmas.locked or not vmas.trouble, "changes are made under the lock"
            if m.harts[0].priv == "u":
                assert not vmas.trouble and all(vmas.find(leaf.va) is not None for leaf in p.mappings)
        assert locked > 10


def test_changes_in_the_middle_are_said(program):
    """Every instruction of one mmap: at some the tree and its count disagree."""
    with quire.Machine.supervisor() as m:
        p = m.spawn([program])
        m.run(until=quire.happens("syscall_enter", pid=p.pid, nr="mmap"))
        count, troubles = len(p.vmas), set()
        for _ in range(3000):
            m.step()
            vmas = p.vmas
            troubles.add(vmas.trouble)
            assert vmas.locked or not vmas.trouble
            if not vmas.trouble:
                assert len(vmas) in (count, count + 1)
        assert "" in troubles and any("the supervisor counts" in text for text in troubles)


def test_damaged_memory_is_no_danger(program):
    """Random bytes in place of the supervisor's own objects: every answer is an answer, or an error of ours."""
    with quire.Machine.supervisor(ram="64M") as m:
        p = m.spawn([program])
        m.run(until=p.ending)
        whole, chance = m.snapshot(), random.Random(2)
        kernel = [frame.address for frame in m.frames if frame.use in ("slab", "kernel")]
        troubled = 0
        for _ in range(150):
            for _ in range(40):
                place = chance.choice(kernel) + chance.randrange(512) * 8
                good = m.phys.u64(place)
                value = chance.choice([0, good ^ (1 << chance.randrange(64)), (good + 8) % 2**64, chance.getrandbits(64), good >> 12 << 12])
                m.phys.write(place, value.to_bytes(8, "little"))
            try:
                vmas = p.vmas
                troubled += bool(vmas.trouble)
                assert isinstance(vmas.maps, str) and len(vmas) < 100
                m.frames.stats, [m.frames[pfn] for pfn in range(0x80200, 0x80300)]
            except (quire.UsageError, quire.Busy) as error:
                troubled += 1
                assert str(error)
            m.restore(whole)
        assert troubled > 10


def description(m):
    """Where each entry of the supervisor's description has its value: a physical address."""
    at = m.symbol("quire_description_physical")
    head, size, count = (m.phys.u32(at + offset) for offset in (12, 16, 20))
    entries = [at + head + i * size for i in range(count)]
    return {bytes(m.phys[entry:entry + 24]).rstrip(b"\0").decode(): entry + 32 for entry in entries}


@pytest.mark.parametrize("frames", [1 << 20, 1 << 63, (1 << 64) - 1])
def test_a_count_of_frames_beyond_ram_is_damage(ended, frames):
    m, _ = ended
    whole = m.snapshot()
    try:
        m.phys.write(description(m)["frame_count"], frames.to_bytes(8, "little"))
        for use in (lambda: len(m.frames), lambda: list(m.frames), lambda: m.frames[0x80200], lambda: m.frames.stats):
            with pytest.raises(quire.Busy, match=f"damaged: it counts {frames} frames"):
                use()
    finally:
        m.restore(whole)


def test_frames_are_what_the_sums_say(ended):
    """All frames of a block that was given out whole have its use, which the supervisor notes at the first alone."""
    m, _ = ended
    counted = dict.fromkeys(["free", "anonymous", "page_cache", "page_table", "slab", "stack", "vmalloc", "kernel", "reserved"], 0)
    for frame in m.frames:
        counted[frame.use] += 1
    stats = m.frames.stats
    assert counted == {"free": stats.free, "anonymous": stats.anonymous, "page_cache": stats.page_cache, "page_table": stats.page_tables,
                       "slab": stats.slab, "stack": stats.stacks, "vmalloc": stats.vmalloc, "kernel": stats.kernel,
                       "reserved": len(m.frames) - stats.total}


def test_programs_with_names_that_are_no_text(program, tmp_path):
    """Any bytes but NUL and / are a name; nothing that is asked then fails, or writes what a terminal obeys."""
    evil = os.fsdecode(b"<b>&\n\xff\x1b[31m")
    shutil.copy(program, tmp_path / evil)
    with quire.Machine.supervisor() as m:
        seen = m.record("exec")
        p = m.spawn([tmp_path / evil])
        m.run(until=p.ending)
        assert p.name == "<b>&\n\ufffd\x1b[31m" == seen[0].comm
        assert p in m.processes.values() and evil in p.vmas[0].name
        for text in (repr(p), repr(seen[0]), repr(p.vmas[0]), quire.events.shown("comm", seen[0].comm)):
            assert text.isprintable()
        for shown in (p.page(p.vmas[0].start), seen, p.vmas):
            assert "<b>" not in shown._repr_html_() and shown._repr_html_().encode()


def test_before_the_supervisor_is_up_it_says_so(program):
    guest = quire._core.Guest.supervisor(quire.settings.setup(ram="64M", tlb=None, isa="", seed=0, output_limit="1M"), None, "", [], "")
    with pytest.raises(quire.UsageError, match="not up yet"):
        guest.frame_counts()
    guest.close()


@pytest.mark.parametrize("what", ["stats", "frame", "len"])
def test_other_machines_keep_no_such_books(bare_program, what):
    with quire.Machine.bare(bare_program) as m, pytest.raises(quire.UsageError, match="known of the supervisor alone.*Machine.supervisor"):
        {"stats": lambda: m.frames.stats, "frame": lambda: m.frames[0x80000], "len": lambda: len(m.frames)}[what]()
    assert "Frames" in repr(m.frames)


WRONG = [
    (lambda m, p: p.vmas["[heap]"], "numbered from 0.*find"),
    (lambda m, p: p.vmas.find("main"), "va='main' is not a whole number"),
    (lambda m, p: p.vmas.find(-1), "va=-1"),
    (lambda m, p: m.frames[0x10], "no frame has the number 0x10: RAM is 0x80000"),
    (lambda m, p: m.frames["free"], "pfn='free'"),
    (lambda m, p: p.symbol(7), "name=7"),
    (lambda m, p: m.on.cow(print), "function.*behind them"),
    (lambda m, p: m.on.insn(print), "function.*behind them"),
    (lambda m, p: m.on.fence(print), "function.*behind them"),
    (lambda m, p: m.on.trap(print), "function.*behind them"),
    (lambda m, p: m.on.mmio(print), "function.*behind them"),
    (lambda m, p: m.on("cow", 2), "2 has no name.*pid=2"),
    (lambda m, p: m.on.insn("main"), "no symbol 'main'.*pid=process"),
    (lambda m, p: m.on.insn("no such", pid=p), "neither what the process runs nor the kernel"),
    (lambda m, p: m.record("boot", pid=p), "field 'pid'"),
    (lambda m, p: m.on.cow(pid=(1 << 64) + p.pid), "pid=18446744073709551618: a field has 64 bits"),
    (lambda m, p: m.frames[10**5000], r"pfn=2\*\*16609 or more is not between"),
]


@pytest.mark.parametrize(("use", "says"), WRONG, ids=range(len(WRONG)))
def test_wrong_use(ended, use, says):
    m, p = ended
    with pytest.raises(quire.UsageError, match=says):
        use(m, p)


def test_processes_of_another_machine_are_refused(ended, program):
    m, p = ended
    with quire.Machine.supervisor() as other:
        theirs = other.spawn([program])
        for use in (lambda: m.run(until=theirs.exited), lambda: m.run_back(until=theirs.ending), lambda: m.on.page_fault(pid=theirs),
                    lambda: m.record("page_fault", pid=theirs), lambda: m.on.insn(0x1000, pid=theirs), lambda: m.run(until=quire.happens("cow", pid=theirs)),
                    lambda: theirs.exited | p.exited):
            with pytest.raises(quire.UsageError, match="another machine|two machines"):
                use()


def test_processes_stand_for_their_numbers(program):
    with quire.Machine.supervisor() as m:
        p = m.spawn([program])
        events, faults = m.record("fork", "page_fault", "cow", pid=p), []
        writes, calls = m.record("mem_write", pid=p), []
        child_writes = m.record("mem_write", pid=3)
        at = p.symbol("here")
        with m.on.page_fault(pid=p)(faults.append), m.on.insn("here", pid=p)(calls.append):
            m.run(until=p.exited)
        assert events["pid"] == [2] * len(events) and len(faults) == len(events.filter("page_fault")) > 0
        assert [e.pc for e in calls] == [at]  # the child's visit is not the parent's
        assert len(writes) > len(child_writes) > 0
        assert set(writes["icount"]).isdisjoint(child_writes["icount"])


def test_kind_is_a_column_of_all(program):
    with quire.Machine.supervisor() as m:
        p = m.spawn([program])
        events = m.record("fork", "page_fault", "cow")
        m.run(until=p.exited)
        kinds = events["kind"]
        assert kinds.count("cow") == len(events.filter("cow")) == len(events.filter(kind="cow")) > 0
        assert kinds.count("fork") == 1 and "cow_copy" in kinds and None not in kinds
        assert [e.kind for e in events] == kinds
        assert len(events.filter("fork", kind="cow")) == 0 and len(events.filter(kind="cow", pid=p)) <= kinds.count("cow")


def test_numbers_of_processes_are_read_as_such(program):
    assert "pid=12" in repr(quire.happens("exit", pid=12)) and "nr=write" in repr(quire.happens("syscall_enter", nr="write"))
    assert "va=0x1000" in repr(quire.happens("page_fault", va=0x1000))
