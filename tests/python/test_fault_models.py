"""Each model of a fault on a program built so that its fate is known: on the bare board, and on the supervisor."""

import subprocess

import pytest
import quire
from quire import fi

START = r"""
typedef unsigned char u8; typedef unsigned int u32; typedef unsigned long u64;
static inline void end(u32 code) { *(volatile u32 *)0x100000 = code << 16 | 0x3333; for (;;) {} }
int main(void);
__asm__(".section .text.start\n.globl _start\n_start: la sp, stack_top\n  call main\n.bss\n.balign 16\n.space 4096\nstack_top:\n.text\n");
"""

# The UART's scratch register is written once and read twice.
SCRATCH = START + r"""
int main(void) {
  volatile u8 *scratch = (volatile u8 *)0x10000007;
  *scratch = 0x12;
  u32 first = *scratch;
  u32 second = *scratch;
  end(first == 0x12 && second == 0x12 ? 0 : first != 0x12 && second != 0x12 ? 3 : first != 0x12 ? 1 : 2);
}
"""

# Waits for three ticks of the timer; any other interrupt is counted too. Status 0: three wake-ups and 30 us.
TIMER = START + r"""
static volatile u64 *const mtime = (volatile u64 *)0x200bff8, *const mtimecmp = (volatile u64 *)0x2004000;
int main(void) {
  u64 begin = *mtime;
  __asm__ volatile("csrs mie, %0" ::"r"(0x880ul));
  for (int i = 0; i < 3; i++) {
    *mtimecmp = begin + 100 * (i + 1);
    __asm__ volatile("wfi");
    *mtimecmp = ~0ul;
  }
  u64 ticks = *mtime - begin;
  end(ticks < 300 ? 1 : ticks > 310 ? 2 : 0);
}
"""

# The UART says that its transmitter is empty, by the PLIC. Status 0: one interrupt, of source 10.
PLIC = START + r"""
int main(void) {
  *(volatile u32 *)(0xc000000 + 4 * 10) = 1;
  *(volatile u32 *)(0xc000000 + 4 * 11) = 1;
  *(volatile u32 *)0xc002000 = 1 << 10 | 1 << 11;
  __asm__ volatile("csrs mie, %0" ::"r"(0x800ul));
  *(volatile u8 *)0x10000001 = 2;
  __asm__ volatile("wfi");
  u32 claimed = *(volatile u32 *)0xc200004;
  end(claimed == 10 ? 0 : claimed == 11 ? 1 : 2);
}
"""


def board_outcome(program, tmp_path, fault, insns=0, drives=(), **settings):
    with quire.Machine.bare(program, ram="16M", drives=drives) as machine:
        space = fi.Space([fault], fi.at_icounts([insns]))
        with fi.Campaign.plan(tmp_path / "one.db", machine, None, space, **settings) as campaign:
            campaign.run()
            return campaign.injection(1)


@pytest.mark.parametrize(("fault", "outcome", "status"), [
    ("mmio:0x10000007 flip 0 1", "wrong_exit", 3),  # what is written
    ("mmio:0x10000007 flip 0 2", "wrong_exit", 1),  # what the first reads
    ("mmio:0x10000007 flip 0 3", "wrong_exit", 2),
    ("mmio:0x10000007 flip 0 4", "not_activated", None),
    ("mmio:0x10000007 set 1", "masked", 0),  # it is set
    ("mmio:0x10000007 stuck1 6", "wrong_exit", 3),
    ("mmio:0x10000007 clear 1 2+", "wrong_exit", 3),
    ("mmio:0x10000004 overwrite 1", "latent", 0),  # the modem control register, for itself
])
def test_device_registers(compile_bare, tmp_path, fault, outcome, status):
    found = board_outcome(compile_bare(SCRATCH), tmp_path, fault)
    assert (found.outcome, found.returncode) == (outcome, status), found


@pytest.mark.parametrize(("fault", "outcome", "status"), [
    ("irq:mtimer lose", "hang", None),
    ("irq:mtimer lose 3", "hang", None),
    ("irq:mtimer lose 4", "not_activated", None),
    ("irq:mexternal lose", "not_activated", None),
    ("clock jump 0", "masked", 0),
])
def test_timer_interrupts_that_do_not_come(compile_bare, tmp_path, fault, outcome, status):
    found = board_outcome(compile_bare(TIMER), tmp_path, fault)
    assert found.outcome == outcome and found.returncode == status, found


