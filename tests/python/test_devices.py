"""Devices in Python: registers, interrupts, DMA and timers; exceptions, snapshots, and wrong use."""

import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest
import quire

ROOT = Path(__file__).resolve().parents[2]
ADDRESS, IRQ = 0x1030_0000, 20
ENGINES = ["interp", "jit"]

# Writes 1..ROUNDS to the device's register 0 and adds up what register 8 reads; counts external interrupts in s2; ends
# through tohost with status 5 when that is done and the device has set bit 0 of register 16.
SOURCE = """
    .globl _start, access, sum
_start:
    la t0, handler
    csrw mtvec, t0
    li s0, 0x10300000
    li t0, 0x0c000000      // the PLIC: priority, enable, threshold
    li t1, 1
    sw t1, 4*20(t0)
    li t1, 1 << 20
    li t2, 0x0c002000
    sw t1, 0(t2)
    li s1, 0x0c200000
    sw zero, 0(s1)
    li t0, 1 << 11
    csrs mie, t0
    csrsi mstatus, 8
    li s2, 0
    li s3, 0               // the sum
    li s4, 1
    li s5, ROUNDS
access:
    sd s4, 0(s0)
    ld t0, 8(s0)
    add s3, s3, t0
    addi s4, s4, 1
    ble s4, s5, access
wait:
    ld t0, 16(s0)
    andi t0, t0, 1
    beqz t0, wait
    la t0, sum
    sd s3, 0(t0)
    la t1, tohost
    li t0, 11
    sd t0, 0(t1)
2:  j 2b
    .balign 4
handler:
    lw t5, 4(s1)           // claim
    addi s2, s2, 1
    sw zero, 24(s0)        // the device lowers its line
    sw t5, 4(s1)           // complete
    mret
    .data
    .balign 8
sum: .dword 0
    .section .tohost, "aw", @progbits
    .balign 64
    .globl tohost, fromhost
tohost: .dword 0
fromhost: .dword 0
"""


class Doubler(quire.Device):
    """Doubles what is written; each tenth value asserts the line; is ready 500 ns after the last round."""

    compatible = ("example,doubler-2", "example,doubler")

    def __init__(self, rounds=100):
        self.rounds = rounds
        self.seen = []

    def reset(self):
        self.value = 0
        self.ready = False

    def read(self, offset, size):
        return {8: self.value * 2, 16: int(self.ready)}.get(offset, 0)

    def write(self, offset, size, value):
        if offset == 0:
            self.value = value
            self.seen.append((self.now_ns, value))
            if value % 10 == 0:
                self.irq.set(True)
            if value == self.rounds:
                self.after(500, self.finish)
        elif offset == 24:
            self.irq.set(False)

    def finish(self):
        self.ready = True

    def state(self):
        return {"value": self.value, "ready": self.ready, "bytes": b"\0\xff", "seen": self.seen}

    def restore(self, state):
        assert state["bytes"] == b"\0\xff"
        self.value, self.ready = state["value"], state["ready"]
        self.seen = [tuple(pair) for pair in state["seen"]]


@pytest.fixture(scope="module")
def driver(link_bare):
    return link_bare(SOURCE.replace("ROUNDS", "100"))


def machine(driver, device=None, engine="interp", **settings):
    device = Doubler() if device is None else device
    return quire.Machine.bare(driver, ram="64M", engine=engine, devices=[device.at(ADDRESS, irq=IRQ)], **settings)


@pytest.mark.parametrize("engine", ENGINES)
def test_registers_interrupts_and_timers(driver, engine):
    device = Doubler()
    with machine(driver, device, engine) as m:
        stop = m.run(max_insns=100_000)
        assert (stop.reason, stop.exit_status) == ("exited", 5), stop
        assert m.phys.u64(m.symbol("sum")) == 2 * sum(range(1, 101))
        assert m.harts[0].x.s2 == 10, "ten interrupts"
        assert [value for _, value in device.seen] == list(range(1, 101))
        assert m.stats.interrupts == 10
        assert m.config["devices"] == {"doubler": {"class": "Doubler", "address": ADDRESS, "size": 0x1000, "irq": IRQ}}


def test_engines_and_slices_change_nothing(driver):
    def digest(engine, slice_insns):
        with machine(driver, engine=engine) as m:
            while m.run(max_insns=slice_insns).reason != "exited":
                assert m.icount < 100_000
            return m.digest, m.icount

    assert len({digest(engine, insns) for engine in ENGINES for insns in (1, 7, 100_000)}) == 1


