"""What users write, for mypy --strict: each part of the package once. Never run, only checked."""

from __future__ import annotations

import re
from pathlib import Path

import quire
from quire import fi


def whole_runs() -> None:
    r = quire.run("./primes", "1000", input="x", text=True, env={"A": "1"}, timeout=3, tlb={"entries": 64}, shares={"/d": Path(".")})
    status: int = r.returncode
    faults: int = r.stats.minor_faults
    hits: int | None = r.stats.tlb.hits
    print(status, faults, hits, r.stop.reason, r.digest, r.config["seed"])


def swept() -> None:
    table = quire.sweep("./primes", "1000", tlb=["entries=16", {"entries": 64}], seeds=range(5))
    print(len(table), table.columns, table["icount"], table.to_pandas())


def look(m: quire.Machine, p: quire.Process) -> None:
    h = m.harts[0]
    h.pc = h.x.a0 + h.csr.satp
    h.f.fa0 = h.f32["fa1"] + 0.5
    bits: int = h.fbits.fa0
    data = m.phys.read(0x8000_0000, 16)
    m.phys.write(0x8000_0000, data)
    m.phys[0x8000_0000:0x8000_0010] = data
    numbers: memoryview = m.phys.view("u64")
    walk: quire.Walk = m.mmu.walk(0x1000, "w", process=p)
    entries: list[quire.TlbEntry] = m.mmu.tlb.entries()
    page = p.page(0x1000)
    area: quire.Vma | None = p.vmas.find(0x1000)
    frames: quire.FrameStats = m.frames.stats
    use: str = m.frames[0x80000].use if page.frame is None else page.frame.use
    print(p.maps, [a.file for a in p.vmas], p.vmas[1:3].trouble, area, frames.free, use, page.dirty, p.symbol("main"))
    print(bits, numbers[0], walk.physical_address, [e.va for e in entries], page.sharers, p.virt.u64(0x1000), p.mappings[0].flags)


def called(m: quire.Machine, p: quire.Process) -> None:
    m.run(until=p.ending | quire.happens("cow", pid=p))
    m.record("mem_write", "page_fault", pid=p)

    @m.on.page_fault(pid=p)
    def fault(e: quire.Event) -> None:
        print(e.va, e.fields)

    @m.on.insn("main", pid=p)
    def at(e: quire.InsnEvent) -> None:
        icount: int = e.icount
        print(icount, e.pc, e.priv)
        m.stop()

    def wrote(e: quire.AccessEvent) -> None:
        print(e.va, e.value + e.size, e.access)

    with m.on.mem_write(0x1000, 0x2000)(wrote) as hook, m.on.trap("load page fault")(print), m.on.mmio("clint")(print):
        m.run(until=p.exited, max_insns=10**9)
        hits: int = hook.hits
        print(hits, fault.active)
    at.remove()


class Adder(quire.Device):
    name = "adder"
    compatible = ("example,adder-2", "example,adder")
    size = 0x2000

    def reset(self) -> None:
        self.total = 0

    def read(self, offset: int, size: int) -> int:
        return self.total & 0xFFFF_FFFF

    def write(self, offset: int, size: int, value: int) -> None:
        self.total += value + self.dma.u32(value) + self.now_ns
        event: int = self.after(100, self.done)
        self.cancel(event)
        if self.irq.level:
            raise quire.DmaError(value, size, "read")

    def done(self) -> None:
        self.irq.set(True)

    def state(self) -> list[int]:
        return [self.total]

    def restore(self, state: list[int]) -> None:
        [self.total] = state


def with_a_device() -> None:
    adder: Adder = Adder().at(0x1030_0000, irq=20)
    with quire.Machine.bare("driver.elf", devices=[adder, Adder()]) as m:
        m.run()
        print(adder.address, adder.irq.number, adder.total)


def recorded(m: quire.Machine) -> None:
    ev = m.record("fork", "page_fault", "cow", pid=2)
    insns = m.record("insn", lo="main", hi=0x9000, limit=10)
    first: quire.Event = ev[0]
    column: memoryview = insns.column("insn", "pc")
    print(first.icount, column[0], ev.filter("cow").count("pid"), ev.to_dict(), ev.to_pandas(), insns.to_numpy(), ev.dropped)


def handed_on(r: quire.Recording) -> None:
    r.write_trace("trace.json")
    r.write_parquet("insns.parquet", "insn")
    columns: dict[str, memoryview] = r.columns_of("insn")
    print(columns, r.__arrow_c_array__())


def backwards(m: quire.Machine) -> None:
    s = m.snapshot()
    m.step()
    m.step(-1)
    stop: quire.Stop = m.run_to(icount=1000)
    m.run_back(until=quire.happens("cow", pid=3) | quire.happens("fork"))
    m.restore(s)
    s.save("s.qs")
    diff = s.diff(quire.Snapshot.load("s.qs"))
    print(stop.pc, diff.values, bool(diff), s.digest)


def typed(kernel: Path) -> None:
    with quire.Machine.linux(kernel, initrd="initrd", append="console=ttyS0", drives=["d,snapshot"]) as m:
        text: str = m.console.expect("login: ", timeout=60)
        m.console.send("root\n")
        m.console.expect(re.compile(r"[$#] "))
        m.run(until=m.console.says("done"))
        print(text, m.console.transcript, m.console.dropped)


def machines() -> None:
    with quire.Machine.supervisor(ram="256M", seed=1, root="/tree", screen=(640, 480)) as m:
        p = m.spawn(["/bin/true"], env={}, cwd="/")
        look(m, p)
        called(m, p)
        recorded(m)
        backwards(m)
        m.screenshot("a.png")
        print(m.processes[p.pid].returncode, m.stats.icount, m.troubles)
    with quire.Machine.bare("program.elf", engine="jit") as bare:
        bare.stdin.write(b"x")
        print(bare.symbol("main"), bare.digest)
    print(fi.__all__)


def errors() -> None:
    try:
        whole_runs()
    except quire.ProgramFailed as failed:
        print(failed.completed)
    except (quire.UsageError, quire.FileError, quire.Busy, quire.PageFault, quire.NotSeen, quire.MissingPackage) as error:
        print(error)


def drawn(m: quire.Machine, p: quire.Process) -> None:
    quire.plot.address_space(p).figure.savefig("space.png")
    ax = quire.plot.fault_timeline(m.record("page_fault", pid=p))
    quire.plot.working_set(m.record("mem_access", pid=p), window=10_000, ax=ax)
    quire.plot.page_sharing([p, *m.processes.values()])
    quire.plot.tlb_misses(quire.sweep("./primes", tlb=["entries=16", "entries=64"]), label="primes")
