"""Wrong use names its cause and what to do: closed machines, places that are not there, snapshots of others, impossible plans.

Wrong types of arguments are test_console.py's, wrong command lines test_bad_input.py's and test_fault_command.py's.
"""

import concurrent.futures
import multiprocessing
import pickle
import struct

import pytest
import quire
from quire import fi

from .conftest import BARE_SOURCE

ENDLESS = "int main(void) { for (volatile int i = 0;; i++); }"
SLEEPER = "#include <unistd.h>\nint main(void) { getppid(); return 3; }"
FAILS = "#include <stdio.h>\nint main(void) { puts(\"no\"); return 3; }"


@pytest.fixture(scope="module")
def program(link_bare):
    return link_bare(BARE_SOURCE)


@pytest.fixture(scope="module")
def closed(program):
    """Of a closed machine: itself, and what it gave while it was open."""
    m = quire.Machine.bare(program, ram="16M")
    m.run(max_insns=4)
    snapshot = m.snapshot()
    m.close()
    return m, snapshot


@pytest.mark.parametrize("use", [
    lambda m, s: m.run(), lambda m, s: m.step(), lambda m, s: m.step(-1), lambda m, s: m.run_to(icount=1),
    lambda m, s: m.snapshot(), lambda m, s: m.restore(s), lambda m, s: m.icount, lambda m, s: m.time_ns,
    lambda m, s: m.digest, lambda m, s: m.stats, lambda m, s: m.harts[0].pc, lambda m, s: m.harts[0].x.a0,
    lambda m, s: setattr(m.harts[0].x, "a0", 1), lambda m, s: m.harts[0].f.fa0, lambda m, s: m.harts[0].csr.mstatus,
    lambda m, s: m.phys.read(0x8000_0000, 4), lambda m, s: m.phys.write(0x8000_0000, b"x"), lambda m, s: m.phys.view("u8"),
    lambda m, s: m.mmu.walk(0), lambda m, s: m.mmu.tlb.entries(), lambda m, s: m.record("insn"),
    lambda m, s: m.on.insn(0)(print), lambda m, s: m.symbol("loop"), lambda m, s: m.troubles, lambda m, s: m.screen(),
    lambda m, s: m.console.expect("x"), lambda m, s: m.spawn(["x"]),
])
def test_a_closed_machine(use, closed):
    with pytest.raises(quire.Busy, match="closed"):
        use(*closed)


@pytest.fixture(scope="module")
def m(program):
    with quire.Machine.bare(program, ram="16M") as machine:
        yield machine


