"""Each C program here, by each way of linking it: on the supervisor, and under qemu-riscv64 to prove what is expected.

What a program must print is what its opening comment states and, unless that says why not, what it prints under
QEMU's user mode, whose system calls are the host's Linux.
"""

import pytest
from .program import PROGRAMS

CASES = [pytest.param(p, link, id=f"{p.name}-{link}") for p in PROGRAMS for link in p.links]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_something_is_expected(program):
    assert program.stated is not None or program.no_oracle is None, "neither a stated output nor an oracle"
    assert program.stated is None or program.stated.strip()


@pytest.mark.parametrize("program", [p for p in PROGRAMS if not p.no_oracle], ids=lambda p: p.name)
def test_the_oracle_agrees_with_the_comment(program, build_program, on_qemu_user):
    outcome = on_qemu_user(build_program(program, program.links[0]))
    assert outcome.status == program.status
    if program.stated is not None:
        assert outcome.stdout.decode() == program.stated.decode()


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p.native], ids=lambda p: p.name)
def test_the_hosts_linux_agrees_with_the_comment(program, on_host):
    # A host that is short of memory may take a page away that a program has just touched, and count one fault more.
    for _ in range(3):
        outcome = on_host(program)
        if outcome.stdout == program.stated:
            break
    assert outcome.status == program.status
    assert outcome.stdout.decode() == program.stated.decode()


@pytest.mark.parametrize("program, link", CASES)
def test_output_and_status(program, link, build_program, on_quire, on_qemu_user):
    binary = build_program(program, link)
    outcome = on_quire(binary, program.options)
    expected = program.stated if program.stated is not None else on_qemu_user(binary).stdout
    assert outcome.stdout.decode() == expected.decode()
    assert outcome.status == program.status


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_output_and_status_by_the_translator(program, build_program, on_quire, on_qemu_user):
    binary = build_program(program, program.links[0])
    outcome = on_quire(binary, ["--engine=jit", *program.options])
    expected = program.stated if program.stated is not None else on_qemu_user(binary).stdout
    assert outcome.stdout.decode() == expected.decode()
    assert outcome.status == program.status
