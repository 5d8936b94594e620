"""Recordings handed to others: Arrow's C data interface, Parquet, Chrome traces."""

import csv
import ctypes
import gc
import json

import pytest
import quire
from quire import arrow

from .test_hooks import PROGRAM, SOURCE


@pytest.fixture
def insns(link_bare):
    with quire.Machine.bare(link_bare(SOURCE), ram="16M") as m:
        r = m.record("insn")
        m.run(max_insns=5000)
        yield r


def pointer(capsule, name):
    get = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))
    return get(capsule, name)


def test_the_structures_hold_the_columns_in_place(insns):
    """Read as a consumer reads them, by the specification of the interface."""
    held = len(arrow._held)
    schema_capsule, array_capsule = insns.__arrow_c_array__()
    schema = arrow._Schema.from_address(pointer(schema_capsule, b"arrow_schema"))
    array = arrow._Array.from_address(pointer(array_capsule, b"arrow_array"))
    assert (schema.format, schema.n_children) == (b"+s", 2)
    assert [(schema.children[i].contents.format, schema.children[i].contents.name) for i in range(2)] == [(b"L", b"icount"), (b"L", b"pc")]
    assert (array.length, array.null_count, array.n_buffers, array.n_children) == (5000, 0, 1, 2)
    for i, name in enumerate(("icount", "pc")):
        child = array.children[i].contents
        assert (child.length, child.n_buffers, child.buffers[0]) == (5000, 2, None)
        numbers = (ctypes.c_uint64 * 5000).from_address(child.buffers[1])
        assert list(numbers) == list(insns.column("insn", name))
    # Released once by the consumer; the capsules then do nothing.
    schema.release(ctypes.addressof(schema))
    array.release(ctypes.addressof(array))
    assert not schema.release and not array.release and len(arrow._held) == held
    del schema_capsule, array_capsule, schema, array, child
    gc.collect()
    assert not arrow._in_capsules


def test_capsules_that_nobody_takes_release_what_they_hold(insns):
    held = len(arrow._held)
    capsules = insns.__arrow_c_array__()
    assert len(arrow._held) > held
    del capsules
    gc.collect()
    assert len(arrow._held) == held


def test_without_pyarrow_it_is_named(insns, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(quire.MissingPackage, match="pip install pyarrow"):
        insns.write_parquet(tmp_path / "a.parquet")


def test_several_kinds_have_no_one_table(link_bare):
    with quire.Machine.bare(link_bare(SOURCE), ram="16M") as m:
        r = m.record("insn", "trap")
        with pytest.raises(quire.UsageError, match="one kind of event: insn, trap"):
            r.__arrow_c_array__()
        assert list(r.columns_of("trap")) == ["icount", "pc", "cause", "tval", "handler"]


def test_a_chrome_trace(compile_c, tmp_path):
    with quire.Machine.supervisor(ram="64M") as m:
        r = m.record("syscall", "context_switch", "page_fault", "exec", "fork", "exit")
        p = m.spawn([compile_c(PROGRAM)])
        m.run(until=p.exited)
        r.write_trace(tmp_path / "trace.json")
        with pytest.raises(quire.FileError, match="nowhere"):
            r.write_trace("/nowhere/trace.json")
        exits = r.filter("syscall_exit", pid=p.pid)
        faults = r.filter("page_fault")
    document = json.loads((tmp_path / "trace.json").read_text())
    events = document["traceEvents"]
    calls = [e for e in events if e["ph"] == "X" and e["pid"] == p.pid and e["name"] not in ("running", "exit_group")]
    assert len(calls) == len(exits) and all(e["dur"] > 0 for e in calls)
    written = next(e for e in calls if e["name"] == "write")
    assert written["args"]["result"] == len("done\n")
    assert sum(e["name"] == "page_fault" for e in events) == len(faults)
    # On one hart, no two run at once.
    spans = sorted((e["ts"], e["ts"] + e["dur"]) for e in events if e["name"] == "running")
    assert spans and all(a[1] <= b[0] + 1e-6 for a, b in zip(spans, spans[1:], strict=False))
    assert any(e["ph"] == "M" and e["pid"] == p.pid for e in events)


def test_events_as_csv(compile_c, tmp_path):
    """What the csv module of Python reads is what to_dict() says; a selection is written alone."""
    with quire.Machine.supervisor(ram="64M") as m:
        r = m.record("syscall", "page_fault", "exec")
        p = m.spawn([compile_c(PROGRAM)])
        m.run(until=p.exited)
        r.write_csv(tmp_path / "all.csv")
        r.filter("page_fault").write_csv(tmp_path / "faults.csv")
        columns, faults = r.to_dict(), len(r.filter("page_fault"))
        with pytest.raises(quire.FileError, match="/nowhere/all.csv: .*check the path"):
            r.write_csv("/nowhere/all.csv")
    with (tmp_path / "all.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{name: "" if value is None else str(value) for name, value in zip(columns, row, strict=True)}
                    for row in zip(*columns.values(), strict=True)]
    assert {"write", "exit_group"} <= {row["nr"] for row in rows} and any(row["comm"] for row in rows)
    assert len((tmp_path / "faults.csv").read_text().splitlines()) == faults + 1 > 2
