"""What the machine does, recorded natively: the same as callbacks see, at a fraction of the cost."""

import copy
import pickle

import pytest
import quire

from .test_hooks import ENGINES, PROGRAM, ROUNDS, SOURCE


@pytest.fixture(scope="module")
def program(link_bare):
    return link_bare(SOURCE)


@pytest.fixture(params=ENGINES)
def m(request, program):
    with quire.Machine.bare(program, ram="16M", engine=request.param) as machine:
        yield machine


def test_every_instruction_in_order(m, program):
    with quire.Machine.bare(program, ram="16M") as watched:
        seen = []
        watched.on.insn()(lambda e: seen.append((e.icount, e.pc)))
        watched.run()
        digest = watched.digest
    r = m.record("insn")
    m.run()
    assert list(zip(r.column("insn", "icount"), r.column("insn", "pc"), strict=True)) == seen
    assert m.digest == digest and r.events == ["insn"] and r.dropped == 0
    assert (r[0].pc, r[-1].icount) == (m.symbol("_start"), m.icount - 1)


@pytest.mark.parametrize("pieces", [[1] * 400, [7, 300, 13, 1000], [100_000]])
def test_however_the_run_is_sliced(pieces, m):
    r = m.record("insn")
    for piece in pieces:
        m.run(max_insns=piece)
    assert list(r["icount"]) == list(range(m.icount))


def test_the_supervisor_and_its_programs_as_callbacks_see_them(compile_c):
    """Page faults, interrupts, instructions that straddle pages: two mechanisms that share little."""
    def run(watch):
        with quire.Machine.supervisor(ram="64M") as m:
            p = m.spawn([compile_c(PROGRAM)])
            m.run(max_insns=50_000)
            seen = watch(m)
            m.run(until=p.exited, max_insns=400_000)
            return [(icount, pc) for icount, pc in seen()], m.digest

    def by_callback(m):
        seen = []
        m.on.insn()(lambda e: seen.append((e.icount, e.pc)))
        return lambda: seen

    def by_recorder(m):
        r = m.record("insn")
        return lambda: zip(r.column("insn", "icount"), r.column("insn", "pc"), strict=True)

    called, recorded = run(by_callback), run(by_recorder)
    assert called[1] == recorded[1]
    # A callback comes before the fetch, which may fault; what was not fetched is not recorded.
    assert set(recorded[0]) <= set(called[0]) and len(called[0]) - len(recorded[0]) < len(called[0]) // 1000
    assert len(recorded[0]) > 100_000 and recorded[0] == sorted(recorded[0])


def test_an_event_can_be_copied_and_sent_to_another_process(m):
    r = m.record("insn")
    m.run(max_insns=10)
    for twin in (copy.copy(r[3]), pickle.loads(pickle.dumps(r[3]))):
        assert (twin.event, twin.icount, twin.pc) == ("insn", r[3].icount, r[3].pc)
        with pytest.raises(AttributeError, match="no field 'va'"):
            twin.va


def test_a_limit_that_no_memory_holds_is_refused(m):
    with pytest.raises(quire.UsageError, match="limit"):
        m.record("insn", limit=1 << 61)


def test_a_range_and_a_limit(m):
    r = m.record("insn", lo="loop", hi=m.symbol("patch"))
    first = m.record("insn", limit=10)
    m.run()
    assert r["pc"] == [m.symbol("loop"), m.symbol("back")] * ROUNDS
    assert len(first) == 10 and first["icount"] == list(range(10)) and first.dropped == m.icount - 10


def test_accesses(m):
    r = m.record("mem_access", lo="word")
    writes = m.record("mem_write")
    m.run()
    pairs = [(e.event, e.va, e.size, e.value) for e in r]
    word = m.symbol("word")
    assert pairs == [(event, word, 8, value) for value in range(ROUNDS, 0, -1) for event in ("mem_write", "mem_read")]
    assert len(writes) == ROUNDS + 2  # mtimecmp and tohost as well
    assert r.filter("mem_read", value=7)[0].icount == r.filter("mem_write", value=7)[0].icount + 1