@pytest.mark.parametrize(("use", "kind", "parts"), [
    # places that are not there
    (lambda m: m.phys.read(0x1000, 4), quire.UsageError, ["0x1000", "RAM"]),
    (lambda m: m.phys.write(0x8100_0000, b"xx"), quire.UsageError, ["0x81000000"]),
    (lambda m: m.phys.read(0x80ff_fffe, 8), quire.UsageError, ["0x80fffffe"]),
    (lambda m: m.phys.view("u8", 0, 16), quire.UsageError, ["0x0"]),
    (lambda m: m.phys.view("u128"), quire.UsageError, ["u128", "u64"]),
    (lambda m: m.phys.view("u64", 0x8000_0000, 0x8000_0009), quire.UsageError, ["9 bytes", "u64"]),
    (lambda m: m.phys[0x8000_0000:0x8000_0008:2], quire.UsageError, ["step"]),
    (lambda m: m.harts[0].x.q7, AttributeError, ["'q7'", "a0"]),
    (lambda m: m.harts[0].x["r3"], AttributeError, ["'r3'", "sp"]),
    (lambda m: m.harts[0].x[32], quire.UsageError, ["32"]),
    (lambda m: setattr(m.harts[0].x, "b0", 1), AttributeError, ["'b0'"]),
    (lambda m: m.harts[0].f.fa9, AttributeError, ["'fa9'", "ft0"]),
    (lambda m: m.harts[0].csr.nosuch, AttributeError, ["'nosuch'"]),
    (lambda m: m.harts[0].csr[0x5C0], quire.UsageError, ["0x5c0"]),
    (lambda m: m.harts[1], IndexError, []),
    (lambda m: m.drives[0], IndexError, []),
    (lambda m: m.screen(), quire.UsageError, ["no screen", "screen="]),
    (lambda m: m.on.insn("nosuch"), quire.UsageError, ["nosuch"]),
    # moments that cannot be
    (lambda m: m.step(-1), quire.UsageError, ["first instruction"]),
    (lambda m: m.run_to(icount=-5), quire.UsageError, ["icount=-5"]),
    (lambda m: m.run_back(until=quire.happens("fork")), quire.UsageError, ["snapshot"]),
    (lambda m: quire.happens("nosuch"), quire.UsageError, ["nosuch", "page_fault"]),
    (lambda m: quire.happens("mem_write"), quire.UsageError, ["mem_write", "recorded"]),
    (lambda m: quire.happens("fork", colour=1), quire.UsageError, ["colour"]),
    # events that are not told
    (lambda m: m.record("insn", "nosuch"), quire.UsageError, ["nosuch", "mem_read"]),
    (lambda m: m.record("fork", pid="init"), quire.UsageError, ["pid='init'"]),
    (lambda m: m.record("boot", pid=1), quire.UsageError, ["'pid'"]),
    (lambda m: m.record("insn").columns_of("trap"), quire.UsageError, ["'trap'", "insn"]),
    (lambda m: m.record("insn", "trap").columns_of(), quire.UsageError, ["insn", "trap"]),
    # files
    (lambda m: m.snapshot().save("/nowhere/a.qs"), quire.FileError, ["/nowhere/a.qs"]),
    (lambda m: m.record("insn").write_trace("/nowhere/a.json"), quire.FileError, ["/nowhere/a.json"]),
    # what only others have
    (lambda m: m.process(1), quire.UsageError, ["process 1"]),
    (lambda m: m.spawn(["/bin/true"]), quire.UsageError, ["bare"]),
])
def test_what_is_not_there(use, kind, parts, m):
    with pytest.raises(kind) as error:
        use(m)
    for part in parts:
        assert part in str(error.value)


@pytest.mark.parametrize(("settings", "named"), [
    ({"ram": "32M"}, "RAM"), ({"seed": 2}, "seed"), ({"isa": "rv64gc"}, "ISA"), ({"tlb": "entries=64,ways=4,policy=lru"}, "TLB"),
    ({"screen": "64x64"}, "screen"),
])
def test_a_snapshot_of_another_configuration(settings, named, program, m):
    snapshot = m.snapshot()
    with quire.Machine.bare(program, **{"ram": "16M", **settings}) as other:
        before = other.digest
        with pytest.raises(quire.UsageError, match=f"{named}.*same settings"):
            other.restore(snapshot)
        assert other.digest == before


@pytest.mark.parametrize(("at", "value", "named"), [(8, 99, "format 99.*take it anew"), (0, 7, "not a snapshot")])
def test_a_snapshot_of_another_version(at, value, named, m, tmp_path):
    path = tmp_path / "old.qs"
    m.snapshot().save(path)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, at, value)
    path.write_bytes(data)
    with pytest.raises(quire.FileError, match=f"old.qs: .*{named}"):
        quire.Snapshot.load(path)


def test_a_machine_that_shares_a_directory_has_no_snapshots(tmp_path, program):
    with quire.Machine.bare(program, ram="16M", shares={"tag": tmp_path}) as shared:
        with pytest.raises(quire.UsageError, match="no snapshot can be taken.*files of the host"):
            shared.snapshot()
        shared.run()


@pytest.fixture(scope="module")
def subject(compile_c):
    with quire.Machine.supervisor(ram="64M") as machine:
        process = machine.spawn([compile_c(SLEEPER)])
        yield machine, process, machine.snapshot()


