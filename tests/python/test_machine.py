"""quire.Machine with a bare-metal program: runs by counts, registers, memory, misuse."""

import pickle
import platform
import signal
import subprocess
import sys
import threading
import time

import pytest
import quire

from .conftest import SANITIZED

ENDLESS = ".globl _start\n_start: addi a0, a0, 1\n j _start\n"


@pytest.fixture
def machine(bare_program):
    with quire.Machine.bare(bare_program, ram="64M") as m:
        yield m


@pytest.fixture(scope="module")
def endless(link_bare):
    return link_bare(ENDLESS)


def test_runs_to_the_end(machine):
    stop = machine.run()
    assert (stop.reason, stop.exit_status, stop.hart) == ("exited", 5, 0)
    assert machine.run().reason == "exited"
    assert machine.stats.icount == machine.icount == stop.icount


def test_a_stop_cannot_be_changed(machine):
    stop = machine.run(max_insns=1)
    with pytest.raises(AttributeError):
        stop.reason = "exited"
    assert "limit" in repr(stop)


@pytest.mark.parametrize("pieces", [1, 7, 1000, 65536])
def test_slicing_changes_nothing(pieces, bare_program):
    with quire.Machine.bare(bare_program) as whole, quire.Machine.bare(bare_program) as sliced:
        whole.run()
        while sliced.run(max_insns=pieces * 3).reason == "limit":
            pass
        assert whole.digest == sliced.digest
        assert whole.icount == sliced.icount


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the translator is for x86-64 hosts")
def test_the_environment_names_the_engine(bare_program, monkeypatch):
    with quire.Machine.bare(bare_program) as machine:
        machine.run()
        digest = machine.digest
    monkeypatch.setenv("QUIRE_ENGINE", "jit,threshold=0")
    with quire.Machine.bare(bare_program) as translated:
        translated.run()
        assert translated.config["engine"].startswith("jit")
        assert translated.digest == digest
    monkeypatch.setenv("QUIRE_ENGINE", "steam")
    with pytest.raises(quire.UsageError, match="QUIRE_ENGINE.*steam"):
        quire.Machine.bare(bare_program)


def test_stops_at_exactly_the_count(machine):
    for count in (1, 5, 1000):
        before = machine.icount
        assert machine.run(max_insns=count).reason == "limit"
        assert machine.icount == before + count
    before = machine.icount
    assert machine.run(max_insns=0).reason == "limit"
    assert machine.icount == before


def test_registers_by_name_and_number(machine):
    machine.run(max_insns=10)
    hart = machine.harts[0]
    assert hart.x.a0 == hart.x["a0"] == hart.x[10] == hart.x.x10 == 0x1234
    assert hart.f.fa0 == -2.0 and hart.fbits.fa0 == 0xC000_0000_0000_0000
    assert hart.priv == "m" and hart.pc >= 0x8000_0000
    hart.x.a0 = -1
    assert hart.x.a0 == (1 << 64) - 1
    hart.x.zero = 7
    assert hart.x.zero == 0
    hart.f32.fa1 = 1.5
    assert hart.f32.fa1 == 1.5 and hart.fbits.fa1 >> 32 == 0xFFFF_FFFF
    assert hart.f32.fa0 != hart.f32.fa0  # a double in the register is no single
    hart.csr.mscratch = 0x55
    assert hart.csr.mscratch == hart.csr[0x340] == 0x55
    assert "a0=" in repr(hart.x)


def test_registers_that_do_not_exist(machine):
    hart = machine.harts[0]
    with pytest.raises(AttributeError, match="q7"):
        _ = hart.x.q7
    with pytest.raises(ValueError):
        _ = hart.x[32]
    with pytest.raises(ValueError):
        hart.x.a0 = 1 << 64
    with pytest.raises(ValueError):
        _ = hart.csr[0xFFF]


