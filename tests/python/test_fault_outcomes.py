"""Outcomes that take more than one program to bring about, and the plan: pruning, stopping when sure, what is impossible."""

import subprocess
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest
import quire
from quire import fi
from quire.fi.outcomes import Ending, classify

from .test_fault_models import START

SLEEPER = r"""
#include <unistd.h>
int main(void) {
  for (int i = 0; i < 1500; i++) usleep(100);
  return 5;
}
"""

# Kills its neighbour, or writes to a page that it shares with nobody; as s2 says.
ATTACKER = r"""
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv) {
  int victim = atoi(argv[1]);
  register long what asm("s2") = 0;
  asm volatile(".globl deciding\ndeciding: nop\n" : "+r"(what));
  if (what & 1) kill(victim, SIGKILL);
  if (what & 2) kill(victim, SIGSTOP);
  write(1, "done\n", 5);
  return 0;
}
"""

ENDINGS = START + r"""
int main(void) {
  register u64 how __asm__("s2") = 0;
  __asm__ volatile(".globl deciding\ndeciding: nop\n" : "+r"(how));
  if (how & 1) *(volatile u32 *)0x100000 = 0x7777;
  if (how & 2) for (;;) {}
  if (how & 4) *(volatile u8 *)0x10000000 = 'x';
  end(how & 8 ? 9 : 0);
}
"""

SORT = r"""
#include <stdio.h>
#include <stdlib.h>
static int up(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void) {
  static int numbers[60];
  unsigned seed = 7;
  for (int i = 0; i < 60; i++) numbers[i] = (int)((seed = seed * 1103515245u + 12345u) >> 8 & 0xffff);
  qsort(numbers, 60, sizeof *numbers, up);
  for (int i = 0; i < 60; i += 10) printf("%d\n", numbers[i]);
}
"""


def symbol(program, name):
    lines = subprocess.run(["riscv64-linux-gnu-nm", program], capture_output=True, text=True, check=True).stdout.splitlines()
    return next(int(line.split()[0], 16) for line in lines if line.split()[-1] == name)


def test_a_neighbour_that_comes_to_harm(compile_c, tmp_path):
    attacker = compile_c(ATTACKER)
    with quire.Machine.supervisor(seed=1) as machine:
        victim = machine.spawn([compile_c(SLEEPER)])
        process = machine.spawn([attacker, str(victim.pid)])
        assert victim.returncode is None
        space = fi.Space(["x18 flip 0", "x18 flip 1", "x18 flip 5"], fi.at_pc(symbol(attacker, "deciding"), hit=1))
        with fi.Campaign.plan(tmp_path / "n.db", machine, process, space, neighbours=[victim]) as campaign:
            campaign.run()
            assert dict(campaign.golden.others)[victim.pid] == 5
            assert [i.outcome for i in campaign] == ["neighbour", "hang", "masked"]  # killed; stopped for ever; let alone


def test_who_only_runs_at_other_times_has_come_to_no_harm():
    """A program that dies early or lasts longer meets the others, for whose ends nobody waits, at another moment."""
    golden = Ending("exit", 0, b"", 100, "0", others=((2, None), (3, 7)))
    ended_well, not_ended, ended_badly = ((2, 0), (3, 7)), ((2, None), (3, None)), ((2, 1), (3, 7))
    for others, outcome in ((ended_well, "signal"), (not_ended, "signal"), (ended_badly, "neighbour"), (((2, None), (3, 8)), "neighbour")):
        assert classify(Ending("exit", -11, b"", 50, "1", others=others), golden, ()) == outcome


def test_every_way_for_a_whole_machine_to_end(compile_bare, tmp_path):
    program = compile_bare(ENDINGS)
    with quire.Machine.bare(program, ram="16M") as machine:
        space = fi.Space(fi.flips("x18", bits=range(5)), fi.at_pc(symbol(program, "deciding")))
        with fi.Campaign.plan(tmp_path / "e.db", machine, None, space, detected=[9]) as campaign:
            campaign.run()
            assert [i.outcome for i in campaign] == ["reboot", "hang", "sdc", "detected", "latent"]