def test_a_spurious_timer_interrupt_ends_a_wait_early(compile_bare, tmp_path):
    program = compile_bare(TIMER)
    text = subprocess.run(["riscv64-linux-gnu-objdump", "-d", program], capture_output=True, text=True, check=True).stdout
    wfi = [int(line.split(":")[0], 16) for line in text.splitlines() if line.endswith("wfi")]
    with quire.Machine.bare(program, ram="16M") as machine:
        space = fi.Space(["irq:mtimer raise", "clock jump 1000000", "clock jump -5000"], fi.at_pc(*wfi, hit=-1))
        with fi.Campaign.plan(tmp_path / "wfi.db", machine, None, space) as campaign:
            campaign.run()
            assert [(i.outcome, i.returncode) for i in campaign] == [
                ("wrong_exit", 1),  # 200 ticks and a little
                ("wrong_exit", 2),  # the clock is far ahead
                ("latent", 0)]  # it waits longer than it thinks


@pytest.mark.parametrize(("fault", "outcome", "status"), [
    ("irq:10 lose", "hang", None),
    ("irq:10 lose 2", "not_activated", None),
    ("irq:11 lose", "not_activated", None),
    ("mmio:0xc200004 overwrite 10", "masked", 0),  # completes what is not in service
    ("mmio:0xc200004 flip 1", "wrong_exit", 2),  # the claim says 8
])
def test_interrupts_of_devices(compile_bare, tmp_path, fault, outcome, status):
    found = board_outcome(compile_bare(PLIC), tmp_path, fault)
    assert (found.outcome, found.returncode) == (outcome, status), found


def test_an_interrupt_that_no_device_asked_for(compile_bare, tmp_path):
    with quire.Machine.bare(compile_bare(PLIC), ram="16M") as machine:
        space = fi.Space(["irq:11 raise"], fi.at_access(0x10000001, 1, "w"))  # both wait: the claim gives the lower number
        with fi.Campaign.plan(tmp_path / "11.db", machine, None, space) as campaign:
            assert campaign.run().to_dict() == {"latent": 1}  # source 11 is left pending
        space = fi.Space(["irq:11 raise"], fi.at_icounts([0]))
        with fi.Campaign.plan(tmp_path / "0.db", machine, None, space) as campaign:
            campaign.run()
            assert campaign.injection(1).outcome == "latent"


@pytest.fixture(scope="session")
def journal(compile_bare, request):
    return lambda *flags: compile_bare(request.config.rootpath / "examples/faults/journal.c", *flags)


@pytest.fixture
def disk(tmp_path):
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(64 << 10))
    return [f"{path},snapshot"]


@pytest.fixture(scope="session")
def check(request):
    return f"{request.config.rootpath}/examples/faults/check_journal.py:check"


@pytest.mark.parametrize(("fault", "outcome"), [
    ("blk:0 error write", "wrong_exit"),  # "the disk failed", status 7
    ("blk:0 error flush 12", "wrong_exit"),
    ("blk:0 error flush 13", "not_activated"),
    ("blk:0 error read", "not_activated"),
    ("blk:0 short write:512 1", "wrong_exit"),
    ("blk:0 torn write:700 1", "sdc"),  # the first record is not what was promised, and nobody was told
    ("blk:0 torn write:4096 1", "masked"),
    ("blk:0 torn write:0 12", "sdc"),  # the last header is missing
    ("blk:0 torn flush", "masked"),  # a flush that does nothing matters when the power goes
    ("blk:0 error any p0.5#3", "wrong_exit"),
])
def test_requests_to_a_disk(journal, disk, check, tmp_path, fault, outcome):
    found = board_outcome(journal(), tmp_path, fault, drives=disk, check=check, detected=())
    if outcome == "wrong_exit":
        assert found.outcome == "sdc" and found.returncode == 7, found  # it says so on its console as well
    else:
        assert found.outcome == outcome, found


