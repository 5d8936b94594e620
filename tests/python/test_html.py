"""What notebooks show: well-formed tables, with everything that a guest chose escaped."""

from html.parser import HTMLParser

import pytest
import quire
from quire import html

EVIL = "<script>alert('x')</script>&\"\n\x1b[2J\udcff"

PROGRAM = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int argc, char **argv) {
  int fd = open("/tmp/<script>&\"\n\xff", O_RDWR | O_CREAT, 0600);
  ftruncate(fd, 4096);
  char *at = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  *at = 1;
  printf("<b>bold</b> & \xff\n");
  return 3;
}
"""


class Checker(HTMLParser):
    """Every tag is closed, in order; collects the rows."""

    def __init__(self):
        super().__init__()
        self.open, self.rows, self.tags = [], [], set()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def rows_of(value):
    text = value._repr_html_()
    checker = Checker()
    checker.feed(text)
    checker.close()
    assert not checker.open and checker.tags <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "code", "p"}, checker.tags
    text.encode()  # nothing that cannot leave
    return checker.rows


@pytest.fixture(scope="module")
def scene(compile_c):
    with quire.Machine.supervisor(tlb="policy=lru") as m:
        before = m.snapshot()
        p = m.spawn([compile_c(PROGRAM)])
        events = m.record("page_fault", "syscall", "exec")
        stop = m.run(until=p.ending)
        yield m, p, events, stop, before


def test_areas(scene):
    m, p, *_ = scene
    rows = rows_of(p.vmas)
    assert len(rows) == len(p.vmas) + 1 and rows[0][0] == "start"
    evil = next(area for area in p.vmas if "script" in area.name)
    assert rows_of(evil)[1][-1] == '/tmp/<script>&"\n\\xff'
    assert "&lt;script&gt;&amp;" in p.vmas._repr_html_() and "<script" not in p.vmas._repr_html_()


def test_pages_frames_and_books(scene):
    m, p, *_ = scene
    page = p.page(next(area for area in p.vmas if "script" in area.name).start)
    assert rows_of(page)[1][0] == "2" and page.dirty and page.frame.cached
    facts = {row[0]: row[1] for row in rows_of(m.frames)}
    assert facts["free"] == f"{m.frames.stats.free:,}" and facts["page cache"]


def test_walks_and_stops(scene):
    m, p, _, stop, _ = scene
    walk = p.walk(p.vmas[0].start)
    rows = rows_of(walk)
    assert len(rows) == len(walk.steps) + 1 and rows[1][2] == f"{walk.steps[0].pte:#018x}"
    assert "physical address" in walk._repr_html_() and "page fault" in p.walk(8)._repr_html_()
    assert ["reason", "until"] in rows_of(stop)


def test_stops_escape_their_texts():
    rows = rows_of(quire.Stop("until", 0, 0x1000, 5, "text '<b>' on stdout"))
    assert ["detail", "text '<b>' on stdout"] in rows


def test_tlb(scene):
    m, *_ = scene
    entries = m.mmu.tlb.entries()
    assert isinstance(entries, list) and len(rows_of(entries)) == min(len(entries), html.SHOWN_ROWS) + 1
    facts = dict(row for row in rows_of(m.mmu.tlb.stats) if len(row) == 2)
    assert facts["misses"] == f"{m.mmu.tlb.stats.misses:,}"
    rows_of(m.mmu.tlb)
    rows_of(entries[0])
    rows_of(m.stats)


def test_recordings_and_events(scene):
    _, _, events, *_ = scene
    rows = rows_of(events)
    assert rows[0] == events.columns and len(rows) == min(len(events), html.SHOWN_ROWS) + 1
    if len(events) > html.SHOWN_ROWS:
        assert f"{len(events) - html.SHOWN_ROWS:,} more rows" in events._repr_html_()
    assert any(row[0] == "va" for row in rows_of(events.filter("page_fault")[0]))


def test_differences_of_snapshots(scene):
    m, _, _, _, before = scene
    diff = before.diff(m.snapshot())
    rows = rows_of(diff)
    assert ["value", "before", "after"] in rows and any(row[0] == "pc" for row in rows)
    assert rows_of(before.diff(before)) == []


def test_runs(compile_c):
    r = quire.run(compile_c(PROGRAM), EVIL.replace("\udcff", ""))
    rows = dict(row for row in rows_of(r) if len(row) == 2)
    assert rows["returncode"] == "3" and rows["ended by"] == "exit" and rows["stdout"] == "<b>bold</b> & \\xff\n"
    assert "&lt;script&gt;" in r._repr_html_()


def test_cells_of_all_kinds():
    checker = Checker()
    checker.feed(html.table(["<h>", "b"], [[EVIL, None], [1234567, True]], EVIL, total=9))
    assert checker.rows[0][0] == "<h>" and checker.rows[1][0] == html.text_of_bytes(EVIL) and checker.rows[2] == ["1,234,567", "yes"]
    assert html.name_text(EVIL).isprintable()
