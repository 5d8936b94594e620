"""quire run and quire bare as a shell sees them."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import quire

ECHO = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) fprintf(stderr, "[%s]", argv[i]);
  const char *env = getenv("COLOUR");
  char cwd[256];
  fprintf(stderr, "%s %s\n", env ? env : "-", getcwd(cwd, sizeof cwd));
  char data[4096];
  ssize_t count;
  while ((count = read(0, data, sizeof data)) > 0)
    if (write(1, data, count) != count) return 9;
  return 7;
}
"""
LOOP = "int main(void) { for (volatile unsigned long i = 0;; i++); }"
HEARD_LOOP = "#include <unistd.h>\nint main(void) { write(1, \"on\", 2); for (volatile unsigned long i = 0;; i++); }"
SLEEPER = "#include <unistd.h>\nint main(void) { pause(); return 0; }"
KILLED = "#include <signal.h>\nint main(void) { raise(%s); return 0; }"
CAT = r"""
#include <fcntl.h>
#include <unistd.h>
int main(int argc, char **argv) {
  char data[64];
  int fd = open(argv[1], O_RDONLY);
  if (fd < 0) return 1;
  ssize_t count = read(fd, data, sizeof data);
  return write(1, data, count) == count ? 0 : 2;
}
"""


def invoke(quire_command, *words, **options):
    options.setdefault("stdin", None if "input" in options else subprocess.DEVNULL)
    if options["stdin"] is None:
        del options["stdin"]
    return subprocess.run([str(quire_command), *map(str, words)], capture_output=True, timeout=120, **options)


def test_streams_are_byte_exact(quire_command, compile_c, tmp_path):
    data = bytes(range(256)) * 300 + b"\r\n\x00\x03\x04last"
    done = invoke(quire_command, "run", compile_c(ECHO), input=data, cwd=tmp_path)
    assert done.stdout == data
    assert done.stderr == f"- {tmp_path}\n".encode()
    assert done.returncode == 7


def test_the_programs_words_are_not_ours(quire_command, compile_c):
    done = invoke(quire_command, "run", "--seed", "3", "--cwd", "/", compile_c(ECHO), "--help", "--seed", "-x", "--",
                  "run", "")
    assert done.stderr == b"[--help][--seed][-x][--][run][]- /\n"


def test_environment_and_folder(quire_command, compile_c):
    done = invoke(quire_command, "run", "--env", "COLOUR=red=blue", "--cwd", "/tmp", "--", compile_c(ECHO), "a b")
    assert done.stderr == b"[a b]red=blue /tmp\n"


def test_files_given(quire_command, compile_c, tmp_path):
    (tmp_path / "data").write_bytes(b"from the host")
    done = invoke(quire_command, "run", "--file", f"{tmp_path}/data:/deep/in/here", compile_c(CAT), "/deep/in/here")
    assert (done.returncode, done.stdout) == (0, b"from the host")


COPY = r"""
#include <stdio.h>
int main(int argc, char **argv) {
  char data[64];
  FILE *from = fopen(argv[1], "r"), *to;
  if (!from) return perror(argv[1]), 1;
  size_t count = fread(data, 1, sizeof data, from);
  if (!(to = fopen(argv[2], "w"))) return perror(argv[2]), 2;
  return fwrite(data, 1, count, to) != count || fclose(to) != 0;
}
"""