def test_a_failing_emulator_is_counted_apart(compile_bare, tmp_path, monkeypatch):
    program = compile_bare(ENDINGS)
    with quire.Machine.bare(program, ram="16M") as machine:
        campaign = fi.Campaign.plan(tmp_path / "x.db", machine, None, fi.Space(fi.flips("x18", bits=range(4)), fi.at_icounts([5])))

    def fails(self, machine, process=None):
        if self.bits == (2,):
            raise RuntimeError("out of order")

    monkeypatch.setattr(fi.Fault, "apply", fails)
    with campaign:
        table = campaign.run()
        assert table.errors == 1 and table.done == 3 and sum(table.to_dict().values()) == 3
        (bad,) = [i for i in campaign if i.outcome == "emulator_error"]
        assert "out of order" in bad.detail


@pytest.fixture(scope="module")
def sorting(compile_c):
    with quire.Machine.supervisor(seed=1, ram="64M") as machine:
        process = machine.spawn([compile_c(SORT)])
        yield machine, process, machine.snapshot()


def rows(campaign):
    return [(i.id, i.insns, str(i.fault), i.outcome, i.returncode, i.run_insns) for i in campaign]


def plan(sorting, path, space, **settings):
    machine, process, start = sorting
    machine.restore(start)
    return fi.Campaign.plan(path, machine, process, space, **settings)


def test_pruning_changes_no_outcome(sorting, tmp_path):
    registers = fi.flips("x", bits=[0, 17, 62]) + fi.flips("f0", bits=[3])
    with plan(sorting, tmp_path / "whole.db", fi.Space(registers), samples=250, pruned=False) as whole:
        whole.run()
        everything = rows(whole)
    with plan(sorting, tmp_path / "less.db", fi.Space(registers), samples=250) as less:
        assert less.runs < 150 < len(less)
        less.run()
        assert rows(less) == everything


def test_both_engines_come_to_the_same_rows(compile_c, tmp_path):
    found = {}
    for engine in ("interp", "jit"):
        with quire.Machine.supervisor(seed=1, ram="64M", engine=engine) as machine:
            process = machine.spawn([compile_c(SORT)])
            space = fi.Space([*fi.flips("x", bits=[1, 40]), "skip", "insn flip 20", "x9 stuck1 2 for 500"])
            with fi.Campaign.plan(tmp_path / f"{engine}.db", machine, process, space, samples=120) as campaign:
                assert campaign.config["engine"] == engine
                campaign.run()
                found[engine] = rows(campaign)
    assert found["jit"] == found["interp"]


def test_threads_that_share_a_process_have_machines_of_their_own(sorting, tmp_path):
    space = fi.Space(fi.flips("x", bits=[0, 17]))
    with plan(sorting, tmp_path / "alone.db", space, samples=300, pruned=False) as alone:
        alone.run()
        expected = rows(alone)
    with plan(sorting, tmp_path / "threads.db", space, samples=300, pruned=False) as shared, ThreadPoolExecutor(3) as pool:
        assert shared.run(executor=pool, workers=3).errors == 0
        assert rows(shared) == expected


class FailingAtOnce(Executor):
    """The first of its tasks fails; the others are waiting still."""

    def __init__(self):
        self.futures = []

    def submit(self, function, /, *args, **kwargs):
        future = Future()
        if not self.futures:
            future.set_exception(RuntimeError("out of order"))
        self.futures.append(future)
        return future


def test_what_is_interrupted_leaves_no_work_behind(sorting, tmp_path):
    with plan(sorting, tmp_path / "i.db", fi.Space(fi.flips("x")), samples=400, pruned=False) as campaign:
        executor = FailingAtOnce()
        with pytest.raises(RuntimeError, match="out of order"):
            campaign.run(executor=executor, workers=8)
        assert len(executor.futures) > 8 and all(future.cancelled() for future in executor.futures[1:])


