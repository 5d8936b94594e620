"""A sample of the comparison of both engines; `./x lockstep-engines --instructions 1000000000` runs the whole."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import engines  # noqa: E402

import quire  # noqa: E402


@pytest.mark.parametrize("threshold", [0, 3])
def test_the_engines_agree_at_random_counts(threshold):
    done, states = engines.run(1_000_000, 10_000, 8, 5_000_000 + threshold, 20, f"jit,threshold={threshold}")
    assert done >= 1_000_000
    assert states > 50


def test_the_engines_agree_when_code_is_given_up_again_and_again():
    done, states = engines.run(500_000, 20_000, 8, 6_000_000, 10, "jit,threshold=0,code=2M")
    assert done >= 500_000
    assert states > 5


def switches() -> list[str]:
    """All that can be off, by what the complaint of a wrong name lists."""
    try:
        quire.Machine.supervisor(engine="jit,off=nothing")
    except quire.UsageError as error:
        return str(error).split("there are ")[1].split(", ")
    return []


def test_there_are_switches():
    assert {"i", "m", "f", "zicsr", "priv", "loads", "links"} <= set(switches())


@pytest.mark.parametrize("name", switches())
def test_the_engines_agree_whatever_is_off(name):
    seed = 7_000_000 + 1000 * sum(name.encode())
    done, states = engines.run(60_000, 4_000, 4, seed, 6, f"jit,threshold=0,off={name}")
    assert done >= 60_000 and states > 3


def test_a_difference_is_told(monkeypatch):
    """A machine whose RAM is not that of the other."""
    honest = engines.machine

    def spoilt(elf, engine):
        made = honest(elf, engine)
        if engine != "interp":
            made.phys.write(0x80000000 + (16 << 20) - 8, b"x")  # the end of RAM
        return made

    monkeypatch.setattr(engines, "machine", spoilt)
    with pytest.raises(engines.Difference) as caught:
        engines.run(1000, 500, 1, 7, 5, "jit")
    assert "seed 7" in str(caught.value)


def test_engines_there_are_not_are_refused():
    with pytest.raises(quire.UsageError, match="'fast' is no engine"):
        quire.Machine.supervisor(engine="fast")
