"""Pictures: what is drawn, counted in the axes; and that nothing needs matplotlib until one is drawn."""

import subprocess
import sys

import pytest
import quire

try:
    import matplotlib
except ImportError:
    pytest.fail("matplotlib is missing: apt-get install python3-matplotlib, or ./x setup test", pytrace=False)
matplotlib.use("Agg")

PROGRAM = r"""
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  char *at = mmap(0, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 32; i++) at[i * 4096] = 1;
  if (fork() == 0) { for (int i = 0; i < 8; i++) at[i * 4096] = 2; getppid(); _exit(0); }
  wait(0);
  for (int i = 0; i < 32; i++) at[i * 4096] = 3;
  return 0;
}
"""


@pytest.fixture(scope="module")
def program(compile_c):
    return compile_c(PROGRAM)


@pytest.fixture(scope="module")
def scene(program):
    with quire.Machine.supervisor() as m:
        p = m.spawn([program])
        faults, accesses = m.record("page_fault", "cow"), m.record("mem_access", lo=0, hi=1 << 38, pid=p)
        m.run(until=quire.happens("syscall_enter", pid=3, nr="getppid"))
        sharing = quire.plot.page_sharing(m.processes.values())
        m.run(until=p.ending)
        yield m, p, faults, accesses, sharing


@pytest.fixture(autouse=True)
def _closed():
    yield
    from matplotlib import pyplot
    pyplot.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_address_space(scene, tmp_path):
    _, p, *_ = scene
    ax = quire.plot.address_space(p)
    shown = texts(ax)
    for area in p.vmas:
        assert f"{area.start:#x}" in shown
    assert sum("[stack]" in text for text in shown) == 1 and sum("free" in text for text in shown) >= 2
    assert {"anonymous", "file", "stack", "written"} <= set(legend(ax))
    there = [box for box in ax.collections if box.get_label() == "_pages"]
    assert len(there) == 2 * len(p.vmas)
    area = next(area for area in p.vmas if area.pages == 64)
    number = list(p.vmas).index(area)
    (path,) = there[2 * number + 1].get_paths()  # the dirty half, one span
    box = path.get_extents()
    from quire import plot
    assert (box.x1 - box.x0) / (plot._RIGHT - plot._LEFT) == pytest.approx(0.5)
    ax.figure.savefig(tmp_path / "space.png")
    assert (tmp_path / "space.png").read_bytes().startswith(b"\x89PNG")


def test_fault_timeline(scene):
    _, _, faults, *_ = scene
    ax = quire.plot.fault_timeline(faults)
    kinds = faults.filter("page_fault").count("kind")
    assert sorted(legend(ax)) == sorted(f"{kind.replace('_', ' ')} ({number})" for kind, number in kinds.items())
    assert sum(len(dots.get_offsets()) for dots in ax.collections) == sum(kinds.values())
    assert kinds["cow_copy"] >= 8 and "instructions" in ax.get_xlabel()


