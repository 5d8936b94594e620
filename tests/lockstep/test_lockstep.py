"""A hundredth of the lockstep comparison; `./x lockstep` runs the whole."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import generate  # noqa: E402
import lockstep  # noqa: E402

QUIRE = Path(os.environ.get("QUIRE_BUILD_DIR", HERE.parents[1] / "build")) / "quire"


def test_a_hundred_thousand_random_instructions_agree_with_qemu():
    done, states = lockstep.run(100_000, 10_000, 1_000_000, QUIRE)
    assert done >= 100_000
    assert states > 1_000


def test_a_wrong_register_is_found():
    words = [0] * (lockstep.DATA_WORDS + 2 * lockstep.RECORD_WORDS)
    other = list(words)
    other[lockstep.DATA_WORDS + lockstep.RECORD_WORDS + 5] = 1
    assert lockstep.first_difference(words, other)[0] == 1
    assert "x5" in lockstep.first_difference(words, other)[1]
    assert lockstep.first_difference(words, words) is None


def test_every_instruction_of_the_table_occurs():
    rows = generate.read_table()
    maker = generate.Generator(1, rows)
    used = {row.name for row in maker.plain + maker.memory + maker.branches + maker.jumps}
    assert {row.name for row in rows} - used == generate.LEFT_OUT & {row.name for row in rows}
