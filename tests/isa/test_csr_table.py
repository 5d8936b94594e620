"""docs/csr.md against the table that makes the CSRs, and against what a machine's CSRs hold and take."""

import re
import subprocess
from pathlib import Path

import pytest
import quire

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = ["number", "name", "fields", "rule", "reset", "changes", "section", "tests"]
ALL_ONES = (1 << 64) - 1
# Beside all ones: satp takes these modes and no other.
VALUES = [ALL_ONES, *(mode << 60 | ALL_ONES >> 4 for mode in (8, 9, 10))]


def rows():
    """One a CSR: ranges are spelled out."""
    for line in (ROOT / "docs" / "csr.md").read_text().splitlines():
        if not line.startswith("| 0x"):
            continue
        row = dict(zip(COLUMNS, (cell.strip() for cell in line.strip("|").split("|")), strict=True))
        numbers = [int(number, 16) for number in row["number"].split("-")]
        if len(numbers) == 1:
            yield {**row, "number": numbers[0]}
            continue
        stem, first, last = re.fullmatch(r"(\w+?)(\d+)-(\d+)", row["name"]).groups()
        assert numbers[1] - numbers[0] == int(last) - int(first), row["name"]
        for index in range(int(first), int(last) + 1):
            yield {**row, "number": numbers[0] + index - int(first), "name": f"{stem}{index}"}


ROWS = list(rows())


def test_the_table_has_every_csr_and_no_other():
    text = (ROOT / "include" / "quire" / "arch" / "csr.inc").read_text()
    table = {int(number, 16): name for number, name in re.findall(r"^QUIRE_CSR\((0x\w+), (\w+)\)", text, re.MULTILINE)}
    assert {row["number"]: row["name"] for row in ROWS} == table
    assert len(ROWS) == len(table)


def test_every_test_named_exists():
    programs = {path.name for path in (ROOT / "tests" / "isa" / "programs").rglob("*.S")}
    units = (ROOT / "tests" / "unit" / "emu" / "hart" / "csr_test.cpp").read_text()
    for row in ROWS:
        names = row["tests"].split(", ")
        assert names != [""], f"{row['name']} has no test"
        for name in names:
            suite, _, case = name.partition(".")
            assert name in programs or f"TEST_F({suite}, {case})" in units, f"{row['name']}: there is no test {name}"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    source = tmp_path_factory.mktemp("csr") / "program.S"
    source.write_text(".globl _start\n_start: j _start\n")
    elf = source.with_suffix(".elf")
    script = ROOT / "tests" / "isa" / "programs" / "link.ld"
    command = ["riscv64-linux-gnu-gcc", "-nostdlib", "-static", "-Wl,--build-id=none", "-T", script, source, "-o", elf]
    subprocess.run(command, check=True)
    return elf


def changeable(program, number: int) -> int:
    """Bits that some write leaves different from what zero leaves."""
    bits = 0
    for value in VALUES:
        with quire.Machine.bare(program, ram="16M") as m:
            csr = m.harts[0].csr
            csr.mideleg = ALL_ONES
            csr[number] = 0
            zero = csr[number]
            csr[number] = value
            bits |= csr[number] ^ zero
    return bits


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_reset_value_and_changeable_bits(row, program):
    with quire.Machine.bare(program, ram="16M") as m:
        assert f"{m.harts[0].csr[row['number']]:#x}" == row["reset"]
    if row["number"] >> 10 == 3:  # read-only by its number
        assert row["changes"] == "0x0"
        return
    assert f"{changeable(program, row['number']):#x}" == row["changes"]