def power_cuts(program, disk, check, path, **settings):
    """After each request has been given to the disk, eight fates of what is not flushed."""
    with quire.Machine.bare(program, ram="16M", drives=disk) as machine:
        space = fi.Space([f"power cut {seed}" for seed in range(8)], fi.at_access(0x10003050, 4, "w"))
        with fi.Campaign.plan(path, machine, None, space, check=check, **settings) as campaign:
            return campaign.run().to_dict(), list(campaign)


def test_a_power_cut_finds_the_flush_that_is_missing(journal, disk, check, tmp_path):
    assert power_cuts(journal(), disk, check, tmp_path / "a.db")[0] == {"masked": 24 * 8}
    found, rows = power_cuts(journal("-DNO_BARRIER"), disk, check, tmp_path / "b.db")
    assert 0 < found["sdc"] < 18 * 8 / 2
    assert any("is not what was written" in (row.detail or "") for row in rows)
    found, rows = power_cuts(journal("-DNO_SYNC"), disk, check, tmp_path / "c.db")
    assert found["sdc"] > 18 * 8 / 8
    assert any("were acknowledged" in (row.detail or "") for row in rows)


def test_a_command_can_judge_the_disk_as_well(journal, disk, request, tmp_path):
    command = f"python3 {request.config.rootpath}/examples/faults/check_journal.py {{disk}} {{output}}"
    found = board_outcome(journal(), tmp_path, "power cut 1", 100_000, drives=disk, check=command)
    assert found.outcome == "masked" and found.detail == "2 records, 2 acknowledged"


# --- on the supervisor ---

STALE = r"""
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
static sigjmp_buf back;
static void fault(int signal) { siglongjmp(back, signal); }
int main(void) {
  volatile char *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  signal(SIGSEGV, fault);
  *page = 1;
  if (sigsetjmp(back, 1) == 0) {
    mprotect((void *)page, 4096, PROT_READ);
    *page = 2;
    return 77;
  }
  return 0;
}
"""

ENTRIES = r"""
#include <stdio.h>
#include <string.h>
#include <unistd.h>
char page[3 * 4096] __attribute__((aligned(8192)));
int main(void) {
  memset(page, 'a', 4096);
  memset(page + 4096, 'b', 8192);
  register char *place asm("s2") = page;
  register long found asm("s3");
  asm volatile(".globl looking\nlooking:\n  lbu s3, 0(s2)\n" : "=r"(found) : "r"(place));
  return found == 'a' ? 0 : 1;
}
"""

