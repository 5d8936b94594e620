"""The injector held to programs whose fate under each fault is known; campaigns killed, resumed, shared out."""

import concurrent.futures
import math
import multiprocessing
import sqlite3

import pytest
import quire
from quire import fi

# While it loops, each saved register has one use that comes later, or none.
KNOWN = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
char letter = 'a';
int target = 5;
int main(void) {
  register long counter asm("s2") = 0, limit asm("s3") = 100000;
  register long printed asm("s5") = 42, status asm("s6") = 0;
  register int *pointer asm("s7") = &target;
  asm volatile(
      ".globl looping\nlooping:\n"
      "1: addi s2, s2, 1\n"
      "   addi t0, s2, 3\n"
      "   bne s2, s3, 1b\n"
      ".globl looped\nlooped:\n"
      : "+r"(counter), "+r"(limit), "+r"(printed), "+r"(status), "+r"(pointer) : : "t0", "s4");
  printf("%ld %d %c\n", printed, *pointer, letter);
  fflush(stdout);
  _exit((int)status);
}
"""

SORT = r"""
#include <stdio.h>
#include <stdlib.h>
static int up(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void) {
  static int numbers[300];
  unsigned seed = 7;
  for (int i = 0; i < 300; i++) numbers[i] = (int)((seed = seed * 1103515245u + 12345u) >> 8 & 0xffff);
  qsort(numbers, 300, sizeof *numbers, up);
  for (int i = 1; i < 300; i++)
    if (numbers[i - 1] > numbers[i]) return 77;
  for (int i = 0; i < 300; i += 30) printf("%d\n", numbers[i]);
}
"""


def symbol(program, name):
    import subprocess

    lines = subprocess.run(["riscv64-linux-gnu-nm", program], capture_output=True, text=True, check=True).stdout.splitlines()
    return next(int(line.split()[0], 16) for line in lines if line.split()[-1] == name)


@pytest.fixture(scope="module")
def looping(compile_c):
    """(machine, process, program): in the middle of the loop, in user mode, at its first instruction."""
    program = compile_c(KNOWN)
    with quire.Machine.supervisor(seed=1) as m:
        p = m.spawn([program])
        m.run(max_insns=100_000)
        while m.harts[0].pc != symbol(program, "looping") or m.harts[0].priv != "u":
            m.step()
        assert 1000 < m.harts[0].x["s2"] < 90_000
        start = m.snapshot()
        yield m, p, program, start


def outcome_of(looping, tmp_path, fault, **settings):
    machine, process, _, start = looping
    machine.restore(start)
    space = fi.Space([fault], fi.at_icounts([0]))
    with fi.Campaign.plan(tmp_path / "one.db", machine, process, space, **settings) as campaign:
        campaign.run()
        return campaign.injection(1)


@pytest.mark.parametrize(("fault", "outcome"), [
    ("x5 flip 3", "masked"),  # overwritten by the next instruction
    ("x5 set 63", "masked"),
    ("x19 flip 62", "hang"),  # the limit of the loop
    ("x21 flip 0", "sdc"),  # printed afterwards
    ("x21 overwrite 42", "masked"),  # it is
    ("x22 flip 1", "wrong_exit"),
    ("x23 flip 45", "signal"),  # a pointer, out of the address space
    ("pc flip 45", "signal"),
    ("insn overwrite 0", "signal"),  # no instruction
    ("skip", "latent"),  # one time around more
    ("x20 flip 9", "latent"),  # nobody's
    ("csr:sscratch flip 3", None),  # the supervisor's own: anything but a clean end
])
def test_each_fault_has_the_fate_it_must_have(looping, tmp_path, fault, outcome):
    found = outcome_of(looping, tmp_path, fault)
    if outcome is None:
        assert found.outcome not in {"masked", "latent", "emulator_error", "not_activated"}, found
    else:
        assert found.outcome == outcome, found


def test_memory_of_the_process_by_its_own_addresses(looping, tmp_path):
    machine, process, program, start = looping
    letter = symbol(program, "letter")
    assert outcome_of(looping, tmp_path, f"virt:{letter:#x} overwrite {ord('b')}").outcome == "sdc"
    machine.restore(start)
    physical = process.walk(letter).physical_address
    for file in tmp_path.iterdir():
        file.unlink()
    assert outcome_of(looping, tmp_path, f"ram:{physical:#x} flip 0").outcome == "sdc"
    for file in tmp_path.iterdir():
        file.unlink()
    assert outcome_of(looping, tmp_path, "virt:0x123000 flip 0").outcome == "not_activated"


def test_a_page_table_entry_leads_elsewhere_once_the_tlb_has_forgotten_it(compile_c, tmp_path):
    program = compile_c(KNOWN)
    with quire.Machine.supervisor(seed=1, tlb="entries=4,ways=4,policy=lru") as m:
        p = m.spawn([program])
        m.run(max_insns=100_000)
        space = fi.Space([f"pte:{symbol(program, 'letter'):#x} flip PPN"], fi.at_icounts([0]))
        with fi.Campaign.plan(tmp_path / "pte.db", m, p, space) as campaign:
            campaign.run()
            assert campaign.injection(1).outcome in {"sdc", "signal", "panic"}, campaign.injection(1)


def test_a_status_may_mean_that_the_program_noticed(looping, tmp_path):
    assert outcome_of(looping, tmp_path, "x22 flip 1", detected=[2]).outcome == "detected"


def test_moments_by_event(looping, tmp_path):
    machine, process, _, start = looping
    machine.restore(start)
    space = fi.Space(["x10 flip 0"], fi.at_events("syscall_enter", nr=64))
    with fi.Campaign.plan(tmp_path / "w.db", machine, process, space) as campaign:
        assert len(campaign) == 1
        moment = campaign.injection(1).insns
        with campaign.replay(1) as case:
            assert case.machine.harts[0].priv == "s"
            assert case.machine.icount == start.icount + moment


@pytest.fixture(scope="module")
def sorting(compile_c):
    with quire.Machine.supervisor(seed=1) as m:
        p = m.spawn([compile_c(SORT)])
        yield m, p, m.snapshot()


def plan(sorting, path, samples=120):
    machine, process, start = sorting
    machine.restore(start)
    return fi.Campaign.plan(path, machine, process, fi.Space(fi.flips("x")), samples=samples, seed=5)


def rows(campaign):
    return [(i.id, i.insns, str(i.fault), i.outcome, i.returncode, i.run_insns) for i in campaign]


def test_the_same_table_here_in_pieces_and_in_processes(sorting, tmp_path):
    with plan(sorting, tmp_path / "here.db") as here:
        table = here.run()
        assert table.done == 120 and table.errors == 0
        assert sum(table.to_dict().values()) == 120
        assert {"masked", "signal"} <= set(table.to_dict())
        all_rows = rows(here)
    with plan(sorting, tmp_path / "pieces.db") as pieces:
        pieces.run(limit=50)
        assert pieces.table().done == 50
    with fi.Campaign.open(tmp_path / "pieces.db") as pieces:
        pieces.run()
        assert rows(pieces) == all_rows
    with plan(sorting, tmp_path / "pool.db") as pool, concurrent.futures.ProcessPoolExecutor(
            2, mp_context=multiprocessing.get_context("spawn")) as executor:
        pool.run(executor=executor, workers=2)
        assert rows(pool) == all_rows


def test_rows_replay_to_their_outcome(sorting, tmp_path):
    with plan(sorting, tmp_path / "r.db", samples=12) as campaign:
        campaign.run()
        for injection in campaign:
            with campaign.replay(injection.id) as case:
                start = case.machine.icount
                case.inject()
                stop = case.machine.run(until=[case.process.exited, quire.happens("panic")], max_insns=3_000_000)
                if injection.outcome in {"signal", "sdc", "wrong_exit", "latent", "masked"}:
                    assert case.process.returncode == injection.returncode
                    if injection.outcome != "masked":
                        assert stop.icount - start + injection.insns == injection.run_insns


def test_the_supervisors_own_instructions_are_places_too(sorting, tmp_path):
    machine, process, start = sorting
    machine.restore(start)
    space = fi.Space(["skip", "insn flip 3", "insn flip 20"])
    with fi.Campaign.plan(tmp_path / "s.db", machine, process, space, samples=150) as campaign:
        table = campaign.run().to_dict()
        # Only a compressed instruction has no bit 20.
        assert {str(i.fault) for i in campaign if i.outcome == "not_activated"} <= {"insn flip 20"}
    assert {"panic", "signal"} <= set(table), table


def test_what_changes_nothing_is_masked_to_the_very_end(sorting, tmp_path):
    machine, process, start = sorting
    machine.restore(start)
    with fi.Campaign.plan(tmp_path / "n.db", machine, process, fi.Space("pc clear 0"), samples=150) as campaign:
        assert campaign.run().to_dict() == {"masked": 150}


def test_a_part_of_a_campaign_is_a_sample_of_the_whole(sorting, tmp_path):
    with plan(sorting, tmp_path / "p.db", samples=100) as campaign:
        campaign.run(limit=20)
        done = [i.insns for i in campaign if i.outcome is not None]
        everything = [i.insns for i in campaign]
        assert max(done) > max(everything) / 2


def test_a_refused_plan_leaves_the_machine_where_it_was(sorting, tmp_path):
    machine, process, start = sorting
    machine.restore(start)
    with pytest.raises(quire.UsageError, match="is not one of the run's"):
        fi.Campaign.plan(tmp_path / "a.db", machine, process, fi.Space("skip", fi.at_icounts([10**12])))
    assert machine.icount == start.icount and process.returncode is None
    assert not list(tmp_path.iterdir())


def test_a_killed_campaign_keeps_what_it_had(sorting, tmp_path):
    with plan(sorting, tmp_path / "k.db", samples=40) as campaign:
        campaign.run(limit=20)
    database = sqlite3.connect(tmp_path / "k.db")
    assert database.execute("select count(*) from injections where outcome is not null").fetchone() == (20,)
    database.close()
    with fi.Campaign.open(tmp_path / "k.db") as campaign:
        assert campaign.run().done == 40
        campaign.export(tmp_path / "k.csv")
        with pytest.raises(quire.FileError, match="/nowhere/k.csv: No such file .*check the path"):
            campaign.export("/nowhere/k.csv")
    assert len((tmp_path / "k.csv").read_text().splitlines()) == 41


def test_sample_sizes_and_intervals_are_the_textbooks():
    # Leveugle et al. 2009, table 1: populations for margins of 5 % and 1 % at 95 %.
    assert fi.sample_size(10**9, 0.05) == 385
    assert fi.sample_size(10**9, 0.01) == 9604
    assert fi.sample_size(1000, 0.05) == 278
    assert fi.sample_size(10, 0.01) == 10
    low, high = fi.wilson(5, 10)
    assert (round(low, 4), round(high, 4)) == (0.2366, 0.7634)
    assert fi.wilson(0, 0) == (0.0, 1.0)
    low, high = fi.wilson(0, 100)
    assert low == 0 and round(high, 4) == 0.037


def test_a_sample_that_becomes_the_whole_is_as_sure_as_was_planned():
    for population in (300, 1000, 50_000):
        trials = fi.sample_size(population, 0.05)
        low, high = fi.wilson(trials // 2, trials, population=population)
        assert 0.047 < (high - low) / 2 <= 0.05
    assert fi.wilson(3, 7, population=7) == (3 / 7, 3 / 7)
    assert fi.wilson(3, 7, population=10**12) == pytest.approx(fi.wilson(3, 7))
    with pytest.raises(quire.UsageError, match="8 different trials of 7"):
        fi.wilson(3, 8, population=7)


@pytest.mark.parametrize("bad", [20, 60, 150, 290])
def test_intervals_hold_the_truth_as_often_as_they_say(bad):
    """Draws without replacement, by the hypergeometric distribution itself."""
    population, trials = 300, 200
    held = 0.0
    for hits in range(max(0, trials - (population - bad)), min(bad, trials) + 1):
        low, high = fi.wilson(hits, trials, population=population)
        if low <= bad / population <= high:
            held += math.comb(bad, hits) * math.comb(population - bad, trials - hits) / math.comb(population, trials)
    assert 0.92 < held < 0.985


def test_a_whole_fault_space_is_known_exactly(looping, tmp_path):
    machine, process, _, start = looping
    machine.restore(start)
    with fi.Campaign.plan(tmp_path / "w.db", machine, process, fi.Space(fi.flips("x18", bits=range(4)), fi.at_icounts([0]))) as campaign:
        table = campaign.run()
        assert table.margin == 0 and all(row.low == row.share == row.high for row in table)


@pytest.mark.parametrize(("text", "named"), [
    ("x10", "is no fault"), ("x0 flip 1", "'x0' is no place"), ("x32 flip 1", "'x32' is no place"), ("a0 flip 1", "a0 is x10"),
    ("x10 flip 64", "has no bit 64"), ("x10 melt 1", "cannot 'melt'"), ("x10 flip one", "neither a number"),
    ("x10 flip ", "is no fault"), ("ram: flip 1", "has no address"), ("ram:0x80000000 flip 8", "has no bit 8"),
    ("insn overwrite 0x100000000", "does not fit"), ("pte:0x1000 clear Q", "neither a number"),
    ("csr:nosuch flip 1", "no CSR that can be written"), ("csr:mhartid flip 1", "no CSR that can be written"),
])
def test_impossible_faults_are_named(text, named):
    with pytest.raises(quire.UsageError, match=named):
        fi.Fault.parse(text)


def test_misuse(sorting, tmp_path):
    machine, process, start = sorting
    machine.restore(start)
    space = fi.Space(fi.flips("x"))
    with pytest.raises(quire.FileError, match="no such campaign"):
        fi.Campaign.open(tmp_path / "none.db")
    (tmp_path / "text.db").write_text("hello, this is no database at all, is it")
    with pytest.raises(quire.FileError, match="exists already"):
        fi.Campaign.plan(tmp_path / "text.db", machine, process, space)
    with pytest.raises(quire.FileError, match="not a campaign"):
        fi.Campaign.open(tmp_path / "text.db")
    with pytest.raises(quire.UsageError, match="margin or samples"):
        fi.Campaign.plan(tmp_path / "a.db", machine, process, space, margin=0.1, samples=3)
    with pytest.raises(quire.UsageError, match="samples=0 is not between"):
        fi.Campaign.plan(tmp_path / "a.db", machine, process, space, samples=0)
    with pytest.raises(quire.UsageError, match="is not one of the run's"):
        fi.Campaign.plan(tmp_path / "a.db", machine, process, fi.Space(fi.flips("pc"), fi.at_icounts([10**9])))
    with pytest.raises(quire.UsageError, match="there is no moment"):
        fi.Campaign.plan(tmp_path / "a.db", machine, process, fi.Space(fi.flips("pc"), fi.at_events("panic")))
    with pytest.raises(quire.UsageError, match="ram:0x10 is not RAM"):
        fi.Campaign.plan(tmp_path / "a.db", machine, process, fi.Space("ram:0x10 flip 0"))
    with pytest.raises(quire.UsageError, match="takes a Process"):
        fi.Campaign.plan(tmp_path / "a.db", machine, None, space)
    with pytest.raises(quire.UsageError, match="no faults"):
        fi.Space([])
    with plan(sorting, tmp_path / "m.db", samples=2) as campaign, pytest.raises(quire.UsageError, match="no injection 3"):
        campaign.replay(3)
