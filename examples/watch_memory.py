"""Who writes to a variable, and what: a watch on a global of a program, from Python.

    build/python examples/watch_memory.py PROGRAM ADDRESS [BYTES]

ADDRESS is virtual, as `nm` shows it of a program that is linked statically. Each write is told with the instruction that
made it; at the end the machine goes back to the moment before the last one.
"""

import sys

import quire


def main(words):
    if len(words) < 2:
        sys.exit(__doc__.strip())
    program, address, size = words[0], int(words[1], 0), int(words[2], 0) if len(words) > 2 else 8
    with quire.Machine.supervisor(seed=1) as m:
        p = m.spawn([program])
        m.stdin.close()
        before = m.snapshot()
        writes = []

        @m.on.mem_write(address, address + size, pid=p)
        def wrote(e):
            writes.append(e)
            print(f"{e.icount:12,}: pc {e.pc:#x} ({e.priv}) writes {e.value:#x}, {e.size} bytes at {e.va:#x}")

        m.run(until=p.exited, timeout=60)
        print(f"{wrote.hits} writes; the program ended with {p.returncode}")
        if writes:
            m.run_to(icount=writes[-1].icount)
            print(f"back before the last one: pc {m.harts[0].pc:#x}, there is {int.from_bytes(p.virt.read(address, size), 'little'):#x}")
        assert before.icount < m.icount


if __name__ == "__main__":
    main(sys.argv[1:])
