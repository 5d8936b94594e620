"""What snapshots and fault injection cost: run with build/python (`./x bench snapshots`).

CPU seconds of this process, so that a busy machine changes little; medians. The machine has 1 GiB of RAM, of which a
program has touched 256 MiB; 1% of the RAM (2621 pages) changes before each restore.
"""

import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import quire
from quire import fi

TOUCHED = 256 << 20
CHANGED_PAGES = (1 << 30) // 4096 // 100
FILLER = """
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
  size_t bytes = %d;
  char *all = malloc(bytes);
  for (size_t i = 0; i < bytes; i += 64) *(size_t *)(all + i) = i * 0x9e3779b97f4a7c15u;
  write(1, "filled\\n", 7);
  for (;;) for (size_t page = 0; page < %d; page++) ((volatile char *)all)[page * 4096]++;
}
""" % (TOUCHED, CHANGED_PAGES)
SORT = """
#include <stdio.h>
#include <stdlib.h>
static int up(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void) {
  static int n[1000];
  unsigned seed = 7;
  for (int i = 0; i < 1000; i++) n[i] = (int)((seed = seed * 1103515245u + 12345u) >> 8 & 0xffff);
  qsort(n, 1000, sizeof *n, up);
  for (int i = 0; i < 1000; i += 100) printf("%d\\n", n[i]);
}
"""


def compiled(text: str, out: Path, name: str) -> Path:
    program = out / name
    command = ["riscv64-linux-gnu-gcc", "-O2", "-static", "-x", "c", "-", "-o", str(program)]
    subprocess.run(command, input=text, text=True, check=True)
    return program


def timed(action, times: int = 1, before=lambda: None) -> float:
    """Milliseconds of CPU, the median."""
    taken = []
    for _ in range(times):
        before()
        begin = time.process_time()
        action()
        taken.append((time.process_time() - begin) * 1e3)
    return statistics.median(taken)


def snapshots(out: Path) -> None:
    with quire.Machine.supervisor(ram="1G") as m:
        m.spawn([compiled(FILLER, out, "filler")])
        m.run(until=quire.happens("syscall_enter", nr=64))
        kept = []
        print(f"first snapshot           {timed(lambda: kept.append(m.snapshot())):8.1f} ms ({kept[0].pages} pages that are not zero)")
        change = lambda: m.run(max_insns=6 * CHANGED_PAGES)  # noqa: E731
        change()
        print(f"pages changed meanwhile  {len(kept[0].diff(m.snapshot()).memory):8}")
        print(f"snapshot, 1% changed     {timed(lambda: kept.append(m.snapshot()), 11, change):8.1f} ms")
        print(f"restore, 1% changed      {timed(lambda: m.restore(kept[0]), 11, change):8.1f} ms")
        print(f"restore, nothing changed {timed(lambda: m.restore(kept[0]), 11):8.1f} ms")
        print(f"digest                   {timed(lambda: kept[0].digest, 3):8.1f} ms")
        path = out / "big.qs"
        print(f"save                     {timed(lambda: kept[0].save(path)):8.1f} ms, {path.stat().st_size / 2**20:.1f} MiB")
        print(f"load                     {timed(lambda: quire.Snapshot.load(path)):8.1f} ms")


def injections(out: Path) -> None:
    with quire.Machine.supervisor(seed=1) as m:
        p = m.spawn([compiled(SORT, out, "sort")])
        with fi.Campaign.plan(out / "sort.db", m, p, fi.Space(fi.flips("x")), samples=500) as campaign:
            begin = os.times()
            table = campaign.run(progress=False)
            end = os.times()
    seconds = end.user + end.system - begin.user - begin.system
    print(f"injections               {table.done / seconds:8.0f} a CPU second, one process")
    print(table)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        snapshots(Path(place))
        injections(Path(place))
