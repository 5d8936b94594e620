"""Bad input gives one clear line on stderr and the right status: 2 for the command line, 3 for files."""

import json
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

HELLO = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'


def invoke(quire_command, *words, **options):
    done = subprocess.run([str(quire_command), *map(str, words)], capture_output=True, timeout=60,
                          stdin=subprocess.DEVNULL, **options)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def assert_one_line(error, *parts):
    assert error.startswith("quire: "), error
    assert error.count("\n") == 1 and error.endswith("\n"), error
    for part in parts:
        assert part in error, error


@pytest.fixture(scope="module")
def hello(compile_c):
    return compile_c(HELLO)


@pytest.mark.parametrize(("words", "parts"), [
    ([], ["COMMAND"]),
    (["--bogus"], ["--bogus"]),
    (["walk-the-dog"], ["walk-the-dog"]),
    (["run"], ["PROGRAM"]),
    (["run", "--bogus", "{hello}"], ["--bogus"]),
    (["run", "--seed"], ["--seed", "wants a value"]),
    (["run", "--seed=1", "--seed=2", "{hello}"], ["--seed", "more than once"]),
    (["run", "--digest=3", "{hello}"], ["--digest", "takes no value"]),
    (["bare", "--stats=no", "{hello}"], ["--stats", "takes no value"]),
    (["run", "--seed=-1", "{hello}"], ["--seed", "'-1' is not a whole number from 0"]),
    (["run", "--seed=18446744073709551616", "{hello}"], ["--seed", "above 2^64 - 1"]),
    (["bare", "--bogus", "{hello}"], ["--bogus"]),
    (["run", "--ram", "1M", "{hello}"], [str(1 << 20), "16 MiB"]),
    (["run", "--ram", "100T", "{hello}"], [str(100 << 40), "64 GiB"]),
    (["run", "--ram", "lots", "{hello}"], ["lots"]),
    (["run", "--ram", "99999999999T", "{hello}"], ["99999999999T"]),
    (["bare", "--ram", "1M", "{hello}"], ["16 MiB"]),
    (["run", "--seed", "-1", "{hello}"], ["--seed", "-1"]),
    (["run", "--max-insns", "many", "{hello}"], ["--max-insns", "many"]),
    (["run", "--max-insns"], ["--max-insns"]),
    (["run", "--fail-alloc", "0", "{hello}"], ["--fail-alloc", "'0'", "[heap:|io:]N[+]"]),
    (["run", "--fail-alloc", "stack:3", "{hello}"], ["--fail-alloc", "stack:3"]),
    (["run", "--cwd", "/nowhere", "{hello}"], ["/nowhere", "no directory of the guest"]),
    (["run", "--cwd", "/etc/passwd", "{hello}"], ["/etc/passwd", "no directory of the guest"]),
    (["run", "--root", "/usr:rx", "{hello}"], ["/usr:rx", "':rx' is no access"]),
    (["run", "--screen", "320x200", "--export-qemu", "/nowhere", "{hello}"], ["--export-qemu", "--screen"]),
    (["run", "--timeout", "0", "{hello}"], ["--timeout", "0"]),
    (["run", "--timeout", "-3", "{hello}"], ["--timeout", "-3"]),
    (["run", "--timeout", "nan", "{hello}"], ["--timeout", "nan"]),
    (["run", "--tlb", "entries=12", "{hello}"], ["12"]),
    (["run", "--tlb", "colour=red", "{hello}"], ["colour=red"]),
    (["bare", "--isa", "rv32gc", "{hello}"], ["rv32gc", "rv64"]),
    (["bare", "--isa", "rv64gcq", "{hello}"], ["rv64gcq", "'q'"]),
    (["bare", "--isa", "rv64gc_znone", "{hello}"], ["rv64gc_znone", "'znone'"]),
    (["bare", "--isa", "rv64gc_", "{hello}"], ["rv64gc_"]),
    (["bare", "--isa", "rv64ima_zicsr_zicsr", "{hello}"], ["twice"]),
    (["run", "--isa", "rv64ima", "{hello}"], ["supervisor", "rv64imafdc"]),
    (["run", "--env", "NOVALUE", "{hello}"], ["NOVALUE"]),
    (["run", "--file", "x:y", "{hello}"], ["x:y"]),
    (["run", "--file", "{hello}:/proc/x", "{hello}"], ["/proc/x"]),
    (["run", "--file", "/etc/hostname:{hello}", "{hello}"], ["the program itself"]),
    (["run", ""], ["empty"]),
    (["bare", "{hello}", "argument"], ["argument"]),
])
def test_usage(words, parts, quire_command, hello):
    status, out, error = invoke(quire_command, *[word.format(hello=hello) for word in words])
    assert status == 2
    assert out == ""
    assert_one_line(error, *parts)