def test_pruning_of_memory_sees_the_walker_and_the_devices(sorting, tmp_path):
    machine, process, start = sorting
    machine.restore(start)
    # The leaf table under the stack's page: read by walks alone. And what the program's page of numbers holds.
    table = machine.mmu.walk(process.mappings[-1].va, process=process).steps[-1].pte_address & ~0xFFF
    entry = machine.mmu.walk(process.mappings[-1].va, process=process).steps[-1].pte_address
    data = process.mappings[len(process.mappings) // 2].pfn << 12
    faults = [f"ram:{address:#x} flip {bit}" for address in (entry, entry + 1, entry + 8, table, data, data + 8, data + 100)
              for bit in (0, 2, 6)]
    space = fi.Space(faults, fi.every(3001))
    with plan(sorting, tmp_path / "whole.db", space, samples=150, pruned=False) as whole:
        whole.run()
        everything = rows(whole)
    with plan(sorting, tmp_path / "less.db", space, samples=150) as less:
        assert less.runs < 120
        less.run()
        assert rows(less) == everything
        harmful = {str(i.fault).split()[0] for i in less if i.outcome not in {"masked", "latent"}}
        assert f"ram:{entry:#x}" in harmful  # V of the entry: a walk reads it


@pytest.mark.parametrize("kind", ["virt", "pte"])
def test_pruning_of_what_lies_in_a_process(kind, sorting, tmp_path):
    """Which byte of RAM it is changes as pages come and go; before they come, there is nothing to change."""
    machine, process, start = sorting
    machine.restore(start)
    if kind == "pte":
        pages = process.mappings[::3]
        faults = [fault for fault in fi.page_table_flips(pages, "VWAD", range(3))] + [fi.Fault.parse(f"pte:{pages[0].va:#x} flip V,PPN+1")]
    else:
        machine.run(until=process.exited)
        machine.restore(start)
        data, stack = process.mappings[len(process.mappings) // 2].va, process.mappings[-1].va
        # The heap is not there at the start.
        late = max(leaf.va + leaf.bytes for leaf in process.mappings if leaf.va < 1 << 32)
        faults = [f"virt:{page + offset:#x} {change}" for page in (data, stack, late) for offset in (0, 0x7F8, 0xFF0)
                  for change in ("flip 0", "flip 6", "set 1", "overwrite 0x41")]
    space = fi.Space(faults, fi.every(2003))
    with plan(sorting, tmp_path / "whole.db", space, samples=200, pruned=False) as whole:
        whole.run()
        everything = rows(whole)
    with plan(sorting, tmp_path / "less.db", space, samples=200) as less:
        assert less.runs < 160
        less.run()
        assert rows(less) == everything
        assert {str(i.fault).partition(":")[0] for i in less} == {kind}


def test_a_campaign_stops_when_it_is_sure_enough(sorting, tmp_path):
    space = fi.Space(fi.flips("x"))
    with plan(sorting, tmp_path / "s.db", space, samples=3000) as campaign:
        table = campaign.run(until_margin=0.045)
        assert table.margin <= 0.045 and table.done == 512
        assert campaign.run(until_margin=0.045).done == 512
        assert "3000 injections of" in campaign.describe() and "about" in campaign.describe(2)
        assert campaign.seconds(2) < campaign.seconds(1)


@pytest.mark.parametrize(("settings", "named"), [
    ({"margin": 0.01, "samples": 5}, "margin or samples"), ({"samples": 0}, "samples=0"), ({"samples": 10**15}, "not between 1 and"),
    ({"samples": 3, "confidence": 2}, "confidence=2"), ({"margin": 2}, "margin=2"), ({"margin": 0.1, "confidence": 1.5}, "confidence=1.5"),
    ({"check": "true {disk}"}, "the machine has none"),
])
def test_impossible_plans_say_why(sorting, tmp_path, settings, named):
    with pytest.raises(quire.UsageError, match=named):
        plan(sorting, tmp_path / "i.db", fi.Space("x10 flip 3"), **settings)
    assert not list(tmp_path.iterdir()) and sorting[0].icount == sorting[2].icount


@pytest.mark.parametrize(("fault", "named"), [
    ("blk:0 error write", "no drive 0"), ("irq:99 lose", "no source 99"), ("irq:0 raise", "no source 0"),
    ("mmio:0x123 flip 0", "no device is at"), ("mmio:0x80000000 flip 0", "no device is at"), ("ram:0x100 flip 0", "is not RAM"),
    ("power cut 1", "give check="), ("mmio:0x123 overwrite 1", "no device takes"),
])
def test_faults_that_this_machine_cannot_suffer(sorting, tmp_path, fault, named):
    with pytest.raises(quire.UsageError, match=named):
        plan(sorting, tmp_path / "i.db", fi.Space(fault))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("text", "named"), [
    ("fence flip 1", "fence"), ("fence lose x", "which time"), ("fence lose 0", "count from 1"), ("fence lose p2", "no probability"),
    ("fence lose p0", "no probability"), ("irq:uart lose", "is a source's number or one of timer|is a source's number or one of"),
    ("irq:10 melt", "can lose or raise"), ("irq:10 raise 3", "one word too many"), ("blk:x error", "a drive has a number"),
    ("blk:0 melt", "it can error, short, torn"), ("blk:0 error trim", "which time"), ("blk:0 error write 1 2", "one word too many"),
    ("alloc lose", "can only fail"), ("clock jump", "reads like"), ("clock jump soon", "is not a number"), ("power cut 1 2", "reads like"),
    ("tlb:0x1000 flip 8", "holds V to D"), ("tlb:0x1000 overwrite 1", "none is overwritten"), ("tlb:0x1000 stuck1 V", "cannot be stuck"),
    ("insn stuck1 3", "cannot be stuck"), ("x5 stuck1 3 for 0", "is not stuck"), ("x5 stuck1 3 for ever", "is not a number"),
    ("x5 flip 3 for 10", "only what is stuck"), ("pte:0x1000 flip PPN+60", "has no bit 70"), ("tlb: flip V", "has no address"),
    ("fence lose p0.1#99999999999999999999", "no seed"), ("power cut 99999999999999999999", "no seed"), ("power cut -1", "no seed"),
    ("clock jump 9999999999999999999", "cannot jump"), ("blk:0 torn write:99999999999999999999", "has no 99999999999999999999 bytes"),
    ("x5 stuck1 3 for 99999999999999999999", "no run has"),
    ("ram:-1 flip 0", "64 bits"), ("mmio:0x10000007 flip 0 sometimes", "which time"),
])
def test_impossible_faults_are_named(text, named):
    with pytest.raises(quire.UsageError, match=named):
        fi.Fault.parse(text)


@pytest.mark.parametrize("text", [
    "x5 stuck0 3", "x5 stuck1 3,4 for 100", "tlb:0x1000 flip 11", "mmio:0x10000007 flip 0 2+", "irq:timer lose", "irq:10 raise",
    "clock jump -5000", "blk:0 torn write:700 2", "blk:1 error any p0.25#7", "blk:0 short read", "power cut 7", "fence lose 3+",
    "alloc fail 12", "heap fail p0.5", "io fail 2+", "mmio:0xc200004 overwrite 0xa",
])
def test_a_fault_reads_as_it_is_written(text):
    fault = fi.Fault.parse(text)
    assert fi.Fault.parse(str(fault)) == fault
    assert str(fi.Fault.parse(str(fault))) == str(fault)


def test_whom_and_what_a_plan_is_for(sorting, compile_bare, tmp_path):
    machine, process, start = sorting
    machine.restore(start)
    with pytest.raises(quire.UsageError, match="takes a Process"):
        fi.Campaign.plan(tmp_path / "a.db", machine, None, fi.Space("skip"))
    with pytest.raises(quire.UsageError, match="takes a Space"):
        fi.Campaign.plan(tmp_path / "a.db", machine, process, "x10 flip 3")
    with pytest.raises(quire.UsageError, match="no faults"):
        fi.Space([])
    machine.run(until=process.exited)
    with pytest.raises(quire.UsageError, match="has ended already"):
        fi.Campaign.plan(tmp_path / "a.db", machine, process, fi.Space("skip"))
    machine.restore(start)
    with quire.Machine.bare(compile_bare(ENDINGS), ram="16M") as bare:
        with pytest.raises(quire.UsageError, match="give None, for all of it"):
            fi.Campaign.plan(tmp_path / "a.db", bare, process, fi.Space("skip"))
        with pytest.raises(quire.UsageError, match="events are the supervisor's"):
            fi.Campaign.plan(tmp_path / "a.db", bare, None, fi.Space("skip", fi.at_events("fork")))
        with pytest.raises(quire.UsageError, match="in the supervisor alone"):
            fi.Campaign.plan(tmp_path / "a.db", bare, None, fi.Space("alloc fail"))
    assert not list(tmp_path.iterdir())


def test_output_that_is_not_kept_is_not_taken_for_right(compile_c, tmp_path):
    with quire.Machine.supervisor(seed=1, ram="64M", output_limit="4K") as machine:
        process = machine.spawn([compile_c("int puts(const char *); int main(void) { for (int i = 0; i < 800; i++) puts(\"a line\"); }")])
        with pytest.raises(quire.UsageError, match="5600 bytes to stdout.*output_limit"):
            fi.Campaign.plan(tmp_path / "o.db", machine, process, fi.Space("x10 flip 3", fi.at_icounts([0])))


def test_a_check_must_be_one(compile_bare, tmp_path):
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(8192))
    program = compile_bare(ENDINGS)
    (tmp_path / "judges.py").write_text("def well(machine): return 0, 'well'\ndef bad(machine): return 3, 'bad'\ndef odd(machine): return 17, 'odd'\n")
    space = fi.Space("power cut", fi.at_icounts([3]))

    def planned(check, drive=f"{disk},snapshot"):
        for file in tmp_path.glob("c.db*"):
            file.unlink()
        with quire.Machine.bare(program, ram="16M", drives=[drive]) as machine:
            return fi.Campaign.plan(tmp_path / "c.db", machine, None, space, check=check)

    with pytest.raises(quire.UsageError, match="names no disk"):
        planned("e2fsck -fn")
    with pytest.raises(quire.UsageError, match="No closing quotation"):
        planned("sh -c 'true {disk}")
    with pytest.raises(quire.UsageError, match="the check names {disk7}, and the machine has {disk0}"):
        planned("true {disk7}")
    with planned("sh -c 'awk \"{ print }\" \"$0\" && exit 0' {disk}") as campaign:
        assert campaign.golden.verdict == "masked"
    with pytest.raises(quire.FileError, match="check the path of the check"):
        planned("/nowhere/judges.py:well")
    with pytest.raises(quire.UsageError, match="no function 'ill'"):
        planned(f"{tmp_path}/judges.py:ill")
    with pytest.raises(quire.UsageError, match="without any fault the check says 'sdc': bad"):
        planned(f"{tmp_path}/judges.py:bad")
    with pytest.raises(quire.Error, match="status 17, which is no verdict"):
        planned(f"{tmp_path}/judges.py:odd")
    with pytest.raises(quire.Error, match="cannot be run"):
        planned("/nowhere/check {disk}")
    with pytest.raises(quire.UsageError, match="no snapshot can be taken"):
        planned(f"{tmp_path}/judges.py:well", str(disk))
    with planned(f"{tmp_path}/judges.py:well") as campaign:
        assert campaign.run().to_dict() == {"masked": 1}


