"""The main job: a C program under the supervisor, and what the machine saw of its virtual memory.

Run with build/python; takes the path of another program built from guest/programs/demo, if given.
Everything below the program's own output is taken from recorded events and from the page tables.
"""

import os
import re
import sys
from pathlib import Path

import quire

PAGE = 4096


def section(title):
    print(f"\n{title}\n{'-' * len(title)}")


def table(header, rows):
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        print("  " + "  ".join(f"{cell!s:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def check(stop, wanted, machine):
    """The steps below make sense only where the run came to where it was sent."""
    if stop.reason != wanted:
        sys.stdout.write(machine.stdout.text)
        sys.exit(f"demo: the run ended early ({stop.reason} at {stop.icount}): {machine.stderr.text or stop.detail}")


def areas(output):
    """[(start, end, name)] of the address space, from the /proc/self/maps that the program printed."""
    line = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) \S{4} \S+ \S+ \d+ *(.*)$", re.MULTILINE)
    return [(int(a, 16), int(b, 16), name) for a, b, name in line.findall(output)]


def name_of(va, known):
    return next((name or "anonymous" for start, end, name in known if start <= va < end), "")


def prot_text(prot):
    return "".join(letter if prot & bit else "-" for letter, bit in (("r", 1), ("w", 2), ("x", 4)))


def fault_rows(faults, known):
    for fault in sorted(faults, key=lambda f: (quire.FAULT_KINDS.index(f.kind), f.icount)):
        vma = f"{fault.vma_start:x}-{fault.vma_end:x} {prot_text(fault.vma_prot)}"
        frame = f"{fault.pfn:#x}" if fault.pfn else ""
        yield fault.kind, f"{fault.va:#x}", fault.access, vma, name_of(fault.va, known), fault.pid, frame


def frames(process):
    """Frame by virtual page, as the process' page table has it now."""
    return {leaf.va + offset: leaf.pfn + offset // PAGE
            for leaf in process.mappings for offset in range(0, leaf.bytes, PAGE)}


def shared_pages(parent, child):
    """{va: frame} of the pages where both tables lead to one frame."""
    mine, theirs = frames(parent), frames(child)
    return {va: pfn for va, pfn in mine.items() if theirs.get(va) == pfn}, mine, theirs


def print_sharing(before, after, private_va, known):
    """The pages that fork left to both processes, and where each process' table leads now."""
    (shared_before, _, _), (shared_after, mine, theirs) = before, after
    copied = set(shared_before) - set(shared_after)
    print(f"  before the writes: {len(shared_before)} pages lead to one frame in both processes")
    print(f"  after: {len(shared_before) - len(copied)} of them still do, {len(copied)} lead to two frames; "
          f"{len(set(shared_after) - set(shared_before))} more pages of files were touched by both since")
    table(["page", "area", "frame before", "parent after", "child after", ""],
          [(f"{va:#x}", name_of(va, known), f"{pfn:#x} (both)", f"{mine.get(va, 0):#x}", f"{theirs.get(va, 0):#x}",
            ("copied" if va in copied else "shared") + (" <- the private page" if va == private_va else ""))
           for va, pfn in sorted(shared_before.items())])


def print_walk(walk, va, pid, satp):
    print(f"  {va:#x} in process {pid} (satp {satp:#x}), write access:")
    table(["level", "index", "entry at", "entry", "flags", "leads to"],
          [(step.level, va >> (12 + 9 * step.level) & 0x1FF, f"{step.pte_address:#x}", f"{step.pte:#018x}", step.flags,
            f"{'frame' if step.leaf else 'table'} {step.pfn:#x}") for step in walk.steps])
    if walk:
        print(f"  physical address {walk.physical_address:#x}, page of {walk.page_bytes} bytes")
    else:
        print(f"  {walk.fault}: {walk.reason}")


def main():
    build = Path(os.environ.get("QUIRE_BUILD_DIR", Path(quire.__file__).parents[2]))
    program = Path(sys.argv[1]) if len(sys.argv) > 1 else build / "programs" / "vmdemo"

    with quire.Machine.supervisor(seed=1) as machine:
        events = machine.record("fork", "exec", "exit", "page_fault", "cow", "mmap")
        parent = machine.spawn([program])

        check(machine.run(until=quire.happens("fork", pid=parent.pid)), "until", machine)
        child = machine.process(events.filter("fork", pid=parent.pid)[-1].child)
        waits_for_word = quire.happens("syscall_enter", pid=child.pid, nr="read")

        check(machine.run(until=waits_for_word), "until", machine)
        before = shared_pages(parent, child)
        check(machine.run(until=waits_for_word), "until", machine)
        after = shared_pages(parent, child)
        private_va = int(re.search(r"private page at (0x[0-9a-f]+)", machine.stdout.text)[1], 16)
        walk = parent.walk(private_va, "w")
        sharers = parent.page(private_va).sharers
        satp, at_walk = parent.satp, machine.icount
        check(machine.run(until=parent.exited), "until", machine)

        output = machine.stdout.text
        known = areas(output)
        section(f"The program: {program.name}, status {parent.returncode}")
        print(output, end="")

        faults = events.filter("page_fault")
        section(f"Page faults: {len(faults)}, by kind")
        table(["kind", "count"], sorted(faults.count("kind").items(), key=lambda item: -item[1]))
        print()
        table(["kind", "address", "access", "VMA", "area", "process", "frame"], list(fault_rows(faults, known)))

        section("Copies on write")
        table(["process", "address", "old frame", "new frame", "sharers before", "after"],
              [(c.pid, f"{c.va:#x}", f"{c.old_pfn:#x}", f"{c.new_pfn:#x}", c.sharers_before, c.sharers_after)
               for c in events.filter("cow")])

        section(f"Frames shared by process {parent.pid} and its child {child.pid}, from their page tables")
        print_sharing(before, after, private_va, known)

        section(f"Page-table walk, at instruction {at_walk}")
        print_walk(walk, private_va, parent.pid, satp)
        print(f"  mapped by: {', '.join(f'process {p.pid} at {va:#x}' for p, va in sharers)}")

        section("The machine")
        stats = machine.stats
        print(f"  {stats.icount} instructions, {stats.minor_faults} minor and {stats.major_faults} major faults, "
              f"{stats.events['syscall_enter']} system calls, {stats.events['context_switch']} context switches")
        print(f"  {stats.tlb.misses} TLB misses; seed {machine.config['seed']}, "
              f"digest {machine.digest}, quire {quire.__version__}")
        if parent.returncode != 0:
            sys.exit(f"demo: the program ended with {parent.returncode}")


if __name__ == "__main__":
    try:
        main()
    except quire.Error as error:
        sys.exit(f"demo: {error}")
