"""A hundredth of the privileged comparison; `./x lockstep-priv` runs the whole."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import priv_generate  # noqa: E402
import priv_lockstep  # noqa: E402

QUIRE = Path(os.environ.get("QUIRE_BUILD_DIR", HERE.parents[1] / "build")) / "quire"


def test_ten_thousand_privileged_instructions_agree_with_qemu():
    done, causes = priv_lockstep.run(10_000, 2_500, 5_000_000, QUIRE)
    assert done >= 10_000
    exceptions = {cause for _, cause in causes}
    assert {1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 15} <= exceptions
    assert {level for level, _ in causes} == {"M", "S"}


def test_a_wrong_trap_and_a_wrong_page_table_are_found():
    size = priv_lockstep.TABLE_WORDS + 2 * priv_generate.RECORD_WORDS
    good = [0] * size
    good[priv_lockstep.TABLE_WORDS + 1] = good[priv_lockstep.TABLE_WORDS + priv_generate.RECORD_WORDS + 1] = 0x8001_0000
    wrong_tval = list(good)
    wrong_tval[priv_lockstep.TABLE_WORDS + priv_generate.RECORD_WORDS + 2] = 4
    assert priv_lockstep.first_difference(good, wrong_tval)[0] == 1
    assert "mtval" in priv_lockstep.first_difference(good, wrong_tval)[1]
    wrong_table = list(good)
    wrong_table[3] = 1
    assert priv_lockstep.first_difference(good, wrong_table)[0] == -1
    assert priv_lockstep.first_difference(good, list(good)) is None


def test_every_kind_of_item_occurs_and_constants_are_what_they_should_be():
    program = priv_generate.Generator(1).program(5_000)
    assert set(program.names) == {name for name, _ in priv_generate.Generator.ITEMS}
    for value in (0, 1, 2047, 2048, -1, 1 << 31, (1 << 31) - 1, 0x7FFF_F800, 1 << 63, 0x8000_0000_4021_0FFF, 0xDEAD_BEEF_0123_4567):
        assert run_constant(priv_generate.li(7, value)) == value & (1 << 64) - 1


def run_constant(words):
    x = 0
    for word in words:
        opcode, funct3, imm = word & 0x7F, word >> 12 & 7, (word >> 20) - (0x1000 if word >> 31 else 0)
        if opcode == 0x37:
            x = (word & 0xFFFFF000) - (1 << 32 if word >> 31 else 0)
        elif opcode == 0x1B:
            x = ((x + imm) & 0xFFFFFFFF) - (1 << 32 if (x + imm) & 0x80000000 else 0)
        elif funct3 == 1:
            x <<= word >> 20 & 63
        else:
            x = imm + (x if word >> 15 & 31 else 0)
        x = (x + (1 << 63)) % (1 << 64) - (1 << 63)
    return x & (1 << 64) - 1
