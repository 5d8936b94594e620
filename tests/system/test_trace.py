"""--trace: the instruction log against QEMU's, instruction by instruction; that tracing changes nothing; bad requests.

QEMU is asked for all registers before each instruction (-d cpu,fpu, one instruction a block). Ours says what each
instruction wrote, and which trapped.
"""

import functools
import re
import subprocess

import pytest

from .conftest import BUILD, ROOT

ISA = ROOT / "tests/isa/programs"
FLAGS = "-march=rv64gc -mabi=lp64d -mcmodel=medany -nostdlib -static -fno-pic -Wl,--build-id=none"
TIMEOUT_SECONDS = 240
RAM = 0x80000000


@functools.cache
def binutils():
    """An assembler that knows every extension, as the programs of tests/isa want."""
    done = subprocess.run([ROOT / "tools/riscv-binutils"], capture_output=True, text=True, check=True)
    return f"-B{done.stdout.strip()}"


def build(source, linker_script, out, *flags):
    elf = out / (source.stem + ".elf")
    subprocess.run(["riscv64-linux-gnu-gcc", binutils(), *FLAGS.split(), "-Wl,--no-warn-rwx-segments", *flags, "-T", linker_script,
                    source, "-o", elf], check=True)  # fmt: skip
    return elf


def quire(*arguments):
    return subprocess.run([BUILD / "quire", *arguments], capture_output=True, text=True, timeout=TIMEOUT_SECONDS)


REGISTER = re.compile(r"\b(x|f)(\d+)/\w+ +([0-9a-f]{16})|^ (pc|mscratch|mepc|mtvec|mcause|mtval|sepc|fcsr) +([0-9a-f]{16})",
                      re.MULTILINE)


def qemu_states(elf, out):
    """Dictionaries of all registers, one for the state before each instruction, from the program's first on."""
    log = out / "qemu.log"
    subprocess.run(["qemu-system-riscv64", "-M", "spike", "-m", "64M", "-bios", "none", "-display", "none", "-serial",
                    "null", "-monitor", "none", "-accel", "tcg,one-insn-per-tb=on", "-d", "nochain,cpu,fpu", "-D", log,
                    "-kernel", elf], timeout=TIMEOUT_SECONDS, stdin=subprocess.DEVNULL, check=False)  # fmt: skip
    states = []
    for dump in log.read_text().split(" V      =")[1:]:
        state = {}
        for bank, number, value, name, named_value in REGISTER.findall(dump):
            state[bank + number if bank else name] = int(value or named_value, 16)
        states.append(state)
    first = next(i for i, state in enumerate(states) if state["pc"] == RAM)
    return states[first:]


RETIRED = re.compile(r"core   0: ([013]) 0x([0-9a-f]{16}) \(0x([0-9a-f]+)\)(.*)")
WRITE = re.compile(r" (x|f)(\d+) +0x([0-9a-f]{16})| c\d+_(\w+) 0x([0-9a-f]{16})")
TRAPPED = re.compile(r"core   0: trap +\d+ ([USM]) 0x([0-9a-f]{16}) ")


def parse(line):
    """(pc, writes); writes is None where the instruction trapped."""
    if match := TRAPPED.match(line):
        return int(match[2], 16), None
    match = RETIRED.fullmatch(line)
    assert match, line
    assert len(match[3]) == (8 if int(match[3], 16) & 3 == 3 else 4), line
    writes = {bank + number if bank else name: int(value or named_value, 16)
              for bank, number, value, name, named_value in WRITE.findall(match[4])}
    return int(match[2], 16), writes


PROGRAMS = ["debugged", "i_load", "i_store", "i_jump", "a_amoadd", "m_divide", "d_fmadd", "f_to_integer", "c_memory",
            "p_exceptions", "p_sv39", "p_delegation", "zicsr_operations"]  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_instructions_are_those_of_qemu(name, tmp_path):
    if name == "debugged":
        elf = build(ROOT / "tests/system/debugged.c", ROOT / "bench/programs/link.ld", tmp_path, "-O1", "-ffreestanding")
    else:
        elf = build(ISA / f"{name}.S", ISA / "link.ld", tmp_path)
    log = tmp_path / "trace"
    assert quire("bare", "--ram", "64M", "--trace", f"insn,trap:{log}", elf).returncode in (0, 23)
    ours = log.read_text().splitlines()
    states = qemu_states(elf, tmp_path)
    assert len(ours) > 50
    written = 0
    for line, before, after in zip(ours, states, states[1:]):
        pc, writes = parse(line)
        assert pc == before["pc"], f"{line}\nQEMU is at {before['pc']:#x}"
        for register, value in (writes or {}).items():
            if register in after:
                assert value == after[register], f"{line}\nQEMU has {register} = {after[register]:#x}"
                written += 1
        changed = {r for r in after if re.fullmatch(r"[xf]\d+", r) and after[r] != before[r]}
        unsaid = changed - set(writes or {})
        assert not unsaid, f"{line}\nQEMU changed {unsaid}"
    assert written > 20
    # QEMU looks for the program's end by and by, while that waits in a loop.
    assert len(states) >= len(ours) and len({state["pc"] for state in states[len(ours):]}) <= 4


