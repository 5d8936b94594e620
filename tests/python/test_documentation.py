"""The documentation's own examples run: every Python block of docs/python and the README, and the docstrings'."""

import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys

import pytest
import quire

from .documents import PAGES, ROOT, blocks, build_programs, run_page

PROGRAM = r"""
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv) {
  char *at = mmap(0, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 8; i++) at[i * 4096] = 1;
  if (fork() == 0) { at[0] = 2; _exit(0); }
  wait(0);
  printf("%d\n", argc);
  return 0;
}
"""

# What the pages call firmware: counts in a variable, with an instruction now and then that is not legal.
FIRMWARE = """
    .globl _start, main, counter
_start:
    la t0, handler
    csrw mtvec, t0
main:
    la t1, counter
1:  ld a0, 0(t1)
    addi a0, a0, 1
    sd a0, 0(t1)
    .word 0
    j 1b
    .balign 4
handler:
    csrr t2, mepc
    addi t2, t2, 4
    csrw mepc, t2
    mret
    .data
    .balign 8
counter: .dword 0
"""

# And a kernel whose console asks for a name, then for a command, and then tells how that ended.
KERNEL = """
    .globl _start
_start:
    li s0, 0x10000000
    la s1, first
    jal say
    jal line
    la s1, prompt
    jal say
    jal line
    la s1, last
    jal say
1:  wfi
    j 1b
say:
    lbu t0, 0(s1)
    beqz t0, 2f
    sb t0, 0(s0)
    addi s1, s1, 1
    j say
2:  ret
line:
    lbu t0, 5(s0)
    andi t0, t0, 1
    beqz t0, line
    lbu t0, 0(s0)
    li t1, 10
    bne t0, t1, line
    ret
first:  .asciz "login: "
prompt: .asciz "# "
last:   .asciz "1 test FAILED\\n"
    .balign 8
"""


@pytest.fixture(scope="module")
def program(compile_c):
    return str(compile_c(PROGRAM))


@pytest.fixture(scope="module")
def files(program, link_bare, tmp_path_factory):
    """What the pages' examples name, in a folder of its own."""
    folder = tmp_path_factory.mktemp("documents")
    for name in ("hello", "program", "primes", "forktest", "matmul"):
        (folder / name).symlink_to(program)
    for name, text in (("firmware.elf", FIRMWARE), ("driver.elf", FIRMWARE), ("Image", KERNEL)):
        (folder / name).symlink_to(link_bare(text))
    (folder / "initrd.gz").write_bytes(b"not looked at")
    (folder / "disk.img").write_bytes(bytes(1 << 20))
    return folder


def has_extra():
    try:
        return all(importlib.import_module(name) for name in ("numpy", "pandas", "pyarrow"))
    except ImportError:
        return False


def page_id(page):
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_pages_run(page, files, monkeypatch):
    monkeypatch.chdir(files)
    build_programs(page, files)
    wanted = [block for block in blocks(page) if block.language in ("python", "pycon")]
    extra = has_extra()
    assert run_page(page, extra=extra) == sum(extra or not block.extra for block in wanted)


def test_pages_have_examples():
    counts = {page_id(page): sum(block.language in ("python", "pycon") for block in blocks(page)) for page in PAGES}
    for page in ("README.md", "docs/python/callbacks.md", "docs/python/devices.md", "docs/python/tutorial/memory.md"):
        assert counts[page] >= 1, page
    assert sum(counts.values()) > 30


@pytest.mark.parametrize("page", [*PAGES, ROOT / "docs" / "fault-injection.md"], ids=page_id)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


# --- docstrings ---


def modules():
    return [importlib.import_module(found.name) for found in pkgutil.walk_packages(quire.__path__, "quire.")
            if not found.name.endswith("__main__") and found.name != "quire._core"]


def test_docstrings_run(files, monkeypatch):
    """Those that are written as sessions (>>>) say what comes out."""
    monkeypatch.chdir(files)
    finder, attempted = doctest.DocTestFinder(), 0
    for module in [quire, *modules()]:
        for test in finder.find(module, extraglobs={"quire": quire, "fi": quire.fi}):
            runner, said = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False), []
            runner.run(test, out=said.append)
            assert runner.failures == 0, "".join(said)
            attempted += runner.tries
    assert attempted >= 15


def public_names():
    for package in (quire, importlib.import_module("quire.fi")):
        for name in package.__all__:
            thing = getattr(package, name)
            if inspect.isclass(thing) or inspect.isroutine(thing):
                yield f"{package.__name__}.{name}", thing
            if inspect.isclass(thing):
                for member, value in vars(thing).items():
                    what = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
                    if not member.startswith("_") and inspect.isfunction(what):
                        yield f"{package.__name__}.{name}.{member}", what


def test_everything_public_is_described():
    """The API reference is made of docstrings: there is one for each class, function, method and property."""
    missing = [name for name, thing in public_names() if not inspect.getdoc(thing)]
    assert not missing, f"{len(missing)}: {', '.join(missing)}"


def test_the_reference_is_made_of_them(tmp_path):
    done = subprocess.run([sys.executable, ROOT / "tools" / "api-reference", tmp_path / "out"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, "pdoc warns of nothing"
    pages = {path.relative_to(tmp_path / "out").as_posix(): path.read_text() for path in (tmp_path / "out").rglob("*.html")}
    assert {"quire.html", "quire/fi.html"} <= set(pages) and "quire/machine.html" not in pages
    for name in ("Machine.run", "Device.read", "Recording.filter", "run", "sweep"):
        assert f'id="{name}"' in pages["quire.html"], name
    assert 'id="Campaign.plan"' in pages["quire/fi.html"]


def test_the_first_page(program):
    """What the package promises at first sight, line by line (docs of the package, and its own docstring)."""
    r = quire.run(program, "1000")
    assert (r.returncode, r.stdout) == (0, b"2\n") and r.stats.minor_faults > 0

    with quire.Machine.supervisor(ram="256M", seed=1) as m:
        p = m.spawn([program], env={}, cwd="/")
        ev = m.record("fork", "page_fault", "cow")
        stop = m.run(until=p.exited, max_insns=10**9)
        assert (stop.reason, stop.hart) == ("until", 0) and stop.pc and stop.icount and stop.detail
        assert ev.filter("cow").count("pid")

        h = m.harts[0]
        assert (h.pc, h.x.a0, h.f.fa0, h.csr.satp, h.priv, h.icount)[5] == m.icount
        assert m.mmu.tlb.entries() and m.mmu.tlb.stats.walks > 0
        assert len(m.phys[0x8000_0000:0x8000_1000]) == 4096 and m.phys.view("u8").readonly
        assert not m.mmu.walk(0x10, access="w", asid=h.asid)

        s = m.snapshot()
        m.step()
        m.run_to(icount=s.icount + 100)
        m.step(-1)
        assert m.icount == s.icount + 99
        m.restore(s)
        assert m.digest == s.digest


def test_entries_of_the_tlb_agree_with_walks(program):
    with quire.Machine.supervisor(ram="64M") as m:
        p = m.spawn([program])
        m.run(until=quire.happens("fork", pid=p.pid))
        mine = [e for e in m.mmu.tlb.entries() if e.asid == p.asid and "u" in e.flags]
        assert mine and "asid" in repr(mine[0])
        for entry in mine:
            leaf = p.walk(entry.va, "r") or p.walk(entry.va, "x")
            assert leaf.physical_address == entry.physical_address, entry
