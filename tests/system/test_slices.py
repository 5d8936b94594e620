"""A run in slices ends in the state of a run in one piece."""

import random

import pytest

import quire


def machine(program):
    return quire.Machine.supervisor(ram="64M", seed=3)


def finish(program, slices):
    with machine(program) as m:
        p = m.spawn([str(program)])
        start = m.icount
        for length in slices:
            before = m.icount
            stop = m.run(until=p.exited, max_insns=length)
            if stop.reason == "limit":
                assert m.icount == before + length
            else:
                break
        else:
            stop = m.run(until=p.exited)
        return m.icount - start, m.digest, p.returncode


@pytest.mark.parametrize("seed", range(4))
def test_slices_do_not_show(seed, compile_guest):
    program = compile_guest("tests/programs/fork200.c")
    chooser = random.Random(seed)
    slices = [chooser.choice([1, 2, 7, 100, 12_345, 1_000_001]) for _ in range(60)]
    assert finish(program, slices) == finish(program, [])
