"""Single-bit flips in the page table of a program that writes files: what each role of an entry's bits is worth.

Run with Quire's Python: page_tables.py [INJECTIONS]. The TLB is a small one, so that walks meet what was flipped.
"""

import collections
import subprocess
import sys
import tempfile
from pathlib import Path

import quire
from quire import fi

HERE = Path(__file__).resolve().parent


def plan(path, program, injections):
    with quire.Machine.supervisor(seed=1, tlb="entries=16,ways=4,policy=lru") as machine:
        process = machine.spawn([program])
        faults = fi.page_table_flips(_mappings_half_way(machine, process))
        return fi.Campaign.plan(path, machine, process, fi.Space(faults), samples=injections, seed=1, detected=[77, 78])


def _mappings_half_way(machine, process):
    """The process's mappings in the middle of its run; the machine is back at its start."""
    start = machine.snapshot()
    machine.run(until=process.exited)
    length = machine.icount - start.icount
    machine.restore(start)
    machine.run_to(icount=start.icount + length // 2)
    mappings = process.mappings
    machine.restore(start)
    return mappings


def by_role(campaign):
    """{role: outcomes} of what has been run."""
    found = collections.defaultdict(collections.Counter)
    for injection in campaign:
        found[fi.role_of(injection.fault)][injection.outcome] += 1
    return dict(found)


def main():
    injections = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "files"
        subprocess.run(["riscv64-linux-gnu-gcc", "-O2", "-static", HERE / "files.c", "-o", program], check=True)
        with plan(Path(folder) / "pte.db", program, injections) as campaign:
            print(campaign.describe())
            print(campaign.run())
            for role, outcomes in by_role(campaign).items():
                total = outcomes.total()
                print(f"{role:>4}: " + ", ".join(f"{name} {count / total:.0%}" for name, count in outcomes.most_common()))
            for injection in [i for i in campaign if i.outcome in ("sdc", "panic", "neighbour", "hang")][:5]:
                print(f"row {injection.id}: '{injection.fault}' before {injection.insns}: {injection.outcome} {injection.detail or ''}")


if __name__ == "__main__":
    main()
