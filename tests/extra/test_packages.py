"""Recordings, sweeps and campaigns in NumPy, pandas, Polars and pyarrow: `./x test python-extra` installs them from PyPI."""

import gc
import importlib
import os

import pytest
import quire
from quire import arrow, fi
from tests.python.test_exports import insns  # noqa: F401 (a fixture)
from tests.python.test_hooks import SOURCE


def needed(name):
    """A package; that it is missing is a failure where it should have been installed."""
    if os.environ.get("QUIRE_EXTRA"):
        return importlib.import_module(name)
    return pytest.importorskip(name, reason=f"{name} is not installed; ./x test python-extra has it")


PROGRAM = r"""
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int value = 1;
int main(void) {
  if (fork() == 0) { value = 2; _exit(0); }
  wait(0);
  puts("done");
  return 0;
}
"""


@pytest.fixture
def events(compile_c):
    with quire.Machine.supervisor(ram="64M", seed=1) as m:
        r = m.record("fork", "page_fault", "cow", "syscall")
        p = m.spawn([compile_c(PROGRAM)])
        m.run(until=p.exited)
        yield r


def test_numpy_takes_columns_as_they_are(insns):
    numpy = needed("numpy")
    columns = insns.to_numpy()
    assert set(columns) == {"icount", "pc"} and columns["pc"].dtype == numpy.uint64
    assert numpy.array_equal(columns["icount"], numpy.arange(5000))
    assert not columns["pc"].flags.owndata and not columns["pc"].flags.writeable, "in place"


def test_pandas_counts_copies_by_process(events):
    needed("pandas")
    frame = events.to_pandas()
    copies = frame.query("kind == 'cow'").groupby("pid").size()
    parent, child = frame.query("kind == 'fork'")["pid"].iloc[-1], copies.index.max()
    assert copies[child] >= 1 and child != parent, "it wrote what it shares with its parent"
    assert copies.sum() == sum(e.kind == "cow" for e in events)


def test_numpy_sees_ram_without_a_copy(link_bare):
    numpy = needed("numpy")
    with quire.Machine.bare(link_bare(SOURCE), ram="16M") as m:
        ram = numpy.asarray(m.phys.view("u32"))
        assert ram.shape == (4 << 20,) and not ram.flags.owndata
        m.phys.write(m.phys.base + (1 << 20), (77).to_bytes(4, "little"))
        assert ram[1 << 18] == 77


def test_pyarrow_takes_it_without_a_copy(insns):
    pyarrow = needed("pyarrow")
    held = len(arrow._held)
    batch = pyarrow.record_batch(insns)
    assert batch.schema.names == ["icount", "pc"] and batch.num_rows == 5000
    assert batch.column("pc").to_pylist() == list(insns.column("insn", "pc"))
    del batch
    gc.collect()
    assert len(arrow._held) == held


def test_polars_takes_it(insns):
    polars = needed("polars")
    frame = polars.DataFrame(insns)
    assert frame.columns == ["icount", "pc"] and frame.height == 5000
    assert frame["pc"].to_list() == list(insns.column("insn", "pc"))
    by_pc = frame.group_by("pc").len().sort("len", descending=True)
    assert by_pc["len"][0] == max(insns.count("pc").values())


def test_parquet_comes_back(insns, tmp_path):
    parquet = needed("pyarrow.parquet")
    insns.write_parquet(tmp_path / "a.parquet")
    table = parquet.read_table(tmp_path / "a.parquet")
    assert table.column("icount").to_pylist() == list(insns.column("insn", "icount"))


def test_pandas_takes_several_kinds_of_events(events):
    pandas = needed("pandas")
    frame = events.to_pandas()
    assert isinstance(frame, pandas.DataFrame) and len(frame) == len(events)
    copies = frame.query("event == 'cow'").groupby("pid").size()
    assert dict(copies) == events.filter("cow").count("pid")


def test_a_sweep_as_a_frame(compile_c):
    needed("pandas")
    table = quire.sweep(compile_c(PROGRAM), tlb=["entries=16,policy=lru", "entries=64,policy=lru"], ram="64M")
    frame = table.to_pandas()
    assert list(frame.columns) == table.columns
    assert frame.groupby("tlb").tlb_misses.mean().to_dict() == dict(zip(table["tlb"], table["tlb_misses"], strict=True))


def test_a_campaign_as_parquet(compile_c, tmp_path):
    parquet = needed("pyarrow.parquet")
    with quire.Machine.supervisor(ram="64M", seed=1) as m:
        p = m.spawn([compile_c(PROGRAM)])
        campaign = fi.Campaign.plan(tmp_path / "c.db", m, p, fi.Space(fi.flips("x10")), samples=20, seed=1)
    with campaign:
        campaign.run()
        campaign.export(tmp_path / "c.parquet")
        table = parquet.read_table(tmp_path / "c.parquet")
        assert table.num_rows == 20 and table.column("fault")[0].as_py() == str(campaign.injection(1).fault)