class Copier(quire.Device):
    """Register 0: an address; a write to register 8 copies so many bytes from there to 0x8030_0000."""

    def __init__(self, catches=False):
        self.catches = catches
        self.failed = None

    def reset(self):
        self.source = 0

    def read(self, offset, size):
        return 1 if offset == 16 else 0

    def write(self, offset, size, value):
        if offset == 0:
            self.source = 0x8020_0000 if value < 100 else 0x1000
        if value not in (99, 100) or offset != 0:
            return
        try:
            self.dma[0x8030_0000:0x8030_0010] = self.dma.read(self.source, 16)
        except quire.DmaError as error:
            self.failed = error
            if not self.catches:
                raise


@pytest.mark.parametrize("engine", ENGINES)
def test_dma(driver, engine):
    with machine(driver, Copier(catches=True), engine) as m:
        m.phys.write(0x8020_0000, bytes(range(16)))
        m.run(max_insns=100_000)
        assert m.phys.read(0x8030_0000, 16) == bytes(range(16))
        error = m._devices[0].failed
        assert (error.address, error.size, error.access) == (0x1000, 16, "read") and "0x1000" in str(error)
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_dma_writes_instructions(link_bare):
    """Code that the device writes is what is executed next, translated or not."""
    program = link_bare("""
        .option norvc
        .globl _start, patch
        _start:
            li s0, 0x10300000
            li s1, 300
        again:
            la t0, patch
            sd t0, 0(s0)
            fence.i
        patch:
            addi a0, a0, 1
            addi s1, s1, -1
            bnez s1, again
        1:  j 1b
    """)

    class Patcher(quire.Device):
        def write(self, offset, size, value):
            self.dma.write(value, (0x00250513).to_bytes(4, "little"))  # addi a0, a0, 2

    for engine in ENGINES:
        with machine(program, Patcher(), engine) as m:
            m.run(max_insns=5_000)
            assert m.harts[0].x.a0 == 600


def test_dma_outside_ram_comes_out_of_run(driver):
    with machine(driver, Copier()) as m:
        with pytest.raises(quire.DmaError, match="16 bytes at 0x1000: not all of them are RAM"):
            m.run(max_insns=100_000)


def test_dma_of_impossible_sizes(driver):
    device = Doubler()
    with machine(driver, device) as m:
        for address, size in [(m.phys.base, m.phys.size + 1), (m.phys.base, 1 << 62), ((1 << 64) - 8, 16)]:
            with pytest.raises(quire.DmaError):
                device.dma.read(address, size)
        assert device.dma.read(0, 0) == b""
        with pytest.raises(quire.DmaError, match="write 8 bytes at 0x83fffffc"):
            device.dma.write(0x83FF_FFFC, b"12345678")
        assert m.phys.read(0x83FF_FFFC, 4) == bytes(4), "nothing is written then"


class Broken(Doubler):
    def __init__(self, where, error=ZeroDivisionError("broken")):
        super().__init__()
        self.where = where
        self.error = error

    def fail(self, here):
        if here == self.where and self.error is not None:
            error, self.error = self.error, None
            raise error

    def read(self, offset, size):
        self.fail("read")
        return super().read(offset, size)

    def write(self, offset, size, value):
        super().write(offset, size, value)
        self.fail("write")

    def finish(self):
        super().finish()
        self.fail("finish")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("where", ["read", "write", "finish"])
def test_exceptions_come_out_of_run(driver, where, engine):
    device = Broken(where)
    error = device.error
    with machine(driver, device, engine) as m:
        with pytest.raises(ZeroDivisionError) as raised:
            m.run(max_insns=100_000)
        assert raised.value is error
        after = m.harts[0].pc - m.symbol("access")
        assert after == {"read": 8, "write": 4}.get(where, after), "after the instruction"
        if where == "read":
            assert m.harts[0].x.t0 == 0
        assert m.run(max_insns=100_000).exit_status == 5, "and the machine goes on"


def test_ctrl_c_in_a_device(driver):
    with machine(driver, Broken("write", KeyboardInterrupt())) as m:
        with pytest.raises(KeyboardInterrupt):
            m.run(max_insns=100_000)
        assert m.run(max_insns=100_000).reason == "exited"