def patched(hello, tmp_path, name, offset, form, value):
    data = bytearray(hello.read_bytes())
    struct.pack_into(form, data, offset, value)
    path = tmp_path / name
    path.write_bytes(data)
    return path


def first_load_header(data):
    """File offset of the first PT_LOAD program header."""
    table, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    return next(table + i * size for i in range(count) if struct.unpack_from("<I", data, table + i * size)[0] == 1)


def missing(hello, tmp_path):
    return tmp_path / "missing"


def empty(hello, tmp_path):
    path = tmp_path / "empty"
    path.touch()
    return path


def directory(hello, tmp_path):
    return tmp_path


def foreign_machine(hello, tmp_path):
    return Path("/bin/true").resolve()


def narrow(hello, tmp_path):
    path = tmp_path / "rv32"
    command = ["riscv64-linux-gnu-gcc", "-march=rv32i", "-mabi=ilp32", "-nostdlib", "-static", "-x", "assembler", "-",
               "-o", str(path)]
    subprocess.run(command, input=b".globl _start\n_start: j _start\n", check=True)
    return path


def big_endian(hello, tmp_path):
    return patched(hello, tmp_path, "big-endian", 5, "B", 2)


def truncated_in_the_header(hello, tmp_path):
    path = tmp_path / "short-header"
    path.write_bytes(hello.read_bytes()[:40])
    return path


def truncated(hello, tmp_path):
    path = tmp_path / "truncated"
    path.write_bytes(hello.read_bytes()[:5000])
    return path


def header_table_beyond_the_file(hello, tmp_path):
    return patched(hello, tmp_path, "phoff", 32, "<Q", 1 << 40)


def segment_beyond_the_file(hello, tmp_path):
    return patched(hello, tmp_path, "offset", first_load_header(hello.read_bytes()) + 8, "<Q", 1 << 40)


def absurd_memory_size(hello, tmp_path):
    return patched(hello, tmp_path, "memsz", first_load_header(hello.read_bytes()) + 40, "<Q", (1 << 63) - 1)


def memory_size_that_wraps(hello, tmp_path):
    return patched(hello, tmp_path, "wraps", first_load_header(hello.read_bytes()) + 40, "<Q", (1 << 64) - 4096)


