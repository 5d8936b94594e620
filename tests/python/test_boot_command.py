"""quire boot as a shell sees it, with kernels of a few instructions; real ones are in tests/boot."""

import json
import signal
import subprocess

import pytest
from shared.keyboard import Keyboard

from .conftest import ROOT

# Says what it was given and in which mode it runs, echoes what is typed up to "q", and powers off by the finisher.
KERNEL = r"""
    li s0, 0x10000000      # UART
    mv s1, a0
    mv s2, a1
    bnez s1, fail          # hart 0
    lwu t0, 0(s2)          # the device tree's magic, as it lies in memory
    li t1, 0xedfe0dd0
    bne t0, t1, fail
    lla s3, greeting
1:  lbu t0, 0(s3)
    beqz t0, echo
    sb t0, 0(s0)
    addi s3, s3, 1
    j 1b
echo:
    lbu t0, 5(s0)          # LSR: data ready?
    andi t0, t0, 1
    beqz t0, idle
    lbu t0, 0(s0)
    li t1, 'q'
    beq t0, t1, off
    sb t0, 0(s0)
    j echo
off:
    li t0, 0x100000
    li t1, STATUS
    sw t1, 0(t0)
idle:
    IDLE
    j echo
fail:
    li t0, 0x100000
    li t1, 0x013333
    sw t1, 0(t0)
    j fail
greeting: .asciz "up\n"
"""
# Does what OpenSBI's fw_dynamic does with fw_dynamic_info: magic, version, next address, next mode.
FIRMWARE = """
    ld t0, 0(a2)
    li t1, 0x4942534f
    bne t0, t1, bad
    ld t0, 24(a2)
    slli t0, t0, 11        # to mstatus.MPP
    csrw mstatus, t0
    ld t0, 16(a2)
    csrw mepc, t0
    li t0, -1              # S-mode may do everything everywhere
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    mret
bad:
    j bad
"""
POWER_OFF = "0x5555"
STATUS_7 = "0x073333"


def assemble(source_text, folder, name, address):
    """An ELF file and the raw image of it, linked to `address`."""
    source, elf, image = folder / f"{name}.S", folder / f"{name}.elf", folder / f"{name}.bin"
    source.write_text(source_text)
    link = f"-Wl,-N,-Ttext={address:#x},-e{address:#x},--build-id=none"
    subprocess.run(["riscv64-linux-gnu-gcc", "-nostdlib", "-static", "-fno-pic", link, "-o", elf, source], check=True)
    subprocess.run(["riscv64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", elf, image], check=True)
    return elf, image


@pytest.fixture
def kernel(tmp_path):
    """kernel(status, idle): a raw image that goes 2 MiB into RAM."""

    def build(status=POWER_OFF, idle="nop"):
        return assemble(KERNEL.replace("STATUS", status).replace("IDLE", idle), tmp_path, "kernel", 0x8020_0000)[1]

    return build


def boot(quire_command, *words, **options):
    options.setdefault("input", b"")
    return subprocess.run([str(quire_command), "boot", "--timeout=60", *map(str, words)], capture_output=True,
                          timeout=120, **options)  # fmt: skip


def test_the_uart_is_stdin_and_stdout(quire_command, kernel):
    done = boot(quire_command, "--kernel", kernel(STATUS_7), input=b"some words\x03\x01q")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"up\nsome words\x03\x01", b"")


def test_power_off_ends_with_0_and_runs_from_a_file_repeat(quire_command, kernel, tmp_path):
    typed = tmp_path / "typed"
    typed.write_bytes(b"abcq")
    image, reports = kernel(), []
    for _ in range(2):
        with typed.open() as stdin:
            done = boot(quire_command, "--kernel", image, "--digest", "--json", stdin=stdin, input=None)
        assert (done.returncode, done.stdout) == (0, b"up\nabc")
        reports.append(json.loads(done.stderr.splitlines()[-1]))
    assert reports[0]["config"]["mode"] == "supervisor"
    assert reports[0]["digest"] == reports[1]["digest"]
    assert reports[0]["icount"] == reports[1]["icount"]


def test_firmware_runs_first_and_a_kernel_may_be_left_away(quire_command, kernel):
    done = boot(quire_command, "--bios", kernel(), input=b"q")  # not linked to any address
    assert (done.returncode, done.stdout) == (0, b"up\n")