ACCESSES = """
    .globl _start
_start:
    la t1, word
    la t2, edge - 4
    li a1, 0x1122334455667788
    li a5, 3
1:  sd a1, 0(t1)
    lb a2, 7(t1)
    sh a1, 2(t1)
    sb a1, 1(t1)
    lwu a2, 3(t1)
    sd a1, 0(t2)            # across two pages
    ld a2, 0(t2)
    amoadd.w a2, a1, (t1)
    amomax.d a2, a1, (t1)
    lr.d a2, (t1)
    sc.d a3, a1, (t1)
    sc.d a3, a1, (t1)       # fails
    .insn r 0x2f, 3, 0x14, a2, t1, a1   # amocas.d: rarely finds what it expects
    mv a2, a1
    .insn r 0x2f, 3, 0x14, a2, t1, a3
    mv s2, a1
    li s3, 0
    mv s4, a1
    li s5, 9
    addi t3, t1, 16
    .insn r 0x2f, 4, 0x14, s2, t3, s4   # amocas.q
    .insn i 0x0f, 2, x0, t1, 4   # cbo.zero
    li t0, 0x6000
    csrs mstatus, t0
    fmv.d.x fa0, a1
    fsd fa0, 8(t1)
    flw fa1, 8(t1)
    li t0, 0x200bff8
    ld t0, 0(t0)            # a device's
    addi a5, a5, -1
    j over
    .balign 4096
    .skip 4094
over:
    .option push
    .option norvc
    ld a2, 0(t1)            # the instruction straddles two pages
    sd a2, 40(t1)
    .option pop
    bnez a5, 1b
    la t1, tohost
    li t0, 1
    sd t0, 0(t1)
2:  j 2b
    .data
    .balign 4096
word: .zero 4096
edge: .zero 4096
    .section .tohost, "aw", @progbits
    .balign 4096
    .globl tohost
tohost: .dword 0
"""


def fields(e):
    return e.icount, e.pc, e.va, e.size, e.value, "w" if getattr(e, "event", "") == "mem_write" else getattr(e, "access", "r")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("pieces", [[], [1] * 60, [7, 11, 13] * 5])
def test_accesses_of_every_kind_as_callbacks_see_them(engine, pieces, link_bare):
    program = link_bare(ACCESSES)

    def run(watch):
        with quire.Machine.bare(program, ram="16M", engine=engine) as m:
            seen = watch(m)
            for piece in pieces:
                m.run(max_insns=piece)
            m.run()
            return seen(), m.digest

    def by_callback(m):
        seen = []
        m.on.mem_access(0, 1 << 64)(lambda e: seen.append((e.icount, e.pc, e.va, e.size, e.value, e.access)))
        return lambda: seen

    def by_recorder(m):
        r = m.record("mem_access")
        return lambda: [fields(e) for e in r]

    called, recorded = run(by_callback), run(by_recorder)
    assert recorded == called and len(called[0]) > 90
    assert {row[3] for row in called[0]} == {1, 2, 4, 8} and all(value < 1 << 8 * size for *_, size, value, _ in called[0])


def test_kinds_are_in_the_order_in_which_they_happened(m):
    r = m.record("insn", "mem_access", "trap", "interrupt")
    for _ in range(3):
        m.run(max_insns=777)
    m.run()
    events = list(r)
    places = [(e.icount, e.event != "insn") for e in events if e.event not in ("trap", "interrupt")]
    assert places == sorted(places)
    trap = next(i for i, e in enumerate(events) if e.event == "trap")
    assert events[trap - 1].pc == events[trap].pc and events[trap + 1].pc == m.symbol("handler")


def test_accesses_recorded_from_a_callback_on(m):
    """The engine may be another one from there on; the callback is not called twice."""
    recordings, hits = [], []

    def begin(e):
        hits.append(e.icount)
        if len(hits) == 10:
            recordings.append(m.record("mem_write", lo="word"))
        if len(hits) == 20:
            recordings[0].stop()

    m.on.insn("loop")(begin)
    m.run()
    assert len(hits) == len(set(hits)) == ROUNDS
    assert recordings[0]["value"] == list(range(ROUNDS - 9, ROUNDS - 19, -1))


