"""Address spaces stay apart however many there have been: the supervisor's ASIDs run out, and begin anew."""

import subprocess

import quire

from .conftest import BUILD

# Each child changes the page that it shares with its parent until one of them writes; neither may see the other's.
FORKS = """
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  volatile long *mine = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (long i = 0; i < 40; i++) {
    mine[0] = i;
    pid_t child = fork();
    if (child == 0) {
      if (mine[0] != i) _exit(1);
      mine[0] = -1;
      _exit(mine[0] == -1 ? 0 : 2);
    }
    mine[0] = i + 1000;
    int status;
    waitpid(child, &status, 0);
    if (status != 0 || mine[0] != i + 1000) {
      printf("fork %ld: the parent's page reads %ld, the child's status is %#x\\n", i, mine[0], status);
      return 1;
    }
  }
  puts("apart");
  return 0;
}
"""


def symbol(name):
    """Address of the supervisor's variable whose mangled name has `name` in it."""
    listing = subprocess.run(
        ["riscv64-linux-gnu-nm", BUILD / "guest" / "supervisor.elf"], capture_output=True, text=True, check=True
    )
    (found,) = [line.split()[0] for line in listing.stdout.splitlines() if name in line]
    return int(found, 16)


def test_asids_that_run_out_are_not_shared(tmp_path):
    source = tmp_path / "forks.c"
    source.write_text(FORKS)
    subprocess.run(["riscv64-linux-gnu-gcc", "-O2", "-static", source, "-o", tmp_path / "forks"], check=True)
    machine = quire.Machine.supervisor(seed=1)
    physical = {}
    for name in ("g_next_asid", "g_last_asid"):
        physical[name] = machine.mmu.walk(symbol(name), priv="s").physical_address
    program = machine.spawn([str(tmp_path / "forks")])
    machine.run(max_insns=100_000)
    assert machine.phys.u16(physical["g_last_asid"]) == 0xFFFF
    assert 0 < machine.phys.u32(physical["g_next_asid"]) < 100
    # As after 65,500 address spaces: the program's forks go over the end.
    machine.phys[physical["g_next_asid"] : physical["g_next_asid"] + 4] = (0xFFFD).to_bytes(4, "little")
    stop = machine.run(until=program.exited, max_insns=100_000_000)
    assert machine.stdout.text == "apart\n", stop
    assert machine.phys.u32(physical["g_next_asid"]) < 100, "a new generation has begun"