def test_memory_accesses_by_hand(tmp_path):
    source = tmp_path / "accesses.S"
    source.write_text(
        ".globl _start\n_start:\n .option norvc\n auipc s0, 1\n li t0, -2\n sd t0, 0(s0)\n sh t0, 8(s0)\n lbu t1, 1(s0)\n"
        " amoadd.w t2, t0, (s0)\n lr.d t3, (s0)\n sc.d t4, t0, (s0)\n sc.d t4, t0, (s0)\n csrwi mscratch, 5\n"
        " csrr t5, mscratch\n .option rvc\n c.li a0, 1\n c.nop\n")
    elf = build(source, ROOT / "bench/programs/link.ld", tmp_path)
    done = quire("bare", "--ram", "16M", "--max-insns", "13", "--trace", "insn", elf)
    assert done.stderr.splitlines()[:13] == [
        "core   0: 3 0x0000000080000000 (0x00001417) x8  0x0000000080001000",
        "core   0: 3 0x0000000080000004 (0xffe00293) x5  0xfffffffffffffffe",
        "core   0: 3 0x0000000080000008 (0x00543023) mem 0x0000000080001000 0xfffffffffffffffe",
        "core   0: 3 0x000000008000000c (0x00541423) mem 0x0000000080001008 0xfffe",
        "core   0: 3 0x0000000080000010 (0x00144303) x6  0x00000000000000ff mem 0x0000000080001001",
        "core   0: 3 0x0000000080000014 (0x005423af) x7  0xfffffffffffffffe mem 0x0000000080001000 mem 0x0000000080001000 0xfffffffc",
        "core   0: 3 0x0000000080000018 (0x10043e2f) x28 0xfffffffffffffffc mem 0x0000000080001000",
        "core   0: 3 0x000000008000001c (0x18543eaf) x29 0x0000000000000000 mem 0x0000000080001000 0xfffffffffffffffe",
        "core   0: 3 0x0000000080000020 (0x18543eaf) x29 0x0000000000000001",
        "core   0: 3 0x0000000080000024 (0x3402d073) c832_mscratch 0x0000000000000005",
        "core   0: 3 0x0000000080000028 (0x34002f73) x30 0x0000000000000005",
        "core   0: 3 0x000000008000002c (0x4505) x10 0x0000000000000001",
        "core   0: 3 0x000000008000002e (0x0001)",
    ]


def test_tracing_changes_no_result(compile_guest, tmp_path):
    program = compile_guest("tests/programs/doubles.c")
    plain = quire("run", "--digest", program)
    log = tmp_path / "trace"
    traced = quire("run", "--digest", "--trace", f"all,asm:{log}", program)
    assert plain.returncode == traced.returncode == 0
    assert plain.stdout == traced.stdout
    assert "digest" in plain.stderr and plain.stderr == traced.stderr
    seen = {line.split()[2] for line in log.read_text().splitlines() if line.startswith("core   0: ")}
    assert {"mmu", "trap", "irq", "device", "sbi", ">>>>", "0", "1"} <= seen


def test_kinds_of_events(compile_guest, tmp_path):
    program = compile_guest("tests/programs/doubles.c")
    log = tmp_path / "trace"
    assert quire("run", "--trace", f"mmu,trap,irq,device,sbi:{log}", program).returncode == 0
    text = log.read_text()
    for pattern in (
        r"mmu    \d+ S 0x[0-9a-f]{16} walk fetch 0x80200000 asid 0, 1 entries read: 0x80000000 1 GiB r",
        r"mmu    \d+ U 0x[0-9a-f]{16} walk \w+ 0x[0-9a-f]+ asid \d+, \d entries read: fault: no valid entry",
        r"mmu    \d+ U 0x[0-9a-f]{16} fill 0x[0-9a-f]+ asid \d+: 0x8[0-9a-f]+ 4 KiB r.xu-a",
        r"mmu    \d+ S 0x[0-9a-f]{16} fence 0x[0-9a-f]+ asid \d+",
        r"trap   \d+ U 0x[0-9a-f]{16} ecall from U-mode \(8\), tval 0x0 -> S 0x[0-9a-f]+ <trap_entry>",
        r"trap   \d+ U 0x[0-9a-f]{16} instruction page fault \(12\), tval",
        r"irq    \d+ [US] 0x[0-9a-f]{16} supervisor \w+ \(\d\) -> S 0x[0-9a-f]+ <trap_entry>",
        r"device \d+ S 0x[0-9a-f]{16} virtio-console read of 4 at \+0x0: 0x74726976",
        r"sbi    \d+ S 0x[0-9a-f]{16} TIME \(0x54494d45\) function 0 \(.*\) -> error 0, value 0x0",
    ):
        assert re.search(r"^core   0: " + pattern, text, re.MULTILINE), pattern