def test_physical_memory(machine):
    machine.run()
    at = machine.symbol("begin_signature")
    assert machine.phys[at : at + 4] == b"\x44\x33\x22\x11"
    assert machine.phys.u32(at) == 0x11223344 and machine.phys[at] == 0x44
    machine.phys[at : at + 2] = b"ab"
    machine.phys[at + 2] = 0x63
    assert machine.phys.read(at, 3) == b"abc"
    assert (machine.phys.base, machine.phys.size) == (0x8000_0000, 64 << 20)


def test_code_written_from_python_is_executed(machine, endless):
    with quire.Machine.bare(endless) as m:
        m.run(max_insns=1000)
        m.phys.write(0x8000_0000, (0x00250513).to_bytes(4, "little") + (0xFFDFF06F).to_bytes(4, "little"))
        m.harts[0].x.a0 = 0
        m.harts[0].pc = 0x8000_0000
        m.run(max_insns=200)
        assert m.harts[0].x.a0 == 200  # 100 times addi a0, a0, 2


@pytest.mark.parametrize(("start", "stop"), [(0, 16), (0x7FFF_FFFF, 0x8000_0001), (0x8000_0000 + (64 << 20) - 1,
                                                                                 0x8000_0000 + (64 << 20) + 1)])
def test_memory_that_is_not_ram(start, stop, machine):
    with pytest.raises(ValueError):
        _ = machine.phys[start:stop]
    with pytest.raises(ValueError):
        machine.phys[start:stop] = bytes(stop - start)
    with pytest.raises(ValueError):
        machine.phys.view("u8", start, stop)


def test_slices_need_both_ends(machine):
    for key in (slice(None, 5), slice(5, None), slice(0, 8, 2), slice(8, 4)):
        with pytest.raises(ValueError):
            _ = machine.phys[key]
    with pytest.raises(ValueError, match="3 bytes do not fill a range of 4"):
        machine.phys[0x8000_0000:0x8000_0004] = b"abc"


def test_view_is_shared_read_only_and_outlives_the_machine(bare_program):
    machine = quire.Machine.bare(bare_program)
    at = machine.symbol("begin_signature")
    view = machine.phys.view("u32", at, at + 12)
    assert view.readonly and list(view) == [0, 0, 7]
    machine.run()
    assert list(view) == [0x11223344, 0x1234, 7]
    with pytest.raises(TypeError):
        view[0] = 1
    machine.close()
    assert list(view) == [0x11223344, 0x1234, 7]
    assert len(quire.Machine.bare(bare_program, ram="16M").phys.view("u64")) == (16 << 20) // 8


def test_a_closed_machine_says_so(bare_program):
    machine = quire.Machine.bare(bare_program)
    machine.close()
    machine.close()
    assert "closed" in repr(machine)
    for use in (machine.run, lambda: machine.icount, lambda: machine.harts[0].pc, lambda: machine.phys[0x8000_0000]):
        with pytest.raises(quire.Busy, match="closed"):
            use()


def test_what_is_closed_or_runs_can_still_be_shown(bare_program):
    """By a debugger, or a notebook, at any time."""
    machine = quire.Machine.bare(bare_program)
    things = [machine, machine.harts[0], machine.harts[0].x, machine.phys, machine.mmu.tlb, machine.stdout, machine.console, machine.on, machine.record("insn"),
              machine.on.insn(4)(print), machine.snapshot()]
    shown = []

    def from_another_thread(e):
        thread = threading.Thread(target=lambda: shown.append([repr(thing) for thing in things]))
        thread.start()
        thread.join()

    machine.on.insn("_start")(from_another_thread)
    machine.run()
    assert len(shown) == 1 and all(text.startswith("<") for text in shown[0])
    machine.close()
    assert all(repr(thing).startswith("<") for thing in things)


def test_a_page_fault_travels_between_processes():
    fault = quire.PageFault(0x1234, "w", "no valid entry")
    twin = pickle.loads(pickle.dumps(fault))
    assert str(twin) == str(fault) and (twin.va, twin.access, twin.reason) == (0x1234, "w", "no valid entry")