@pytest.mark.parametrize(("value", "message"), [
    (None, "returned None, which is no whole number"), ("7", "returned '7'"), (1.5, "returned 1.5"),
    (-1, "returned -1, which 8 bytes do not hold; mask it"), (1 << 64, "returned 18446744073709551616, which 8 bytes"),
    pytest.param(10**5000, "returned a number of more than 256 bits, which 8 bytes", id="huge")])
def test_what_a_read_may_not_return(driver, value, message):
    class Odd(quire.Device):
        def read(self, offset, size):
            return value

    with machine(driver, Odd()) as m, pytest.raises(quire.UsageError, match=f"device 'odd' {message}"):
        m.run(max_insns=100)


def test_a_device_cannot_use_its_machine(driver):
    tried = []

    class Curious(Doubler):
        def write(self, offset, size, value):
            super().write(offset, size, value)
            if value == 1:
                for action in (self.m.run, self.m.close, self.m.snapshot, lambda: self.m.harts[0].pc, lambda: self.m.spawn(["x"])):
                    with pytest.raises(quire.Busy, match="in the middle of an instruction"):
                        action()
                    tried.append(action)
            if value == 7:
                self.m.stop()

    device = Curious()
    with machine(driver, device) as m:
        device.m = m
        assert m.run(max_insns=100_000).reason == "requested"
        assert len(tried) == 5 and device.value == 7
        assert m.run(max_insns=100_000).exit_status == 5


def test_other_threads_wait(driver):
    """What is not the device's call finds the machine busy, lines included."""
    inside, go_on, found = threading.Event(), threading.Event(), []

    class Slow(Doubler):
        def write(self, offset, size, value):
            super().write(offset, size, value)
            if value == 3:
                inside.set()
                assert go_on.wait(60)

    device = Slow()
    with machine(driver, device) as m:
        thread = threading.Thread(target=lambda: found.append(m.run(max_insns=100_000)))
        thread.start()
        assert inside.wait(60)
        for action in (lambda: device.irq.set(True), lambda: device.dma.read(m.phys.base, 1), lambda: m.icount):
            with pytest.raises(quire.Busy, match="another thread"):
                action()
        go_on.set()
        thread.join()
        assert found[0].exit_status == 5


@pytest.mark.parametrize("engine", ENGINES)
def test_snapshots(driver, engine, tmp_path):
    """From the middle, with a line asserted or a timer that runs, it ends as the run that was never interrupted."""
    with machine(driver, engine=engine) as m:
        m.run(max_insns=100_000)
        whole = (m.digest, m.icount)
    for insns in (20, 300, 530, 640):
        device = Doubler()
        with machine(driver, device, engine) as m:
            m.run(max_insns=insns)
            snapshot, value, seen = m.snapshot(), device.value, list(device.seen)
            for _ in range(2):
                m.run(max_insns=100_000)
                assert (m.digest, m.icount) == whole
                m.restore(snapshot)
                assert (device.value, device.seen) == (value, seen)
            snapshot.save(tmp_path / "a.qs")
        with machine(driver, engine=engine) as other:
            other.restore(quire.Snapshot.load(tmp_path / "a.qs"))
            other.run(max_insns=100_000)
            assert (other.digest, other.icount) == whole


def test_going_backwards(driver):
    device = Doubler()
    with machine(driver, device) as m:
        start = m.snapshot()
        m.run(max_insns=300)
        value = device.value
        m.run(max_insns=100)
        m.step(-100)
        assert (m.icount, device.value) == (start.icount + 300, value)


def test_a_device_without_a_state_has_no_snapshots(driver):
    class Forgetful(quire.Device):
        state = "idle"  # an attribute of that name is no method

    with machine(driver, Forgetful()) as m:
        with pytest.raises(quire.UsageError, match="machine's forgetful has no state\\(\\) and restore"):
            m.snapshot()
        m.run(max_insns=100)


@pytest.mark.parametrize(("state", "message"), [
    ({1: 2}, "the key 1"), ({"a": {3, 4}}, "returned a set"), (object, "returned a type"), ({"__bytes__": ""}, "__bytes__")])
def test_states_that_would_not_come_back(driver, state, message):
    class Odd(Doubler):
        def state(self):
            return state

    with machine(driver, Odd()) as m:
        with pytest.raises(quire.UsageError, match=message):
            m.snapshot()
        assert m.run(max_insns=100_000).exit_status == 5