def test_what_the_translator_does(compile_guest, tmp_path):
    program = compile_guest("tests/programs/doubles.c")
    first, second = tmp_path / "first", tmp_path / "second"
    plain = quire("run", "--engine", "jit", "--digest", program)
    for log in (first, second):
        traced = quire("run", "--engine", "jit", "--digest", "--trace", f"jit:{log}", program)
        assert (traced.returncode, traced.stderr) == (plain.returncode, plain.stderr)
    text = first.read_text()
    assert text == second.read_text()
    for pattern in (
        r"jit    \d+ [SU] 0x[0-9a-f]{16} made 0x8[0-9a-f]{7}: \d+ instructions, \d+ bytes of host code",
        r"jit    \d+ [SU] 0x[0-9a-f]{16} linked 0x8[0-9a-f]{7} to 0x8[0-9a-f]{7}",
    ):
        assert re.search(r"^core   0: " + pattern + "$", text, re.MULTILINE), pattern
    interpreted = quire("run", "--engine", "interp", "--trace", f"jit:{second}", program)
    assert interpreted.returncode == 0
    assert second.read_text() == ""


def test_what_is_in_translated_blocks(compile_guest, tmp_path):
    log = tmp_path / "trace"
    done = quire("run", "--engine", "jit,code=2M", "--trace", f"jit=code:{log}", compile_guest("tests/programs/doubles.c"))
    assert done.returncode == 0
    blocks = re.split(r"^core   0: jit .* made ", log.read_text(), flags=re.MULTILINE)[1:]
    assert len(blocks) > 100
    for block in blocks[:100]:
        guest, ir, host = re.split(r"^  -- (?:ir|host)\n", block, flags=re.MULTILINE)
        count = int(re.match(r"0x[0-9a-f]+: (\d+) instructions", guest).group(1))
        assert len(re.findall(r"^  0x8[0-9a-f]+: [a-z]", guest, re.MULTILINE)) == count
        assert re.search(r"^  \d+: \w+$", ir, re.MULTILINE)
        assert host.startswith("  0x000: ")
    assert "  0x000: sub r15, " in blocks[0]  # counts its instructions


def test_symbols_of_a_program_and_of_nm_lines(compile_guest, tmp_path):
    program = compile_guest("tests/programs/doubles.c")
    log = tmp_path / "trace"
    assert quire("run", "--trace", f"trap:{log}", "--symbols", program, program).returncode == 0
    assert re.search(r"trap   \d+ U 0x0{8}\w{8} <\w+(\+0x\w+)?> ecall from U-mode", log.read_text())
    nm = tmp_path / "System.map"
    nm.write_text("0000000000010000 T from_the_map\n0000000000010000 t later\nffffffff80000000 A far\n")
    assert quire("run", "--trace", f"trap:{log}", "--symbols", nm, program).returncode == 0
    assert re.search(r" <from_the_map\+0x\w+> ecall from U-mode", log.read_text())


@pytest.mark.parametrize("contents, complaint", [
    (b"", "has no symbols"),
    (b"hello\n", "neither an ELF file nor lines of ADDRESS TYPE NAME"),
    (b"0000000000010000 T\n", "neither an ELF file nor lines"),
    (b"\x7fELF", "sym: "),
])  # fmt: skip
def test_bad_symbol_files(contents, complaint, compile_guest, tmp_path):
    program = compile_guest("tests/programs/hello.c")
    bad = tmp_path / "sym"
    bad.write_bytes(contents)
    done = quire("run", "--symbols", bad, program)
    assert done.returncode == 3
    assert complaint in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("request_text, status, complaint", [
    ("nonsense", 2, "'nonsense' is no category: there are insn, asm"),
    ("insn:", 2, "names no file"),
    ("", 2, "'' is no category"),
    ("insn:/nonexistent/trace", 3, "/nonexistent/trace: No such file or directory"),
    ("insn:/dev/full", 3, "/dev/full: No space left on device"),
])  # fmt: skip
def test_bad_requests(request_text, status, complaint, compile_guest):
    program = compile_guest("tests/programs/hello.c")
    done = quire("run", "--trace", request_text, program)
    assert done.returncode == status
    assert complaint in done.stderr and done.stderr.count("\n") == 1