def test_the_engine_is_counted_from_the_start_also_over_a_recording(m):
    m.run(max_insns=300)
    before = m.stats.engine
    assert before.instead == ""
    recording = m.record("insn")
    m.run(max_insns=300)
    if before.name == "jit":
        assert "recorded" in m.stats.engine.instead
    recording.stop()
    m.run(max_insns=300)
    after = m.stats.engine
    assert after.instead == "" and after.name == before.name
    assert after.blocks_built >= before.blocks_built > 0
    assert after.cold_insns >= before.cold_insns


def test_of_one_process_alone(compile_c):
    def run(watch):
        with quire.Machine.supervisor(ram="64M") as m:
            p = m.spawn([compile_c(PROGRAM)])
            m.run(until=quire.happens("fork"))
            child = max(m.processes)
            seen = watch(m, m.process(child))
            m.run(until=p.exited)
            return seen(), m.digest

    def by_callback(m, child):
        seen = []
        m.on.mem_write(0, 1 << 64, pid=child)(lambda e: seen.append((e.icount, e.pc, e.va, e.size, e.value, "w")))
        return lambda: seen

    def by_recorder(m, child):
        r, faults = m.record("mem_write", pid=child), m.record("mem_write", "page_fault", pid=child)
        return lambda: ([fields(e) for e in r], [fields(e) for e in faults.filter("mem_write")], set(faults.filter("page_fault")["pid"]), child.pid)

    called = run(by_callback)
    (recorded, again, pids, child), digest = run(by_recorder)
    assert recorded == again == called[0] and digest == called[1] and len(recorded) > 1000 and pids == {child}


def test_traps_interrupts_and_the_mmu(compile_c):
    with quire.Machine.supervisor(ram="64M") as m:
        before = m.stats
        r = m.record("trap", "interrupt", "walk", "tlb_fill", "fence", "sbi", "page_fault")
        p = m.spawn([compile_c(PROGRAM)])
        m.run(until=p.exited)
        counts, stats = r.count("event"), m.stats
        assert counts["trap"] == stats.traps - before.traps
        assert counts["interrupt"] == stats.interrupts - before.interrupts
        assert counts["walk"] == stats.tlb.walks - before.tlb.walks
        assert counts["page_fault"] == len(r.filter("page_fault")) > 0
        assert [e.icount for e in r] == sorted(e.icount for e in r)
        sbi = m.record("insn", limit=0)
        assert len(sbi) == 0


def test_columns_are_in_place_and_outlive_everything(program):
    m = quire.Machine.bare(program, ram="16M")
    r = m.record("insn")
    m.run(max_insns=100)
    column = r.column("insn", "pc")
    assert column.readonly and column.format == "Q" and len(column) == 100
    first = list(column)
    m.run(max_insns=100)
    assert list(column) == first and len(r.column("insn", "pc")) == 200
    r.clear()
    m.run(max_insns=50)
    m.close()
    assert list(column) == first and len(r.column("insn", "pc")) == 50
    del r, m
    assert list(column) == first


def test_restoring_goes_on_recording(m):
    r = m.record("insn")
    m.run(max_insns=10)
    snapshot = m.snapshot()
    m.run(max_insns=7)
    m.restore(snapshot)
    m.run(max_insns=5)
    assert r["icount"] == [*range(17), *range(10, 15)]


def test_stopping_and_misuse(m):
    r = m.record("insn")
    m.run(max_insns=10)
    r.stop()
    m.run(max_insns=10)
    assert len(r) == 10
    for call, part in [(lambda: m.record("nothing"), "mem_access"), (lambda: m.record("insn", lo=5, hi=5), "range"),
                       (lambda: m.record("insn", limit=-1), "limit=-1"), (lambda: m.record("insn", va=1), "'va'"),
                       (lambda: r.column("insn", "va"), "'va'"), (lambda: r["colour"], "colour")]:
        with pytest.raises(quire.UsageError, match=part):
            call()


def test_a_package_that_is_not_there_is_named(m, monkeypatch):
    import sys

    for package, use in (("pandas", "to_pandas"), ("numpy", "to_numpy")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(quire.MissingPackage, match=rf"{use}\(\) needs {package}.*pip install {package}") as error:
            getattr(m.record("insn"), use)()
        assert isinstance(error.value, ImportError)