def test_a_restore_that_fails_leaves_the_machine_as_it_was(driver):
    class Fragile(Doubler):
        broken = False

        def restore(self, state):
            if self.broken and state["value"] < 50:
                raise RuntimeError("no way back")
            super().restore(state)

    device = Fragile()
    with machine(driver, device) as m:
        m.run(max_insns=100)
        early = m.snapshot()
        while device.value < 60:
            m.run(max_insns=10)
        device.broken = True
        before = (m.digest, device.value)
        with pytest.raises(RuntimeError, match="no way back"):
            m.restore(early)
        assert (m.digest, device.value) == before
        assert m.run(max_insns=100_000).exit_status == 5


def test_lines_and_memory_between_runs(driver):
    """What is done to a device from outside is done to the machine, and cuts the way back."""
    device = Doubler()
    with machine(driver, device) as m:
        m.run(max_insns=50)
        kept = m.snapshot()
        assert not device.irq.level and device.irq.number == IRQ and "not asserted" in repr(device.irq)
        device.irq.set(True)
        device.dma.write(0x8020_0000, b"hello")
        assert device.irq.level and m.phys.read(0x8020_0000, 5) == b"hello"
        m.run(max_insns=10)
        assert m.harts[0].x.s2 == 1, "the interrupt came"
        with pytest.raises(quire.UsageError, match="no way leads back"):
            m.step(-3)
        m.restore(kept)
        assert not device.irq.level
        assert device.now_ns == m.time_ns


def test_events_that_are_cancelled(driver):
    class Undecided(Doubler):
        def write(self, offset, size, value):
            if value == self.rounds:
                self.cancel(self.after(5, self.never))
                self.cancel(12345)
            super().write(offset, size, value)

        def never(self):
            raise AssertionError("it was cancelled")

    with machine(driver, Undecided()) as m:
        assert m.run(max_insns=100_000).exit_status == 5


def test_after_takes_methods_of_the_device(driver):
    device = Doubler()
    with machine(driver, device) as m:
        m.run(max_insns=10)
        for method in (lambda: None, "finish", Doubler().finish, print):
            with pytest.raises(quire.UsageError, match="a method of the device itself"):
                device.after(10, method)
        with pytest.raises(quire.UsageError, match="delay_ns"):
            device.after(-1, device.finish)
        with pytest.raises(quire.UsageError, match="end of time"):
            device.after((1 << 64) - 1, device.finish)


def test_after_takes_private_methods(driver):
    class Ticking(Doubler):
        def read(self, offset, size):
            self.after(3, self.__tick)
            return super().read(offset, size)

        def __tick(self):
            self.ticks = getattr(self, "ticks", 0) + 1

    device = Ticking()
    with machine(driver, device) as m:
        m.run(max_insns=1000)
        assert device.ticks > 1


@pytest.mark.parametrize(("place", "message"), [
    ({"address": 0x1000_0000}, "'doubler' at 0x10000000\\.\\.0x10001000 overlaps the UART"),
    ({"address": 0x8000_0000}, "overlaps RAM"), ({"address": 0x1020_1000}, "overlaps the DMA engine"),
    ({"address": 0x1030_0004}, "give a multiple of 0x1000"), ({"address": -1}, "address=-1"), ({"address": 1 << 60}, "end at"),
    ({"irq": 10}, "interrupt 10, which is the UART's"), ({"irq": 96}, "there are 1 to 95"), ({"irq": 0}, "there are 1 to 95"),
    ({"irq": "x"}, "irq='x'")])
def test_places_that_cannot_be(driver, place, message):
    with pytest.raises(quire.UsageError, match=message):
        quire.Machine.bare(driver, devices=[Doubler().at(**place)])


def device_with(**attributes):
    return type("Doubler", (Doubler,), attributes)()