def plain_text(hello, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a program\n")
    return path


BAD_FILES = [missing, empty, directory, foreign_machine, narrow, big_endian, truncated_in_the_header, truncated,
             header_table_beyond_the_file, segment_beyond_the_file, absurd_memory_size, memory_size_that_wraps,
             plain_text]


@pytest.mark.parametrize("command", ["run", "bare"])
@pytest.mark.parametrize("make", BAD_FILES, ids=lambda make: make.__name__)
def test_bad_file(make, command, quire_command, hello, tmp_path):
    path = make(hello, tmp_path)
    status, out, error = invoke(quire_command, command, path)
    assert status == 3
    assert out == ""
    assert_one_line(error, str(path))


@pytest.mark.parametrize("command", ["run", "bare"])
def test_unreadable_file(command, quire_command, hello):
    """As a user who may not read it; the superuser may read everything."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        here = shutil.copy(quire_command, folder)
        program = Path(shutil.copy(hello, folder))
        program.chmod(0)
        other_user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        status, out, error = invoke(here, command, program, cwd=folder, **other_user)
    assert status == 3
    assert out == ""
    assert_one_line(error, str(program), "ermission denied")


def test_missing_file_for_the_program(quire_command, hello, tmp_path):
    status, _, error = invoke(quire_command, "run", "--file", f"{tmp_path}/none:/none", hello)
    assert status == 3
    assert_one_line(error, f"{tmp_path}/none")


@pytest.mark.parametrize(("words", "parts"), [
    (["hello"], ["cannot run hello", "ENOENT", "did you mean /usr/bin/hello?"]),
    (["other"], ["cannot run other", "/other", "PROGRAM is a path in the root"]),
    (["usr/bin/other"], ["cannot run usr/bin/other", "looking for /usr/bin/other"]),
    (["--cwd", "/usr/none", "/usr/bin/hello"], ["/usr/none", "ENOENT", "directory of the guest"]),
    (["/usr/bin/script"], ["cannot run /usr/bin/script", "interpreter"]),
])
def test_what_a_root_does_not_have(words, parts, quire_command, hello, tmp_path):
    programs = tmp_path / "root/usr/bin"
    programs.mkdir(parents=True)
    shutil.copy(hello, programs / "hello")
    (programs / "script").write_text("#!/bin/nothing\n")
    (programs / "script").chmod(0o755)
    status, out, error = invoke(quire_command, "run", "--root", tmp_path / "root", *words)
    assert (status, out) == (3, "")
    assert_one_line(error, *parts)


def test_an_allocation_that_never_came(quire_command, hello):
    status, out, error = invoke(quire_command, "run", "--json", "--fail-alloc", "1000000", hello)
    assert status == 0
    note, report = error.splitlines()
    assert "--fail-alloc 1000000 was not reached" in note
    assert json.loads(report)["fail_alloc"]["reached"] is False
    status, out, error = invoke(quire_command, "run", "--json", "--fail-alloc", "3", hello)
    assert json.loads(error.splitlines()[-1])["fail_alloc"] == {"reached": True, "refused": 1, "missing": 0}


@pytest.mark.parametrize("option", ["--json", "--kernel-log"])
def test_output_file_that_cannot_be_written(option, quire_command, hello, tmp_path):
    status, _, error = invoke(quire_command, "run", f"{option}={tmp_path}/none/out", hello)
    assert status == 3
    assert_one_line(error, f"{tmp_path}/none/out")


def test_errors_are_in_the_json_too(quire_command, hello, tmp_path):
    report = tmp_path / "report.json"
    invoke(quire_command, "run", f"--json={report}", "--ram", "1M", hello)
    assert (json.loads(report.read_text())["origin"], json.loads(report.read_text())["status"]) == ("usage", 2)
    invoke(quire_command, "run", f"--json={report}", tmp_path / "missing")
    assert (json.loads(report.read_text())["origin"], json.loads(report.read_text())["status"]) == ("emulator", 3)


def test_closed_and_full_standard_streams_are_errors_not_crashes(quire_command, hello):
    def shell(line):
        return subprocess.run(["sh", "-c", line.format(quire=quire_command, hello=hello)], capture_output=True,
                              timeout=60, stdin=subprocess.DEVNULL)

    assert shell("{quire} run /nonexistent 2>&-").returncode == 3
    assert shell("{quire} --help >/dev/full").returncode == 3
    assert shell("{quire} doctor >/dev/full").returncode == 3
    for option in ("--json", "--stats", "--digest"):
        assert shell("{quire} run " + option + " {hello} 2>/dev/full").returncode == 3
    closed = shell("{quire} run {hello} >&-")
    assert closed.returncode == 3
    assert_one_line(closed.stderr.decode(), "standard output")


def test_a_closed_standard_output_is_not_taken_for_the_log(quire_command, hello, tmp_path):
    log = tmp_path / "log"
    subprocess.run(["sh", "-c", f"{quire_command} run --kernel-log {log} {hello} >&-"], timeout=60,
                   stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert b"hello" not in log.read_bytes()


@pytest.mark.parametrize("make", ["fifo", "device"])
def test_what_is_no_regular_file_is_refused(make, quire_command, tmp_path):
    path = Path("/dev/zero")
    if make == "fifo":
        path = tmp_path / "fifo"
        os.mkfifo(path)
    for command in ("run", "bare"):
        status, _, error = invoke(quire_command, command, path)
        assert status == 3
        assert_one_line(error, str(path), "regular file")


def test_a_working_directory_that_is_gone(quire_command, tmp_path):
    gone = tmp_path / "gone"
    done = subprocess.run(["sh", "-c", f"mkdir {gone}; cd {gone}; rmdir {gone}; {quire_command} run x"],
                          capture_output=True, timeout=60)
    assert done.returncode == 3
    assert_one_line(done.stderr.decode(), "directory")