def test_working_set(scene):
    _, _, _, accesses, _ = scene
    ax = quire.plot.working_set(accesses, 10_000)
    pages: dict[int, set[int]] = {}
    for e in accesses:
        pages.setdefault(e.icount // 10_000, set()).add(e.va // 4096)
    values = ax.patches[0].get_data().values
    assert list(values) == [len(pages.get(n, ())) for n in range(min(pages), max(pages) + 1)] and max(values) > 10
    half = quire.plot.working_set(accesses.filter("mem_write"), 10_000)
    assert 0 < half.patches[0].get_data().values.sum() < values.sum()


def test_page_sharing(scene):
    *_, ax = scene
    (image,) = ax.get_images()
    rows = image.get_array()
    assert rows.shape[0] == 2 and rows.max() == 2
    # The child has its eight; what both have is shared in both rows alike.
    assert (rows[1] == 1).sum() >= 8 and ((rows[0] == 2) == (rows[1] == 2)).all() and (rows[0] == 2).sum() > 20
    assert [label.get_text() for label in ax.get_yticklabels()][1].endswith("(3)")
    assert legend(ax) == ["mapped by 1", "mapped by 2"]


def test_tlb_misses(program):
    table = quire.sweep(program, tlb=[f"entries={n},ways={n},policy=lru" for n in (4, 16)], seeds=[0, 1])
    ax = quire.plot.tlb_misses(table, label="program")
    (line,) = ax.lines
    misses = [[row["tlb_misses"] for row in table if f"entries={n}," in row["tlb"]] for n in (4, 16)]
    assert list(line.get_xdata()) == [4, 16] and list(line.get_ydata()) == [sum(of) / 2 for of in misses]
    again = quire.plot.tlb_misses([(4, 100), (16, 30)], ax, label="pairs")
    assert again is ax and legend(ax) == ["program", "pairs"]


def test_names_that_a_guest_chose_are_drawn_as_text(compile_c, tmp_path):
    """Dollars would be formulas, control characters no glyphs."""
    program = compile_c(r"""
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(void) {
  int fd = open("/tmp/$\\frac{$\n\xff", O_RDWR | O_CREAT, 0600);
  ftruncate(fd, 4096);
  mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
  return 0;
}
""")
    with quire.Machine.supervisor() as m:
        p = m.spawn([program])
        m.run(until=p.ending)
        ax = quire.plot.address_space(p)
        ax.figure.savefig(tmp_path / "names.png")
        assert any(r"\frac{\$\x0a\xff" in text for text in texts(ax))


WRONG = [
    (lambda s: quire.plot.address_space(3), "takes a process.*not int"),
    (lambda s: quire.plot.address_space(s[1], ax="here"), "ax='here' is nothing to draw into"),
    (lambda s: quire.plot.fault_timeline([]), "takes a recording"),
    (lambda s: quire.plot.fault_timeline(s[3]), "has no page_fault.*mem_read"),
    (lambda s: quire.plot.fault_timeline(s[0].record("page_fault")), "no page fault was recorded"),
    (lambda s: quire.plot.working_set(s[2]), "has no mem_read or mem_write"),
    (lambda s: quire.plot.working_set(s[3], 0), "window=0"),
    (lambda s: quire.plot.working_set(s[0].record("mem_write")), "no access was recorded"),
    (lambda s: quire.plot.page_sharing([2, 3]), "takes processes, not int"),
    (lambda s: quire.plot.page_sharing(None), "takes processes, not NoneType"),
    (lambda s: quire.plot.tlb_misses([(float("inf"), 1)]), "pairs"),
    (lambda s: quire.plot.page_sharing([]), "none of these processes is alive"),
    (lambda s: quire.plot.page_sharing(s[0].process(3)), "none of these processes is alive"),
    (lambda s: quire.plot.tlb_misses(5), "takes a table.*pairs"),
    (lambda s: quire.plot.tlb_misses([]), "nothing to draw"),
    (lambda s: quire.plot.tlb_misses(quire.SweepTable([{"seed": 0, "tlb_misses": 3}])), "did not vary the TLB"),
    (lambda s: quire.plot.tlb_misses(quire.SweepTable([{"tlb": None, "tlb_misses": 3}])), "names no number of entries"),
]


@pytest.mark.parametrize(("use", "says"), WRONG, ids=range(len(WRONG)))
def test_wrong_use(scene, use, says):
    with pytest.raises(quire.UsageError, match=says):
        use(scene)


def test_without_matplotlib_the_package_works_and_says_what_is_missing(program):
    script = f"""
import sys
sys.modules["matplotlib"] = sys.modules["matplotlib.pyplot"] = None
import quire
with quire.Machine.supervisor() as m:
    p = m.spawn([{str(program)!r}])
    try:
        quire.plot.address_space(p)
    except quire.MissingPackage as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "plot.address_space() needs matplotlib" in done.stdout and "python3-matplotlib" in done.stdout


def test_importing_quire_imports_no_matplotlib():
    done = subprocess.run([sys.executable, "-c", "import sys, quire; print('matplotlib' in sys.modules)"], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