def test_firmware_learns_where_the_kernel_is(quire_command, kernel, tmp_path):
    elf, image = assemble(FIRMWARE, tmp_path, "firmware", 0x8000_0000)
    for bios in (elf, image):
        done = boot(quire_command, "--bios", bios, "--kernel", kernel(), input=b"xq")
        assert (done.returncode, done.stdout) == (0, b"up\nx"), bios
    done = boot(quire_command, "--bios", elf, "--kernel", elf)
    assert done.returncode == 3 and b"overlaps the firmware's at 0x80000000" in done.stderr


def test_a_device_tree_that_cannot_be_made_leaves_no_file(quire_command, kernel, tmp_path):
    done = boot(quire_command, "--kernel", tmp_path / "none", "--dump-dtb", tmp_path / "board.dtb")
    assert done.returncode == 3
    assert list(tmp_path.glob("*.dtb")) == []


def test_a_device_tree_is_written_and_taken_back(quire_command, kernel, tmp_path):
    image, tree, again = kernel(), tmp_path / "board.dtb", tmp_path / "again.dtb"
    initrd = tmp_path / "initrd"
    initrd.write_bytes(bytes(5000))
    words = ["--kernel", image, "--append", "one two", "--initrd", initrd]
    assert boot(quire_command, *words, "--dump-dtb", tree).returncode == 0
    assert boot(quire_command, *words, "--dtb", tree, "--dump-dtb", again).returncode == 0

    def source(path):
        return subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", path], check=True, capture_output=True).stdout

    assert source(tree) == source(again)
    assert b'bootargs = "one two"' in source(tree)
    assert b"linux,initrd-start" in source(tree)
    assert boot(quire_command, "--kernel", image, "--dtb", tree, input=b"q").returncode == 0


@pytest.mark.parametrize(
    "words, status, complaint",
    [
        ([], 2, "there is nothing to boot"),
        (["word"], 2, "'word' is no option"),
        (["--kernel", "K", "--smp", "2"], 2, "--smp 2"),
        (["--kernel", "K", "--net", "tap"], 2, "network 'tap'"),
        (["--kernel", "K", "--drive", "disk,rw"], 2, "drive 'disk,rw'"),
        (["--kernel", "K", "--drive", "/absent"], 3, "/absent"),
        (["--kernel", "K", "--share", "dir"], 2, "share 'dir'"),
        (["--kernel", "/absent"], 3, "/absent"),
        (["--kernel", "/bin/sh"], 3, "not riscv64"),
        (["--kernel", ROOT / "README.md"], 3, "but text"),
        (["--kernel", "K", "--initrd", "EMPTY"], 3, "empty: the file is empty"),
        (["--kernel", "EMPTY"], 3, "empty: the file is empty"),
        (["--kernel", "K", "--bios", "/absent"], 3, "/absent"),
        (["--kernel", "K", "--dtb", "EMPTY"], 3, "empty: the file is empty"),
        (["--kernel", "K", "--dtb", ROOT / "README.md"], 3, "README.md: not a sound flattened device tree"),
    ],
)
def test_bad_input_is_one_line(quire_command, kernel, tmp_path, words, status, complaint):
    files = {"K": kernel(), "EMPTY": tmp_path / "empty"}
    files["EMPTY"].touch()
    done = boot(quire_command, *[files.get(word, word) for word in words])
    assert done.returncode == status
    assert complaint in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


@pytest.fixture
def on_terminal(quire_command, kernel):
    opened = []

    def start(*words, **how):
        opened.append(Keyboard([quire_command, "boot", "--timeout=60", "--kernel", kernel(**how), *words]))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def test_every_key_goes_to_the_guest(on_terminal):
    terminal = on_terminal(status=STATUS_7)
    terminal.expect(b"up")
    assert not terminal.is_as_before()
    terminal.type(b"a\x03\x1a\x04\x01\x01\x01a\x01zq")
    terminal.expect(b"a\x03\x1a\x04\x01\x01z")
    assert terminal.status() == 7
    assert terminal.is_as_before()


def test_the_escape_ends_a_guest_that_does_not_listen(on_terminal):
    terminal = on_terminal(idle="1: j 1b")
    terminal.expect(b"up")
    terminal.type(b"\x01x")
    assert terminal.status() == 130
    assert terminal.is_as_before()


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGHUP, signal.SIGSEGV])
def test_a_signal_leaves_the_terminal_as_it_was(on_terminal, signo):
    terminal = on_terminal()
    terminal.expect(b"up")
    terminal.process.send_signal(signo)
    assert terminal.status() == -signo
    assert terminal.is_as_before()