@pytest.mark.parametrize(("plan", "parts"), [
    (lambda m, p, path: fi.Campaign.plan(path, m, p, "x10 flip 3"), ["Space"]),
    (lambda m, p, path: fi.Campaign.plan(path, m, p, fi.Space(fi.flips("x10")), margin=2.0), ["margin"]),
    (lambda m, p, path: fi.Campaign.plan(path, m, p, fi.Space(fi.flips("x10")), confidence=1.0), ["confidence=1.0"]),
    (lambda m, p, path: fi.Campaign.plan(path, m, p, fi.Space(fi.flips("x10")), max_insns=1000), ["1000 instructions", "max_insns="]),
    (lambda m, p, path: fi.Campaign.plan(path, m, p, fi.Space("power cut 1")), ["check="]),
    (lambda m, p, path: fi.Campaign.plan(path, m, p, fi.Space("blk:0 error read")), ["blk:0"]),
    (lambda m, p, path: fi.Campaign.plan(path, m, p, fi.Space("mmio:0x10 flip 1")), ["mmio:0x10"]),
    (lambda m, p, path: fi.Campaign.plan(path, m, p, fi.Space(fi.flips("x10"), fi.at_syscall(99))), ["number 99"]),
    (lambda m, p, path: fi.Campaign.plan(path, m, p, fi.Space(fi.flips("x10")), check="fsck {disk}"), ["no", "check="]),
    (lambda m, p, path: fi.flips("r10"), ["'r10'", "x1..x31"]),
    (lambda m, p, path: fi.flips("a0"), ["x10"]),
    (lambda m, p, path: fi.Fault.parse("x10 melt"), ["melt"]),
])
def test_an_impossible_plan(plan, parts, subject, tmp_path):
    machine, process, start = subject
    machine.restore(start)
    with pytest.raises(quire.UsageError) as error:
        plan(machine, process, tmp_path / "c.db")
    for part in parts:
        assert part in str(error.value)
    assert not list(tmp_path.iterdir())
    assert machine.icount == start.icount, "the machine is left at its start"


def test_a_process_keeps_what_it_told_when_the_machine_is_closed(compile_c):
    machine = quire.Machine.supervisor(ram="64M")
    p = machine.spawn([compile_c(SLEEPER)])
    machine.run(until=p.exited)
    machine.close()
    assert p.returncode == 3 and p.pid and "ended with 3" not in str(p.parent)
    for use in (lambda: p.virt[0], lambda: p.mappings):
        with pytest.raises(quire.UsageError, match="exited"):
            use()


def test_memory_that_is_not_mapped(compile_c):
    with quire.Machine.supervisor(ram="64M") as machine:
        p = machine.spawn([compile_c(SLEEPER)])
        for use in (lambda: p.virt[0x10], lambda: p.virt.read(0x10, 8), lambda: p.virt.write(0x10, b"x"), lambda: p.virt.u64(1 << 40),
                    lambda: p.page(0x10), lambda: p.virt.string(0x10)):
            with pytest.raises(quire.PageFault) as error:
                use()
            assert "no access" in str(error.value) and hex(error.value.va) in str(error.value)


# --- what goes wrong elsewhere comes back whole ---


def _run(program):
    return quire.run(program)


def _run_checked(program):
    quire.run(program, check=True)


def _expect(program):
    with quire.Machine.supervisor(ram="64M") as machine:
        machine.spawn([program])
        machine.console.expect("yes", max_insns=5_000_000)


def test_results_and_exceptions_travel_between_processes(compile_c):
    program = compile_c(FAILS)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(_run, program).result() == quire.run(program)
        with pytest.raises(quire.ProgramFailed, match="status 3") as failed:
            pool.submit(_run_checked, program).result()
        assert failed.value.completed.stdout == b"no\n" and failed.value.completed.stop.exit_status == 3
        with pytest.raises(quire.NotSeen, match="yes") as unseen:
            pool.submit(_expect, program).result()
        assert unseen.value.stop.reason in ("limit", "exited", "idle")
        assert pool.submit(_run, program).result().returncode == 3, "the pool is whole"