HUNGRY = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
  char *memory = mmap(0, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  asm volatile(".globl touching\ntouching: nop\n");
  for (int i = 0; i < 16; i++) memory[i * 4096] = 1;
  asm volatile(".globl opening\nopening: nop\n");
  int file = open("/dev/null", O_RDONLY);
  if (file < 0) return errno;
  asm volatile(".globl writing\nwriting: nop\n");
  return write(1, "x", 1) == 1 ? 0 : errno;
}
"""


def symbol(program, name):
    lines = subprocess.run(["riscv64-linux-gnu-nm", program], capture_output=True, text=True, check=True).stdout.splitlines()
    return next(int(line.split()[0], 16) for line in lines if line.split()[-1] == name)


def outcomes_at(program, tmp_path, at, faults, **settings):
    """{fault: injection} of each fault just before the instruction at a symbol."""
    with quire.Machine.supervisor(seed=1) as machine:
        process = machine.spawn([program])
        space = fi.Space(faults, fi.at_pc(symbol(program, at), hit=1))
        with fi.Campaign.plan(tmp_path / "at.db", machine, process, space, **settings) as campaign:
            campaign.run()
            return {str(i.fault): i for i in campaign}


def test_a_lost_fence_leaves_the_old_right_to_write(compile_c, tmp_path):
    program = compile_c(STALE)
    with quire.Machine.supervisor(seed=1) as machine:
        process = machine.spawn([program])
        space = fi.Space(["fence lose", "fence lose 1000000"], fi.at_syscall(nr="mprotect", nth=-1))
        with fi.Campaign.plan(tmp_path / "f.db", machine, process, space, detected=[77]) as campaign:
            assert campaign.run().to_dict() == {"detected": 1, "not_activated": 1}


def test_entries_of_the_tlb(compile_c, tmp_path):
    program = compile_c(ENTRIES)
    page = symbol(program, "page")
    found = outcomes_at(program, tmp_path, "looking", [
        f"tlb:{page:#x} flip PPN+1", f"tlb:{page + 4096:#x} flip PPN", f"tlb:{page:#x} clear V", f"tlb:{page:#x} flip VPN",
        f"tlb:{page:#x} flip ASID", "tlb:0x7f00000000 flip PPN"])
    assert found["tlb:0x7f00000000 flip 10"].outcome == "not_activated"
    assert found[f"tlb:{page:#x} flip 11"].outcome == "wrong_exit"  # another frame
    assert found[f"tlb:{page + 4096:#x} flip 10"].outcome == "masked"  # not looked at again, and fenced at the end
    assert found[f"tlb:{page:#x} clear 0"].outcome == "latent"  # walked again: one walk more
    assert found[f"tlb:{page:#x} flip 64"].outcome == "latent"  # answers for the page beside, which is not read
    assert found[f"tlb:{page:#x} flip 112"].outcome == "latent"


def test_what_the_supervisor_cannot_get(compile_c, tmp_path):
    program = compile_c(HUNGRY)
    memory = outcomes_at(program, tmp_path, "touching", ["alloc fail 3", "alloc fail 3+", "alloc fail 1000000"])
    assert memory["alloc fail 3"].outcome == "signal" and memory["alloc fail 3"].returncode == -9
    assert memory["alloc fail 3+"].outcome == "signal"
    assert memory["alloc fail 1000000"].outcome == "not_activated"
    (tmp_path / "at.db").unlink()
    (tmp_path / "at.db.qs").unlink()
    heap = outcomes_at(program, tmp_path, "opening", ["heap fail"])
    assert heap["heap fail"].outcome in {"wrong_exit", "sdc"} and heap["heap fail"].returncode == 12  # ENOMEM
    (tmp_path / "at.db").unlink()
    (tmp_path / "at.db.qs").unlink()
    io = outcomes_at(program, tmp_path, "writing", ["io fail", "io fail p0.999999", "io fail 2"])
    assert io["io fail"].outcome == "sdc" and io["io fail"].returncode == 5  # EIO; nothing is written
    assert io["io fail p0.999999"].returncode == 5
    assert io["io fail 2"].outcome == "not_activated"


LOOP = r"""
#include <unistd.h>
char letter = 'a';
int main(void) {
  register long counter asm("s2") = 0, limit asm("s3") = 1000, status asm("s6") = 0;
  asm volatile(
      ".globl looping\nlooping:\n"
      "1: addi s2, s2, 1\n"
      "   addi t0, s2, 3\n"
      "   bne s2, s3, 1b\n"
      : "+r"(counter), "+r"(limit), "+r"(status) : : "t0", "s4", "t1");
  write(1, &letter, 1);
  _exit((int)status);
}
"""


def test_stuck_bits(compile_c, tmp_path):
    program = compile_c(LOOP)
    letter = symbol(program, "letter")
    found = outcomes_at(program, tmp_path, "looping", [
        "x22 stuck1 0 for 100", "x22 stuck0 0 for 100", "x18 stuck0 0", "x5 stuck1 3 for 2", "x5 stuck1 62 for 10", "x20 stuck1 5",
        f"virt:{letter:#x} stuck1 1", f"virt:{letter:#x} stuck1 0", f"pte:{letter:#x} stuck0 U", "csr:sscratch stuck1 0",
        "pc stuck1 45"])
    assert (found["x22 stuck1 0 for 100"].outcome, found["x22 stuck1 0 for 100"].returncode) == ("wrong_exit", 1)
    assert found["x22 stuck0 0 for 100"].outcome == "not_activated"
    assert found["x18 stuck0 0"].outcome == "hang"  # the counter stays even, or 0
    assert found["x5 stuck1 3 for 2"].outcome in {"masked", "not_activated"}
    assert found["x5 stuck1 62 for 10"].outcome == "masked"  # written anew by the next round
    assert found[f"virt:{letter:#x} stuck1 1"].outcome == "sdc"  # 'c'
    assert found[f"virt:{letter:#x} stuck1 0"].outcome == "not_activated"  # it is set
    assert found["csr:sscratch stuck1 0"].outcome in {"signal", "panic", "hang"}
    assert found["pc stuck1 45"].outcome in {"signal", "panic", "hang"}
    assert "emulator_error" not in {i.outcome for i in found.values()}
