"""m.on: functions called at the exact instruction, and what they may and may not do."""

import gc
import platform
import signal
import threading
import time
import weakref

import pytest
import quire

# Counts down from 1000; each round stores a1 to `word` and loads it back. Then a timer interrupt, an ecall, an
# illegal instruction and an end through tohost with status 5.
SOURCE = """
    .globl _start, loop, back, word, handler, patch
_start:
    la t1, handler
    csrw mtvec, t1
    la t1, word
    li a1, 1000
    li a3, 0
loop:
    sd a1, 0(t1)
back:
    ld a2, 0(t1)
patch:
    addi a3, a3, 1
    addi a1, a1, -1
    bnez a1, loop
    li t2, 0x2004000
    sd zero, 0(t2)
    li t0, 0x80
    csrs mie, t0
    csrsi mstatus, 8
    nop
    ecall
    .word 0
    la t1, tohost
    li t0, 11
    sd t0, 0(t1)
2:  j 2b
    .balign 4
handler:
    csrr t3, mcause
    bltz t3, 3f
    csrr t4, mepc
    addi t4, t4, 4
    csrw mepc, t4
    mret
3:  csrw mie, zero
    mret
    .data
    .balign 4096
    .globl tohost, fromhost
word: .dword 0
    .section .tohost, "aw", @progbits
    .balign 4096
tohost: .dword 0
fromhost: .dword 0
"""
ROUNDS = 1000
ENGINES = ["interp", "jit,threshold=1"] if platform.machine() == "x86_64" else ["interp"]
MTIMECMP = 0x2004000

PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  char *at = malloc(1 << 20);
  for (int i = 0; i < 8; i++) at[i * 4096] = i;
  if (fork() == 0) { at[0] = 1; _exit(0); }
  wait(0);
  puts("done");
  return 3;
}
"""


@pytest.fixture(scope="module")
def program(link_bare):
    return link_bare(SOURCE)


@pytest.fixture(params=ENGINES)
def m(request, program):
    with quire.Machine.bare(program, ram="16M", engine=request.param) as machine:
        yield machine


@pytest.fixture(scope="module")
def plain(program):
    """How the program ends when nobody looks."""
    with quire.Machine.bare(program, ram="16M") as machine:
        machine.run()
        return machine.icount, machine.digest


def end(machine):
    stop = machine.run()
    assert (stop.reason, stop.exit_status) == ("exited", 5)
    return machine.icount, machine.digest


def test_before_the_instruction_at_a_place(m, plain):
    seen = []

    @m.on.insn("loop")
    def at_loop(e):
        seen.append((e.pc, m.harts[0].pc, e.icount, m.icount, m.harts[0].x.a1, e.priv, e.hart, e.event))

    assert end(m) == plain
    loop = m.symbol("loop")
    assert [row[:2] for row in seen] == [(loop, loop)] * ROUNDS
    assert all(row[2] == row[3] for row in seen)
    assert [row[4] for row in seen] == list(range(ROUNDS, 0, -1))
    assert seen[0][5:] == ("m", 0, "insn")
    assert at_loop.hits == ROUNDS and at_loop.active


def test_every_instruction_and_a_range(m, plain):
    whole, part = [], []
    m.on.insn()(lambda e: whole.append(e.icount))
    m.on.insn("loop", m.symbol("patch"))(lambda e: part.append(e.pc))
    assert end(m)[1] == plain[1]
    # A trap counts as an instruction, and those of ecall, illegal instruction and the rest are all there.
    assert whole == list(range(plain[0]))
    assert part == [m.symbol("loop"), m.symbol("back")] * ROUNDS


def test_changing_pc_goes_elsewhere(m):
    def skip(e):
        m.harts[0].pc = m.symbol("patch")

    m.on.insn("back")(skip)
    end(m)
    assert m.harts[0].x.a2 == 0 and m.harts[0].x.a3 == ROUNDS


def test_after_writes_and_reads(m, plain):
    writes, reads, both = [], [], []
    word = m.symbol("word")
    m.on.mem_write(word, word + 8)(lambda e: writes.append((e.va, e.size, e.value, e.access, e.pc)))
    m.on.mem_read(word + 3)(lambda e: reads.append((e.value, m.harts[0].x.a2, e.event)))
    m.on.mem_access(word)(both.append)
    assert end(m) == plain
    assert writes == [(word, 8, value, "w", m.symbol("loop")) for value in range(ROUNDS, 0, -1)]
    assert reads == [(value, value, "mem_read") for value in range(ROUNDS, 0, -1)]
    assert [e.access for e in both] == ["w", "r"] * ROUNDS


def test_ranges_of_a_thousand_pages_see_every_access(m, plain):
    addresses = set()
    m.on.mem_access(0, 1 << 64)(lambda e: addresses.add(e.va))
    assert end(m) == plain
    assert addresses == {m.symbol("word"), m.symbol("tohost"), MTIMECMP}


def test_a_changed_register_takes_effect(m):
    m.on.mem_read("word")(lambda e: setattr(m.harts[0].x, "a2", 7))
    end(m)
    assert m.harts[0].x.a2 == 7


def test_traps_and_interrupts(m, plain):
    traps, interrupts, ecalls = [], [], []
    m.on.trap()(lambda e: traps.append((e.name, e.tval, e.pc, m.harts[0].pc, e.handler)))
    m.on.trap(11)(ecalls.append)
    m.on.interrupt("machine timer")(lambda e: interrupts.append((e.cause, m.harts[0].pc)))
    m.on.interrupt("machine external")(interrupts.append)
    assert end(m) == plain
    handler = m.symbol("handler")
    assert [trap[3:] for trap in traps] == [(handler, handler)] * 2
    assert traps[1][2] == traps[0][2] + 4 and len(ecalls) == 1
    assert interrupts == [(7, handler)]


def test_device_registers(m, plain):
    seen = []
    m.on.mmio("clint")(lambda e: seen.append((e.device, e.offset, e.access, e.value, e.size)))
    assert end(m) == plain
    assert seen == [("clint", 0x4000, "w", 0, 8)]


def test_code_patched_in_a_callback_is_what_is_executed(m):
    def patch(e):
        if m.harts[0].x.a1 == 600:
            m.phys.write(m.symbol("patch"), b"\x01\x00")  # c.nop: a3 counts no more

    m.on.insn("patch")(patch)
    end(m)
    assert m.harts[0].x.a3 == ROUNDS - 600


def test_stop_ends_the_run_at_that_very_instruction(m, plain):
    def at(e):
        if m.harts[0].x.a1 == 500:
            m.stop()

    hook = m.on.insn("back")(at)
    stop = m.run()
    assert (stop.reason, stop.pc, m.harts[0].x.a1, m.harts[0].x.a2) == ("requested", m.symbol("back"), 500, 501)
    assert hook.hits == 501
    assert end(m) == plain


def raising(m):
    """Every kind of callback, by name."""
    return {"insn": m.on.insn("loop"), "insn range": m.on.insn(m.symbol("loop"), m.symbol("patch")),
            "mem_write": m.on.mem_write("word"), "mem_read": m.on.mem_read("word"),
            "mem_access": m.on.mem_access("word"), "trap": m.on.trap(), "interrupt": m.on.interrupt(),
            "mmio": m.on.mmio()}


@pytest.mark.parametrize("kind", ["insn", "insn range", "mem_write", "mem_read", "mem_access", "trap", "interrupt",
                                  "mmio"])
def test_an_exception_comes_out_of_run_and_the_machine_goes_on(kind, m, plain):
    def fail(e):
        raise LookupError(f"at {e.icount}")

    hook = raising(m)[kind](fail)
    with pytest.raises(LookupError, match="at "):
        m.run()
    assert hook.hits == 1
    first = m.icount
    with pytest.raises(LookupError) if kind not in {"interrupt", "mmio"} else pytest.raises(AssertionError):
        m.run()
        raise AssertionError  # it happens once in the program
    assert m.icount > first
    hook.remove()
    assert end(m) == plain


@pytest.mark.parametrize(("event", "fields"), [("page_fault", {}), ("syscall", {"nr": "write"}), ("cow", {}),
                                               ("fork", {}), ("exit", {})])
def test_an_exception_in_an_event_of_the_supervisor(event, fields, compile_c):
    with quire.Machine.supervisor(ram="64M") as m:
        p = m.spawn([compile_c(PROGRAM)])

        def fail(e):
            raise LookupError(e.event)

        hook = m.on(event, **fields)(fail)
        with pytest.raises(LookupError, match=event):
            m.run(until=p.exited)
        hook.remove()
        m.run(until=p.exited)
        assert (p.returncode, m.stdout.getvalue()) == (3, b"done\n")


def test_what_was_not_told_because_of_an_exception_is_told_next(m):
    told = []

    def fail(e):
        raise LookupError

    first = m.on.insn("loop")(fail)
    m.on.insn("loop")(told.append)
    with pytest.raises(LookupError):
        m.run()
    assert told == []
    first.remove()
    m.run(max_insns=1)
    assert [e.icount for e in told] == [m.icount - 1]


@pytest.mark.parametrize("misdeed", ["run", "step", "run_to", "restore", "close", "spawn"])
def test_a_callback_may_not_run_restore_or_close(misdeed, m):
    snapshot = m.snapshot()
    deeds = {"run": m.run, "step": m.step, "run_to": lambda: m.run_to(icount=1 << 40),
             "restore": lambda: m.restore(snapshot), "close": m.close, "spawn": lambda: m.spawn(["/bin/true"])}

    def at(e):
        with pytest.raises(quire.Busy, match=r"callback.*stop\(\)"):
            deeds[misdeed]()
        raised.append(1)

    raised = []
    with m.on.mem_write("tohost")(at):
        end(m)
    assert raised == [1]


def test_a_snapshot_from_a_callback_leads_back_to_it(m, plain):
    taken = []

    def at(e):
        if m.harts[0].x.a1 == 400:
            taken.append(m.snapshot())

    hook = m.on.insn("back")(at)
    assert end(m) == plain
    m.restore(taken[0])
    assert (m.harts[0].pc, m.harts[0].x.a1) == (m.symbol("back"), 400)
    hits = hook.hits
    assert end(m) == plain
    assert hook.hits == hits + 400, "the instruction that the snapshot stands before is come to again"


def test_going_back_calls_nobody_and_going_on_does(m):
    seen = []
    start = m.snapshot()
    m.on.insn("loop")(lambda e: seen.append(e.icount))
    m.run(max_insns=100)
    known = list(seen)
    m.step(-50)
    assert seen == known
    m.run(max_insns=50)
    assert seen == known + [at for at in known if at >= 50 + 1 or at == 50]
    assert start.icount == 0


def test_going_back_records_nothing_twice(m):
    start = m.snapshot()
    recorded = m.record("insn")
    m.run(max_insns=100)
    known = list(recorded.column("insn", "icount"))
    m.step(-50)
    m.run_to(icount=20)
    m.run_to(icount=0)
    assert list(recorded.column("insn", "icount")) == known and m.icount == start.icount
    m.run(max_insns=10)
    assert list(recorded.column("insn", "icount")) == known + known[:10]


def test_a_way_that_a_callback_changed_is_not_gone_back(m):
    m.snapshot()
    m.on.insn("back")(lambda e: setattr(m.harts[0].x, "a3", 0))
    m.run(max_insns=100)
    with pytest.raises(quire.UsageError, match="snapshot"):
        m.step(-10)


def test_removal(m, plain):
    seen = []
    with m.on.insn("loop")(seen.append) as hook:
        m.run(max_insns=100)
        count = len(seen)
        assert count > 1 and hook.active
    assert not hook.active and hook.hits == 0
    m.run(max_insns=100)
    assert len(seen) == count
    hook.remove()

    def once(e):
        seen.clear()
        own.remove()

    own = m.on.insn("loop")(once)
    m.on.insn("loop")(seen.append)
    assert end(m) == plain
    assert ROUNDS - 60 < len(seen) < ROUNDS


def test_a_hook_added_in_a_callback_holds_from_the_next_instruction_on(m):
    seen = []

    def first(e):
        own.remove()
        m.on.insn("back")(lambda e: seen.append(m.harts[0].x.a1))

    own = m.on.insn("loop")(first)
    end(m)
    assert seen == list(range(ROUNDS, 0, -1))


def test_another_thread_is_told_that_the_machine_is_busy(m):
    answers = []

    def ask():
        try:
            m.harts[0].pc
        except quire.Busy as error:
            answers.append(str(error))

    def at(e):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        m.stop()

    m.on.insn("loop")(at)
    m.run()
    assert len(answers) == 1 and "another thread" in answers[0]


def test_a_hook_that_could_not_be_removed_can_be_later(m):
    refused = []

    def remove():
        try:
            hook.remove()
        except quire.Busy:
            refused.append(hook.active)

    def at(e):
        thread = threading.Thread(target=remove)
        thread.start()
        thread.join()
        m.stop()

    hook = m.on.insn("loop")(at)
    m.run()
    assert refused == [True] and hook.hits == 1
    hook.remove()
    assert not hook.active and m.run().reason == "exited" and len(refused) == 1


def test_ctrl_c_comes_out_between_two_callbacks(link_bare):
    endless = link_bare("    .globl _start\n_start: j _start\n")
    with quire.Machine.bare(endless, ram="16M") as m:
        count = 0

        def at(e):
            nonlocal count
            count += 1
            if count == 1000:
                signal.raise_signal(signal.SIGINT)

        m.on.insn("_start")(at)
        with pytest.raises(KeyboardInterrupt):
            m.run(timeout=60)
        assert m.icount in {999, 1000}
        assert m.run(max_insns=10).reason == "limit"


def test_events_of_the_supervisor(compile_c):
    with quire.Machine.supervisor(ram="64M") as m:
        spawned, faults, calls, execs = [], [], [], []
        m.on.spawn()(spawned.append)
        m.on.exec()(execs.append)
        p = m.spawn([compile_c(PROGRAM)])
        assert [e.pid for e in spawned] == [p.pid]

        @m.on.page_fault(pid=p.pid, access="w")
        def fault(e):
            # The supervisor stands still in the midst of it; the page may be looked at.
            faults.append((e.va, m.harts[0].priv))

        m.on.syscall(nr="write")(lambda e: calls.append((e.event, e.pid)))
        recording = m.record("page_fault", pid=p.pid)
        m.run(until=p.exited)
        assert len(faults) > 0 and {priv for _, priv in faults} == {"s"}
        recorded = [e.va for e in recording if e.access == "w"]
        assert [va for va, _ in faults] == recorded
        assert calls == [("syscall_enter", p.pid), ("syscall_exit", p.pid)]
        assert [e.comm for e in execs] != []


def test_watching_changes_nothing_of_a_program_on_the_supervisor(compile_c):
    def run(watch):
        with quire.Machine.supervisor(ram="64M") as m:
            counts = {}
            if watch:
                def count(e):
                    counts[e.event] = counts.get(e.event, 0) + 1

                for arming in (m.on.trap(), m.on.interrupt(), m.on.walk(), m.on.tlb_fill(), m.on.tlb_evict(),
                               m.on.fence(), m.on.mmio(), m.on.sbi(), m.on.syscall(), m.on.page_fault()):
                    arming(count)
            p = m.spawn([compile_c(PROGRAM)])
            m.run(until=p.exited)
            return m.digest, m.icount, counts, m.stats

    watched, bare = run(True), run(False)
    assert watched[:2] == bare[:2]
    counts, stats = watched[2:]
    assert {"trap", "interrupt", "walk", "tlb_fill", "fence", "mmio", "sbi", "syscall_enter"} <= set(counts)
    assert counts["page_fault"] > 0 and counts["tlb_fill"] < stats.tlb.walks + 1


def test_only_in_one_process(compile_c):
    with quire.Machine.supervisor(ram="64M") as m:
        p = m.spawn([compile_c(PROGRAM)])
        mine, all_ = [], []
        writes = m.record("cow")
        m.run(until=quire.happens("fork"))
        child = next(pid for pid in m.processes if pid > p.pid)
        m.on.mem_write(0, 1 << 38, pid=child)(mine.append)
        m.on.mem_write(0, 1 << 38)(all_.append)
        m.run(until=p.exited)
        assert 0 < len(mine) < len(all_)
        assert len(writes) > 0


def test_a_machine_with_hooks_that_hold_it_is_freed(program):
    m = quire.Machine.bare(program, ram="16M")
    m.on.insn("loop")(lambda e: m.icount)
    m.run(max_insns=50)
    gone = weakref.ref(m)
    del m
    gc.collect()
    assert gone() is None


def test_a_closed_machine_takes_no_hooks(program):
    m = quire.Machine.bare(program, ram="16M")
    hook = m.on.insn(0x8000_0000)(print)
    m.close()
    with pytest.raises(quire.Busy, match="closed"):
        m.on.insn(0x8000_0000)(print)
    hook.remove()
    assert hook.hits == 0


def test_an_armed_hook_that_is_never_hit_costs_next_to_nothing(m):
    # The figure is bench/python_rates.py's; here only that no instruction is looked at one by one.
    m.on.insn(0x8000_0F00)(print)
    m.on.mem_write(0x8080_0000)(print)
    begin = time.perf_counter()
    m.run()
    assert time.perf_counter() - begin < 5


@pytest.mark.parametrize(("misuse", "parts"), [
    (lambda m: m.on.insn("nowhere"), ["nowhere", "symbol"]),
    (lambda m: m.on.insn(-1), ["address=-1"]),
    (lambda m: m.on.insn("x", 3), ["symbol 'x'"]),
    (lambda m: m.on.insn(8, 8), ["0x8, 0x8", "range"]),
    (lambda m: m.on.insn(hi=8), ["start"]),
    (lambda m: m.on.mem_read(1.5), ["1.5"]),
    (lambda m: m.on.mem_write(0, 1 << 65), ["range"]),
    (lambda m: m.on.trap("bad luck"), ["bad luck", "illegal instruction"]),
    (lambda m: m.on.interrupt("nobody"), ["nobody", "machine timer"]),
    (lambda m: m.on.mmio("toaster"), ["toaster", "clint"]),
    (lambda m: m.on("no-event"), ["no-event", "quire.EVENTS"]),
    (lambda m: m.on(7), ["on(7)"]),
    (lambda m: m.on("cow", colour=1), ["cow", "colour"]),
    (lambda m: m.on.insn(0, pid=-4), ["pid=-4"]),
    (lambda m: m.on.trap(pid="init"), ["pid='init'"]),
    (lambda m: m.on.insn(0)("no function"), ["no function", "insn(0x0)"]),
])
def test_misuse_is_named(misuse, parts, m):
    with pytest.raises(quire.UsageError) as error:
        misuse(m)
    for part in parts:
        assert part in str(error.value)


def test_an_unknown_name_lists_what_there_is(m):
    with pytest.raises(AttributeError, match="mem_writes.*page_fault"):
        m.on.mem_writes(0)
    assert {"insn", "mem_read", "trap", "page_fault", "syscall"} <= set(dir(m.on))


def test_how_hooks_look(m):
    hook = m.on.insn("loop")(print)
    assert repr(hook) == "<Hook on insn('loop'): 0 hits>" and repr(m.on) == "<on: 1 hooks>"
    assert repr(m.on.cow(pid=3)) == "<on cow(pid=3): call it with a function>"
    shown = []
    with m.on.insn("loop")(lambda e: shown.append(repr(e))), m.on.mem_write("word")(lambda e: shown.append(repr(e))):
        hook.remove()
        m.run(max_insns=12)
    assert shown[0].startswith("<insn at ") and "<mem_write at " in shown[1] and "value=0x3e8" in shown[1]
    assert repr(hook).endswith("removed>")
