"""Where a program spends its system calls: a table, and a trace that ui.perfetto.dev opens.

    build/python examples/syscall_profile.py PROGRAM [ARGS...]

Events are recorded natively while it runs; nothing of it is changed by that.
"""

import sys
from pathlib import Path

import quire


def main(words):
    if not words:
        sys.exit(__doc__.strip())
    with quire.Machine.supervisor(seed=1) as m:
        events = m.record("syscall", "context_switch", "exec", "page_fault")
        p = m.spawn(words)
        m.stdin.close()
        m.run(until=p.exited, timeout=60)
        sys.stdout.write(m.stdout.text)
        print(f"\n{words[0]} ended with {p.returncode} after {m.icount:,} instructions")

        spent, begun = {}, {}
        for e in events.filter("syscall_enter", pid=p.pid):
            begun.setdefault(e.nr, []).append(e.icount)
        ends = [e for e in events.filter("syscall_exit", pid=p.pid)]
        for e in ends:
            start = begun[e.nr].pop(0)
            calls, insns = spent.get(e.nr, (0, 0))
            spent[e.nr] = (calls + 1, insns + e.icount - start)
        print(f"{'call':20} {'times':>8} {'instructions':>14}")
        for name, (calls, insns) in sorted(spent.items(), key=lambda row: -row[1][1]):
            print(f"{name:20} {calls:8} {insns:14,}")
        events.write_trace(Path("trace.json"))
        print(f"{len(events)} events in trace.json: open it at ui.perfetto.dev")


if __name__ == "__main__":
    main(sys.argv[1:])