def test_settings_that_cannot_be(bare_program):
    for settings in ({"ram": "1M"}, {"ram": "100T"}, {"ram": "much"}, {"tlb": "entries=3"}, {"tlb": {"ways": 0}}):
        with pytest.raises(ValueError):
            quire.Machine.bare(bare_program, **settings)


def test_bad_files_are_named(tmp_path, bare_program):
    (tmp_path / "text").write_text("hello")
    (tmp_path / "empty").touch()
    for path in (tmp_path / "none", tmp_path / "text", tmp_path / "empty", tmp_path):
        with pytest.raises(quire.FileError, match=str(path)):
            quire.Machine.bare(path)


def test_limits_that_cannot_be(machine):
    for limits in ({"max_insns": -1}, {"timeout": 0}, {"timeout": -1.5}):
        with pytest.raises(ValueError):
            machine.run(**limits)


def test_timeout(endless):
    with quire.Machine.bare(endless) as m:
        begin = time.monotonic()
        assert m.run(timeout=0.3).reason == "timeout"
        assert 0.25 < time.monotonic() - begin < 10
        assert m.icount > 1000


def test_threads_run_machines_side_by_side_and_others_are_told(endless):
    """The GIL is free while a guest runs: this thread goes on, and stop() reaches the other."""
    with quire.Machine.bare(endless) as m:
        stops = []
        thread = threading.Thread(target=lambda: stops.append(m.run()))
        thread.start()
        time.sleep(0.2)
        for use in (m.run, lambda: m.icount, m.close, lambda: m.phys[0x8000_0000], lambda: m.stats):
            with pytest.raises(quire.Busy, match="running"):
                use()
        with quire.Machine.bare(endless) as other:
            assert other.run(max_insns=100_000).reason == "limit"
        m.stop()
        thread.join(timeout=30)
        assert [stop.reason for stop in stops] == ["requested"]
        assert m.run(max_insns=10).reason == "limit"


def test_interrupt_comes_out_of_run_and_the_machine_goes_on(endless):
    # A shell's background job ignores SIGINT, and so would whatever it starts.
    code = f"""
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
import quire
m = quire.Machine.bare({str(endless)!r})
print("ready", flush=True)
try:
    m.run()
except KeyboardInterrupt:
    before = m.icount
    m.run(max_insns=100)
    print("went on", m.icount - before)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    try:
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert out == "went on 100\n"


def test_a_bare_machine_spawns_nothing(endless):
    with quire.Machine.bare(endless) as m, pytest.raises(quire.UsageError, match="bare"):
        m.spawn([endless])


def test_import_is_quick():
    # Of the processor, so that whatever else runs on the machine does not matter.
    code = "import time; a = time.process_time(); import quire; print(time.process_time() - a)"
    times = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout) for _ in range(5)]
    assert min(times) < (0.3 if SANITIZED else 0.1)


def test_the_core_needs_no_other_package():
    code = "import sys, quire; print([m for m in ('numpy', 'pandas', 'matplotlib') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_configuration_travels_with_the_machine(bare_program):
    with quire.Machine.bare(bare_program, ram="32M", seed=4, tlb={"entries": 64, "ways": 4, "policy": "lru"}) as m:
        assert m.config["seed"] == 4 and m.config["ram_bytes"] == 32 << 20
        assert m.config["tlb"] == m.mmu.tlb.config == {"entries": 64, "ways": 4, "policy": "lru", "check": "off"}
        assert m.config["version"] == quire.__version__

# --- extensions ---


def test_isa_leaves_extensions_out(endless):
    with quire.Machine.bare(endless, isa="rv64imac") as m:
        assert m.config["isa"].startswith("rv64imac_")
        assert "zba" not in m.config["isa"]
    with quire.Machine.bare(endless) as m:
        assert "_zba_" in m.config["isa"]


def test_an_impossible_isa_is_misuse(endless):
    with pytest.raises(quire.UsageError, match="'zzz'"):
        quire.Machine.bare(endless, isa="rv64gc_zzz")