@pytest.mark.parametrize(("devices", "message"), [
    (lambda: Doubler(), "a list of quire.Device"), (lambda: [Doubler], "write its parentheses"), (lambda: [3], "derives from quire.Device"),
    (lambda: [Doubler(), Doubler()], "'doubler' is there twice"), (lambda: [device_with(size=3)], "cannot be 3 bytes large"),
    (lambda: [device_with(size=1 << 40)], "at most 256 MiB"), (lambda: [device_with(name="two words")], "no name for a device"),
    (lambda: [device_with(name="\udcff")], "name='.udcff'"), (lambda: [device_with(name=5)], "name=5"),
    (lambda: [device_with(compatible="\udcff")], "compatible="), (lambda: [device_with(compatible=5)], "compatible=5"),
    (lambda: [device_with(compatible=[""])], "compatible"), (lambda: [device_with(compatible=[3])], "compatible"),
    (lambda: [Doubler().at(ADDRESS), device_with(name="other").at(ADDRESS)], "overlaps the device 'doubler'"),
    (lambda: [Doubler().at(irq=20), device_with(name="other").at(irq=20)], "another added device's")])
def test_devices_that_cannot_be(driver, devices, message):
    with pytest.raises(quire.UsageError, match=message):
        quire.Machine.bare(driver, devices=devices())


def test_one_object_is_one_device(driver):
    device = Doubler()
    with pytest.raises(quire.UsageError, match="on no machine yet"):
        device.irq.set(True)
    with machine(driver, device):
        assert repr(device) == "<Doubler at 0x10300000, interrupt 20>"
        with pytest.raises(quire.UsageError, match="on a machine already"):
            machine(driver, device)
    assert "closed" in repr(device)
    with pytest.raises(quire.Busy, match="closed"):
        device.irq.set(True)
    with machine(driver, device) as m:
        assert m.run(max_insns=100_000).exit_status == 5, "it starts over on another machine"


def test_a_reset_that_fails(driver):
    class Dead(quire.Device):
        def reset(self):
            raise RuntimeError("no power")

    with pytest.raises(RuntimeError, match="no power"):
        machine(driver, Dead())


def test_machines_and_devices_that_know_each_other_are_freed(driver):
    class Knowing(Doubler):
        pass

    device = Knowing()
    m = device.m = machine(driver, device)
    m.run(max_insns=100)
    gone = weakref.ref(device)
    del m, device
    gc.collect()
    assert gone() is None


def test_the_board_gives_places(driver):
    first, second = Doubler(), device_with(name="second", size=0x2000)
    with quire.Machine.bare(driver, devices=[first, second]) as m:
        assert (first.address, second.address) == (0x400_0000, 0x400_1000)
        assert {first.irq.number, second.irq.number} == {64, 65}
        tree = m.phys.read(m.harts[0].x.a1, 4096)
        assert b"example,doubler-2\0example,doubler\0" in tree and b"second@4001000" in tree


def test_on_the_supervisor(compile_c):
    """A device may be there beside programs; its timer and DMA work while they run."""

    class Ticker(quire.Device):
        def reset(self):
            self.ticks = 0
            self.after(1000, self.tick)

        def tick(self):
            self.ticks += 1
            self.after(100_000, self.tick)

    program = compile_c('#include <stdio.h>\nint main(void) { for (volatile int i = 0; i < 300000; i++) {} puts("done"); }')
    ticker = Ticker()
    with quire.Machine.supervisor(devices=[ticker]) as m:
        before, begin = ticker.ticks, m.time_ns
        p = m.spawn([program])
        m.run(until=p.exited)
        assert p.returncode == 0
        assert abs(ticker.ticks - before - (m.time_ns - begin) // 100_000) <= 1 and ticker.ticks > before
        # All processes wait now; the ticks go on.
        assert m.run(timeout=0.3).reason == "timeout"


def test_ctrl_c_while_a_guest_waits(link_bare):
    """It executes nothing, and a device always has something scheduled: the run would never end."""

    class Ticker(quire.Device):
        ticks = 0

        def reset(self):
            self.after(1000, self.reset)
            self.ticks += 1
            if self.ticks == 5:
                os.kill(os.getpid(), signal.SIGINT)

    with machine(link_bare("1: wfi\n j 1b\n.globl _start\n.set _start, 1b"), Ticker()) as m:
        with pytest.raises(KeyboardInterrupt):
            m.run()
        assert m.run(timeout=0.05).reason == "timeout"


def test_the_example(tmp_path):
    done = subprocess.run([sys.executable, ROOT / "examples/devices/crc_engine.py"], capture_output=True, text=True, timeout=120,
                          cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("right\n") == 3 and "refused\n" in done.stdout and "and 4 interrupts" in done.stdout
