"""A hundredth of the lockstep comparison; `./x lockstep --instructions 100000000` runs the whole."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import generate  # noqa: E402
import lockstep  # noqa: E402

QUIRE = Path(os.environ.get("QUIRE_BUILD_DIR", HERE.parents[1] / "build")) / "quire"


def test_a_million_random_instructions_agree_with_qemu():
    tally = lockstep.run(1_000_000, 10_000, 2, 1_000_000, QUIRE)
    assert tally.executed >= 1_000_000
    assert tally.states > 1_000


def test_random_instructions_agree_with_unicorn():
    tally = lockstep.run(200_000, 10_000, 1, 3_000_000, QUIRE, oracle="unicorn")
    assert tally.executed >= 200_000
    assert tally.states > 1_000


def test_a_wrong_register_is_found():
    words = [0] * (lockstep.RECORDS_AT + 2 * lockstep.RECORD_WORDS)
    other = list(words)
    other[lockstep.RECORDS_AT + lockstep.RECORD_WORDS + 5] = 1
    assert lockstep.first_difference(words, other)[0] == 1
    assert "x5" in lockstep.first_difference(words, other)[1]
    assert lockstep.first_difference(words, words) is None


def test_every_instruction_of_the_table_occurs():
    rows = generate.read_table()
    maker = generate.Generator(1, rows)
    used = {row.name for row in maker.plain + maker.memory + maker.branches + maker.jumps}
    left = {row.name for row in rows if row.name not in used}
    assert left == {r.name for r in rows if r.name in generate.LEFT_OUT or r.extension in generate.PRIVILEGED_GROUPS}


def test_a_difference_is_explained(tmp_path):
    """A Quire without Zbb, which therefore traps where QEMU computes."""
    without = tmp_path / "quire"
    names = "imafdc_zicbom_zicbop_zicboz_zicond_zacas_zawrs_zfa_zfh_zba_zbc_zbkb_zbs"
    without.write_text(f'#!/bin/sh\ncommand=$1\nshift\nexec {QUIRE} "$command" --isa rv64{names} "$@"\n')
    without.chmod(0o755)
    with pytest.raises(lockstep.Difference) as caught:
        lockstep.run(100_000, 2_000, 1, 7, without)
    text = str(caught.value)
    assert "seed 7" in text and "pass 0" in text and "ecall" in text