def test_a_stop_is_a_value(program):
    with quire.Machine.bare(program, ram="16M") as machine:
        stops = [machine.run(max_insns=3), machine.run()]
    for stop in stops:
        twin = pickle.loads(pickle.dumps(stop))
        assert twin == stop and hash(twin) == hash(stop) and repr(twin) == repr(stop) and twin.exit_status == stop.exit_status
    assert stops[0] != stops[1] and stops[0] != "limit" and stops[1].exit_status == 5


def test_how_much_output_is_kept_travels_with_the_configuration(compile_c):
    assert quire.run(compile_c(SLEEPER), output_limit="3M").config["output_limit"] == 3 << 20
    with quire.Machine.supervisor(ram="64M", output_limit="2M") as machine:
        assert machine.config["output_limit"] == 2 << 20


CHATTER = r"""
#include <stdio.h>
int main(void) { for (int i = 0; i < 400; i++) printf("%0128d\n", i); return 0; }
"""


def test_workers_keep_as_much_output_as_the_machine_that_was_planned_for(compile_c, tmp_path):
    """Less would fail in each of them: what is not kept cannot be compared."""
    with quire.Machine.supervisor(ram="64M", output_limit=32 << 10) as machine:
        process = machine.spawn([compile_c(CHATTER)])
        with pytest.raises(quire.UsageError, match="output_limit="):
            fi.Campaign.plan(tmp_path / "a.db", machine, process, fi.Space("x10 flip 3", fi.at_icounts([5])))
    with quire.Machine.supervisor(ram="64M", output_limit=20 << 20) as machine:
        process = machine.spawn([compile_c(CHATTER)])
        with fi.Campaign.plan(tmp_path / "b.db", machine, process, fi.Space("x10 flip 3", fi.at_icounts([5]))) as campaign:
            assert campaign.config["output_limit"] == 20 << 20
            with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                assert campaign.run(executor=pool, workers=1).done == 1
            with campaign.replay(1) as case:
                assert case.machine.config["output_limit"] == 20 << 20


# --- what was asked for and did not come is said ---


def test_a_plan_for_a_program_that_never_ends(compile_c, tmp_path):
    with quire.Machine.supervisor(ram="64M") as machine:
        process = machine.spawn([compile_c(ENDLESS)])
        for limit, named in (({"max_insns": 200_000}, "200000 instructions"), ({"timeout": 0.2}, "timeout=")):
            with pytest.raises(quire.UsageError, match=f"has not ended after.*must end|{named}"):
                fi.Campaign.plan(tmp_path / "a.db", machine, process, fi.Space(fi.flips("x10")), **limit)
        assert not list(tmp_path.iterdir())


def test_a_margin_that_is_not_reached(subject, tmp_path):
    machine, process, start = subject
    machine.restore(start)
    with fi.Campaign.plan(tmp_path / "a.db", machine, process, fi.Space(fi.flips("x")), samples=120) as campaign:
        part = campaign.run(until_margin=0.001, limit=110)
        assert "not 0.10% yet" in str(part) and "go on" in str(part)
        whole = campaign.run(until_margin=0.001)
        assert whole.margin > 0.001 and "not 0.10%: all that were planned" in str(whole)
        assert "known to within" not in str(campaign.run(until_margin=0.5)) and "known to within" not in str(campaign.table())


@pytest.mark.parametrize("name", ["rows.xyz", "rows", "rows.csv.gz"])
def test_a_name_that_says_no_format(name, subject, tmp_path):
    machine, process, start = subject
    machine.restore(start)
    with fi.Campaign.plan(tmp_path / "a.db", machine, process, fi.Space("skip"), samples=1) as campaign:
        with pytest.raises(quire.UsageError, match=rf"{name}: .*\.csv or \.parquet"):
            campaign.export(tmp_path / name)
        assert not (tmp_path / name).exists()
