"""The supervisor on an emulator nobody here wrote: QEMU's `virt` board with OpenSBI, from --export-qemu."""

import subprocess

import pytest

SOURCES = [
    "guest/programs/demo/vmdemo.c",
    "tests/programs/hello.c",
    "tests/programs/doubles.c",
    "tests/programs/fork200.c",
    "tests/programs/segv_handler.c",
    "tests/programs/files.c",
    "tests/programs/exit7.c",
    "tests/programs/eventfds.c",
    "tests/programs/epolls.c",
    "tests/programs/locks.c",
    "tests/programs/sockets.c",
    "tests/programs/terminals.c",
    "tests/programs/map_programs.c",
    "tests/programs/guards.c",
    "tests/programs/cow.c",
]


def after_firmware(serial: bytes) -> bytes:
    """What came after OpenSBI's banner, whose last line is the delegation of exceptions."""
    text = serial.replace(b"\r\n", b"\n")
    _, _, rest = text.partition(b"Boot HART MEDELEG")
    return rest.partition(b"\n")[2].lstrip(b"\n")


@pytest.mark.parametrize("how, status", [("", 0), ("=panic", 255)])
def test_the_supervisors_self_test_on_qemu_with_a_drive(how, status, quire, compile_guest, tmp_path):
    """The same is run on our machine by tests/unit/emu/launch/selftest_test.cpp."""
    program = compile_guest("tests/programs/hello.c")
    subprocess.run([quire, "run", "--export-qemu", tmp_path / "q", program], check=True, timeout=60)
    sectors = bytes((i * 7 + i // 512) % 256 for i in range(64 * 512))
    (tmp_path / "disk").write_bytes(sectors)
    drive = f"file={tmp_path / 'disk'},format=raw,if=none,id=drive"
    theirs = subprocess.run(
        ["sh", tmp_path / "q" / "run.sh", "-append", f"quire.seed=1 quire.loglevel=6 quire.selftest{how}",
         "-drive", drive, "-device", "virtio-blk-device,drive=drive"],
        capture_output=True, timeout=300, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    log = theirs.stdout.decode(errors="replace")
    assert theirs.returncode == status, log + theirs.stderr.decode()
    if status == 0:
        assert log.count(": ok") == 8, log
        assert "entropy device works" in log and "disk of 64 sectors" in log, log
        assert (tmp_path / "disk").read_bytes()[-512:] == sectors[:512]


@pytest.mark.parametrize("source", SOURCES)
def test_same_output_and_status_as_on_qemu(source, quire, compile_guest, tmp_path):
    program = compile_guest(source)
    ours = subprocess.run([quire, "run", program], capture_output=True, timeout=120)
    subprocess.run([quire, "run", "--export-qemu", tmp_path / "q", program], check=True, timeout=60)
    theirs = subprocess.run(
        ["sh", tmp_path / "q" / "run.sh"], capture_output=True, timeout=300, stdin=subprocess.DEVNULL
    )
    assert theirs.returncode == ours.returncode
    assert after_firmware(theirs.stdout) == ours.stdout


SHIFT_AND_ADD = """
#include <stdio.h>
int main(void) {
  long sum = 0;
  __asm__ volatile(".insn r 0x33, 2, 0x10, %0, %1, %2" : "=r"(sum) : "r"(20L), "r"(2L));  // sh1add, of Zba
  return printf("%ld\\n", sum) < 0;
}
"""
KILLED_BY_SIGILL = 128 + 4


@pytest.mark.parametrize("isa, status", [("rv64gc", KILLED_BY_SIGILL), ("rv64gc_zba", 0), ("", 0)])
def test_the_instruction_set_goes_along(isa, status, quire, tmp_path):
    source, program = tmp_path / "shift.c", tmp_path / "shift"
    source.write_text(SHIFT_AND_ADD)
    subprocess.run(["riscv64-linux-gnu-gcc", "-static", source, "-o", program], check=True)
    run = [quire, "run", *(["--isa", isa] if isa else [])]
    ours = subprocess.run([*run, program], capture_output=True, timeout=120)
    subprocess.run([*run, "--export-qemu", tmp_path / "q", program], check=True, timeout=60)
    theirs = subprocess.run(
        ["sh", tmp_path / "q" / "run.sh"], capture_output=True, timeout=300, stdin=subprocess.DEVNULL
    )
    assert theirs.returncode == ours.returncode == status
    assert after_firmware(theirs.stdout) == ours.stdout == (b"42\n" if status == 0 else b"")
