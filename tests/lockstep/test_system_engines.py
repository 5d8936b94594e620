"""A hundredth of `./x lockstep-engines --system`, which compares both engines at 1,000 counts of whole systems."""

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import system_engines  # noqa: E402


@pytest.mark.parametrize("name", system_engines.SCENES)
def test_the_engines_agree_on_a_system(name):
    instructions, states = system_engines.run(name, "jit", stops=10, seed=20)
    assert instructions > 100_000_000
    assert states >= 8


def test_counts_rise_and_some_are_close_together():
    chosen = system_engines.counts(random.Random(1), 10_000_000, 100)
    assert chosen == sorted(set(chosen)) and chosen[-1] < 10_000_000
    assert len(chosen) > 90
    assert sum(1 for a, b in zip(chosen, chosen[1:]) if b - a <= 30) >= 20


def test_a_difference_is_told(tmp_path):
    """Machines of which one is an instruction ahead."""

    class Spoilt(system_engines.Supervisor):
        def machine(self, engine):
            machine = super().machine("interp")
            if engine == "spoilt":
                machine.run(max_insns=1)
            return machine

    with pytest.raises(system_engines.Difference, match="pc 0x.* icount"):
        system_engines.compare(Spoilt(tmp_path), "spoilt", stops=5, seed=1)
