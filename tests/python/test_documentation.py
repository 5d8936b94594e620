"""The documentation's own examples: Python of docs/python/*.md compiles and names what there is; docstrings' runs."""

import ast
import re
from pathlib import Path

import pytest
import quire

DOCS = sorted((Path(__file__).resolve().parents[2] / "docs" / "python").glob("*.md"))
SNIPPETS = [(page.stem, i, text) for page in DOCS for i, text in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.S))]

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


@pytest.mark.parametrize(("page", "number", "text"), SNIPPETS)
def test_examples_name_what_there_is(page, number, text):
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "quire":
                assert hasattr(quire, node.attr), f"{page}: quire.{node.attr}"
            elif node.value.id == "m":
                assert node.attr in dir(quire.Machine) + ["on", "harts", "phys", "mmu", "stdin", "stdout", "stderr", "kernel_log"], node.attr


def test_there_are_examples():
    assert {"callbacks", "console", "recordings"} <= {page for page, _, _ in SNIPPETS}


@pytest.fixture(scope="module")
def program(compile_c):
    return str(compile_c(PROGRAM))


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