def test_the_current_directory_is_seen_and_not_written(quire_command, compile_c, tmp_path):
    (tmp_path / "here").write_text("host")
    done = invoke(quire_command, "run", compile_c(CAT), "here", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"host", b"")
    done = invoke(quire_command, "run", compile_c(COPY), "here", "new", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, b"new: Read-only file system\n")
    done = invoke(quire_command, "run", compile_c(COPY), "here", "/tmp/new", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("place", ["/", "/usr", "/etc", "/tmp"])
def test_a_current_directory_that_the_guest_has_itself(quire_command, compile_c, place):
    done = invoke(quire_command, "run", compile_c(ECHO), cwd=place)
    note, program = done.stderr.decode().splitlines()
    assert note == f"quire: the program does not see the current directory: the guest has its own {place}"
    assert program == "- /"


@pytest.mark.parametrize("target", ["file", "folder"])
def test_a_link_of_the_current_directory_leads_to_a_program_outside(target, quire_command, compile_c, tmp_path):
    """The share of the directory does not lead there."""
    program, here = compile_c(ECHO), tmp_path / "here"
    here.mkdir()
    (here / "link").symlink_to(program if target == "file" else program.parent)
    word = "./link" if target == "file" else f"link/{program.name}"
    done = invoke(quire_command, "run", word, "a", cwd=here)
    assert (done.returncode, done.stderr) == (7, f"[a]- {here}\n".encode())


def test_a_program_in_the_current_directory_needs_no_x_bit(quire_command, compile_c, tmp_path):
    (tmp_path / "plain").write_bytes(compile_c(ECHO).read_bytes())
    done = invoke(quire_command, "run", "./plain", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (7, f"- {tmp_path}\n".encode())


def test_shares(quire_command, compile_c, tmp_path):
    for name in "read", "write":
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    shares = ["--share", f"{tmp_path}/read:/mnt/r", "--share", f"{tmp_path}/write:/srv/deep/w:rw"]
    done = invoke(quire_command, "run", *shares, compile_c(COPY), "/mnt/r/file", "/srv/deep/w/made")
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "write/made").read_text() == "read"
    done = invoke(quire_command, "run", *shares, compile_c(COPY), "/srv/deep/w/file", "/mnt/r/made")
    assert (done.returncode, done.stderr) == (2, b"/mnt/r/made: Read-only file system\n")


def test_nothing_leads_out_of_a_share(quire_command, compile_c, tmp_path):
    (tmp_path / "secret").write_text("outside")
    share = tmp_path / "share"
    share.mkdir()
    (share / "absolute").symlink_to(tmp_path / "secret")
    (share / "relative").symlink_to("../secret")
    (share / "up").symlink_to("..")
    for name in "absolute", "relative", "up/secret", "../secret", "up/share/../../secret":
        done = invoke(quire_command, "run", "--share", f"{share}:/mnt/s:rw", compile_c(CAT), f"/mnt/s/{name}", cwd="/")
        assert (done.returncode, done.stdout) == (1, b""), name
        done = invoke(quire_command, "run", "--share", f"{share}:/mnt/s:rw", compile_c(COPY), "/etc/hostname",
                      f"/mnt/s/{name}", cwd="/")
        # It got as far as the target: 2, there is no such place, or 0, it is one of the guest's own (/mnt/secret).
        assert done.returncode == (0 if name in ("relative", "up/secret", "../secret") else 2), name
    assert (tmp_path / "secret").read_text() == "outside"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["secret", "share"]


@pytest.mark.parametrize(("words", "status", "parts"), [
    (["--share", "x"], 2, ["HOST:GUEST", "'x'"]),
    (["--share", "/nowhere/at/all:/mnt"], 3, ["/nowhere/at/all", "No such file"]),
    (["--share", "/usr:/"], 2, ["--root /usr"]),
    (["--root", ""], 2, ["DIR"]),
    (["--root", "/nowhere/at/all"], 3, ["/nowhere/at/all", "No such file"]),
    (["--root", "/usr", "--file", "/etc/hosts:/x"], 2, ["/etc/hosts", "share"]),
])  # fmt: skip
def test_shares_that_cannot_be(quire_command, compile_c, words, status, parts, tmp_path):
    done = invoke(quire_command, "run", *words, compile_c(ECHO), cwd=tmp_path)
    assert done.returncode == status
    error = done.stderr.decode()
    assert error.startswith("quire: ") and error.count("\n") == 1
    assert all(part in error for part in parts), error


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_death_by_signal(name, quire_command, compile_c, tmp_path):
    report = tmp_path / "report.json"
    done = invoke(quire_command, "run", f"--json={report}", compile_c(KILLED % name))
    number = getattr(signal, name)
    assert done.returncode == 128 + number
    facts = json.loads(report.read_text())
    assert (facts["origin"], facts["status"], facts["signal"]) == ("guest", 128 + number, number)


def test_exact_instruction_limit(quire_command, compile_c, tmp_path):
    report = tmp_path / "report.json"
    done = invoke(quire_command, "run", "--max-insns", "3000001", f"--json={report}", compile_c(LOOP))
    assert done.returncode == 124
    assert b"3000001" in done.stderr
    facts = json.loads(report.read_text())
    assert (facts["origin"], facts["icount"]) == ("limit", 3_000_001)


def test_timeout(quire_command, compile_c):
    begin = time.monotonic()
    done = invoke(quire_command, "run", "--timeout", "0.5", compile_c(LOOP))
    assert done.returncode == 124
    assert time.monotonic() - begin < 20
    assert b"--timeout" in done.stderr


def test_a_program_that_sleeps_for_ever_is_ended_by_the_timeout_or_at_once(quire_command, compile_c):
    done = invoke(quire_command, "run", "--timeout", "2", compile_c(SLEEPER))
    assert done.returncode == 124


def test_json_at_the_end_of_stderr(quire_command, compile_c):
    done = invoke(quire_command, "run", "--json", "--digest", "--stats", "--seed", "9", compile_c(ECHO))
    facts = json.loads(done.stderr.splitlines()[-1])
    assert facts["origin"] == "guest" and facts["status"] == 7 and facts["signal"] is None
    assert facts["seed"] == 9 and len(facts["digest"]) == 16
    assert facts["icount"] > 0 and facts["seconds"] > 0 and facts["mips"] > 0
    assert facts["faults"]["minor"] > 0 and facts["tlb"]["misses"] > 0
    assert facts["tlb"]["hits"] is None and facts["tlb"]["hits_by_access"] is None, "not counted is not 0"
    assert facts["config"]["ram_bytes"] == 256 << 20
    assert b"page faults" in done.stderr and facts["digest"].encode() in done.stderr.split(b"digest")[1]


def test_strace_shows_calls_with_their_strings(quire_command, compile_c, tmp_path):
    (tmp_path / "data").write_bytes(b"from\nthe host")
    done = invoke(quire_command, "run", "--strace", "--file", f"{tmp_path}/data:/data", compile_c(CAT), "/data")
    trace = done.stderr.decode()
    assert 'openat(AT_FDCWD, "/data", O_RDONLY' in trace
    assert r'"from\nthe host", 64) = 13' in trace
    assert r'write(1, "from\nthe host", 13) = 13' in trace
    assert "exit_group(0) = ?" in trace
    assert "+++ exited with 0 +++" in trace
    assert done.stdout == b"from\nthe host"


def test_strace_names_errors(quire_command, compile_c):
    done = invoke(quire_command, "run", "--strace", compile_c(CAT), "/none")
    assert 'openat(AT_FDCWD, "/none", O_RDONLY) = -1 ENOENT' in done.stderr.decode()


def interrupted(quire_command, program, count):
    process = subprocess.Popen([str(quire_command), "run", str(program)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.read(2) == b"on"
    for _ in range(count):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    _, error = process.communicate(timeout=30)
    return process.returncode, error.decode()


def test_interrupt_ends_the_run_with_a_report(quire_command, compile_c):
    status, error = interrupted(quire_command, compile_c(HEARD_LOOP), 1)
    assert status == 130
    assert error.startswith("quire: interrupted at ")


def test_second_interrupt_ends_quire(quire_command, compile_c):
    """The second may come when the run has ended and the first is being told of: then it is as any program's."""
    status, _ = interrupted(quire_command, compile_c(HEARD_LOOP), 2)
    assert status in (130, -signal.SIGINT)


FLOOD = r"""
#include <unistd.h>
int main(void) { char text[4096] = {0}; for (;;) write(1, text, sizeof text); }
"""


def test_a_reader_that_takes_nothing_does_not_outlast_the_timeout(quire_command, compile_c):
    process = subprocess.Popen([str(quire_command), "run", "--timeout", "1", "--json", str(compile_c(FLOOD))],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.wait(timeout=60) == 124
    assert json.loads(process.stderr.read().splitlines()[-1])["origin"] == "limit"
    process.stdout.close()
    process.stderr.close()


def test_a_reader_that_goes_ends_the_run_like_a_program_killed_by_sigpipe(quire_command, compile_c):
    process = subprocess.Popen([str(quire_command), "run", "--json", str(compile_c(FLOOD))],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(1)
    process.stdout.close()
    assert process.wait(timeout=60) == 128 + signal.SIGPIPE
    assert json.loads(process.stderr.read())["status"] == 128 + signal.SIGPIPE
    process.stderr.close()


def test_the_last_of_several_values_of_a_variable_counts(quire_command, compile_c):
    program = compile_c("#include <stdio.h>\n#include <string.h>\nextern char **environ;\n"
                        "int main(void) { for (char **e = environ; *e; e++) if (!strncmp(*e, \"A=\", 2)) puts(*e); }\n")
    assert invoke(quire_command, "run", "--env", "A=1", "--env", "A=2", program).stdout == b"A=2\n"


def test_full_disk_is_an_error(quire_command, compile_c):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([str(quire_command), "run", str(compile_c(ECHO))], input=b"x", stdout=full,
                              stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 3
    assert b"standard output: No space left on device" in done.stderr


def test_kernel_log_goes_to_its_file(quire_command, compile_c, tmp_path):
    log = tmp_path / "log"
    done = invoke(quire_command, "run", f"--kernel-log={log}", compile_c(ECHO))
    assert done.returncode == 7 and done.stdout == b""
    assert log.exists()


def test_export_for_qemu(quire_command, compile_c, tmp_path):
    folder = tmp_path / "export"
    done = invoke(quire_command, "run", "--export-qemu", folder, compile_c(ECHO))
    assert done.returncode == 0 and str(folder).encode() in done.stderr
    assert {"kernel", "initramfs.cpio", "command-line", "run.sh"} <= set(os.listdir(folder))


def test_bare_ends_through_tohost_and_writes_the_signature(quire_command, bare_program, tmp_path):
    signature = tmp_path / "signature"
    done = invoke(quire_command, "bare", "--signature", signature, bare_program)
    assert (done.returncode, done.stdout, done.stderr) == (5, b"", b"")
    assert signature.read_text() == "11223344\n00001234\n00000007\n"


def test_bare_stops_at_the_count(quire_command, bare_program, tmp_path):
    report = tmp_path / "report.json"
    done = invoke(quire_command, "bare", "--max-insns", "777", f"--json={report}", bare_program)
    assert done.returncode == 124
    assert json.loads(report.read_text())["icount"] == 777


def test_doctor(quire_command):
    done = invoke(quire_command, "doctor")
    assert done.returncode == 0, done.stdout
    assert b"supervisor inside" in done.stdout


def test_doctor_looks_into_the_python_that_commands_run_on(quire_command, tmp_path):
    """A package that it finds, and the one that is not there by name."""
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").touch()
    env = dict(os.environ, QUIRE_PYTHON=sys.executable, PYTHONPATH=f"{tmp_path}:{Path(quire.__file__).parents[1]}")
    text = invoke(quire_command, "doctor", env=env).stdout.decode()
    assert "have   numpy for that Python" in text
    assert "have   Python 3." in text and f"with the package quire ({sys.executable})" in text
    for name in ("pyarrow", "pandas", "matplotlib"):
        there = importlib.util.find_spec(name) is not None
        assert f"{'have ' if there else 'lacks'}  {name} for that Python" in text
        assert there or name in text.partition("to have the rest in Python: pip install")[2]

    bare = invoke(quire_command, "doctor", env=dict(os.environ, QUIRE_PYTHON="/nowhere/python")).stdout.decode()
    assert "lacks  Python: '/nowhere/python' cannot be started" in bare


def test_help_and_version(quire_command):
    assert invoke(quire_command, "--version").stdout.startswith(b"quire ")
    for words in (["--help"], ["run", "--help"], ["bare", "--help"], ["doctor", "--help"]):
        done = invoke(quire_command, *words)
        assert done.returncode == 0 and b"Usage: quire" in done.stdout and done.stderr == b""