def test_bits_of_page_tables_have_roles(sorting):
    machine, process, start = sorting
    machine.restore(start)
    faults = fi.page_table_flips(process.mappings[:2], "VW", ppn_bits=[0, 3])
    assert [(f.bits, fi.role_of(f)) for f in faults[:4]] == [((0,), "V"), ((2,), "W"), ((10,), "PPN"), ((13,), "PPN")]
    assert len(faults) == 8 and faults[4].place == f"pte:{process.mappings[1].va:#x}"
    assert [fi.role_of(fi.Fault.parse(text)) for text in ("tlb:0x1000 flip VPN+2", "tlb:0x1000 flip ASID", "pte:0x1000 flip 8,A", "x5 flip 3")] == [
        "VPN", "ASID", "reserved A", ""]
    with pytest.raises(quire.UsageError, match="'VQ' are not roles"):
        fi.page_table_flips(process.mappings, "VQ")


def test_the_campaign_on_page_tables_finds_what_it_tells(compile_c, request, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(request.config.rootpath / "examples/faults")
    import page_tables

    program = compile_c((request.config.rootpath / "examples/faults/files.c").read_text())
    with page_tables.plan(tmp_path / "pte.db", program, 80) as campaign:
        table = campaign.run()
        assert table.errors == 0
        roles = page_tables.by_role(campaign)
        assert {"V", "PPN"} <= set(roles)
        # An entry that is gone is missed by the supervisor; what it may permit is known elsewhere.
        assert roles["V"].keys() <= {"panic", "not_activated", "latent", "masked"}
        assert roles["PPN"]["panic"] > roles["PPN"].total() / 3
        assert "assertion failed" in next(i.detail for i in campaign if i.outcome == "panic")
