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
]


def after_firmware(serial: bytes) -> bytes:
    """What came after OpenSBI's banner, whose last line is the delegation of exceptions."""
    text = serial.replace(b"\r\n", b"\n")
    _, _, rest = text.partition(b"Boot HART MEDELEG")
    return rest.partition(b"\n")[2].lstrip(b"\n")


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
