"""A sample of `./x lockstep-engines --loops`, which compares the engines on random loops in all privilege modes."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import loop_engines  # noqa: E402
import loops  # noqa: E402

import quire  # noqa: E402


@pytest.mark.parametrize("kind", loops.PROGRAMS)
def test_the_engines_agree_in_slices_and_with_restores(kind):
    instructions, states = loop_engines.run(kind, programs=8, seed=400)
    assert instructions > 100_000
    assert states > 60


@pytest.mark.parametrize("kind", loops.PROGRAMS)
def test_the_same_seed_is_the_same_program(kind):
    assert loops.PROGRAMS[kind](5) == loops.PROGRAMS[kind](5) != loops.PROGRAMS[kind](6)


def test_programs_go_where_translated_code_must_be_careful(tmp_path):
    """Traps, walks, code that is written to and calls of every kind come in some of them."""
    traps = walks = written = users = 0
    kinds = set()
    for kind in loops.PROGRAMS:
        for seed in range(60, 66):
            elf = loop_engines.build(kind, seed, tmp_path)
            with quire.Machine.bare(elf, ram="16M", engine="jit,threshold=1") as m:
                m.run(max_insns=100_000)
                assert m.icount == 100_000, f"{kind} program {seed} does not go on"
                stats = m.stats
                traps, walks = traps + stats.traps, walks + stats.tlb.walks
                written += stats.engine.dropped_by["written"]
                kinds |= {name for name, count in stats.engine.calls_by.items() if count}
                for _ in range(200):
                    m.run(max_insns=7)
                    users += m.harts[0].priv == "u"
    assert traps > 10_000 and walks > 5_000 and written > 100 and users > 10
    assert kinds >= {"store", "atomic", "csr", "float", "system"}


def test_a_difference_is_told(monkeypatch):
    honest = loop_engines.Comparison.machine

    def spoilt(self, engine):
        made = honest(self, engine)
        if engine != "interp":
            made.phys.write(0x80000000 + (16 << 20) - 8, b"x")
        return made

    monkeypatch.setattr(loop_engines.Comparison, "machine", spoilt)
    with pytest.raises(loop_engines.Difference, match="machine program, seed 3, engine jit,.*: in one go"):
        loop_engines.run("machine", programs=1, seed=3)
