"""Debian's bash on the supervisor: a script, and a person at its prompt."""

import pytest
from shared.keyboard import Keyboard

from .conftest import BUILD
from .trees import SCRIPTS, as_under_qemu, debian_tree


def test_a_script_does_as_under_qemu_user(tmp_path):
    done = as_under_qemu(debian_tree("tools"), ["/usr/bin/bash", str(SCRIPTS / "shell.sh")], tmp_path)
    assert done.status == 0
    assert [line for line in done.stdout.decode().splitlines() if line.startswith("-- ")] == [
        "-- pipes", "-- subshells", "-- here-documents", "-- process substitution", "-- traps", "-- job control",
    ]  # fmt: skip
    assert done.stdout.decode().splitlines()[-1] == "timeout 124"


@pytest.fixture
def prompt():
    """bash -i on a terminal, after its first prompt."""
    command = [BUILD / "quire", "run", "--check", "--root", debian_tree("tools"), "--cwd=/tmp", "--env=PS1=@ ", "--env=TERM=vt100",
               "--env=PATH=/usr/bin", "/bin/bash", "--norc", "--noediting", "-i"]  # fmt: skip
    at = Keyboard(command)
    at.expect(rb"@ ")
    yield at
    at.close()


def test_job_control_at_the_prompt(prompt):
    at = prompt
    at.type(b"cat\rone\r")
    at.expect(rb"one\r\none\r\n")
    at.type(b"\x1a")
    at.expect(rb"\^Z\r\n\[1\]\+  Stopped +cat\r\n@ ")
    at.type(b"mkfifo pipe; sh -c 'echo in''side; exec cat pipe'\r")
    at.expect(rb"inside\r\n")
    at.type(b"\x1a")
    at.expect(rb"\[2\]\+  Stopped +sh -c .*\r\n@ ")
    at.type(b"bg\r")
    at.expect(rb"\[2\]\+ sh -c .* &\r\n@ ")
    at.type(b"jobs\r")
    at.expect(rb"\[1\]\+  Stopped +cat\r\n\[2\]-  Running +sh -c .* &\r\n@ ")
    at.type(b"fg %1\r")
    at.expect(rb"fg %1\r\ncat\r\n")
    at.type(b"two\r")
    at.expect(rb"two\r\ntwo\r\n")
    at.type(b"\x04")
    at.expect(rb"@ ")
    at.type(b"echo through > pipe\r")
    at.expect(rb"through\r\n")
    at.type(b"wait; echo status=$?\r")
    at.expect(rb"status=0\r\n@ ")
    at.type(b"exit 7\r")
    assert at.status() == 7


def test_a_background_job_that_reads_the_terminal_stops(prompt):
    at = prompt
    at.type(b"cat &\r")
    at.expect(rb"\[1\] \d+\r\n")
    at.type(b"\r")
    at.expect(rb"\[1\]\+  Stopped +cat\r\n@ ")
    at.type(b"kill %1; wait; jobs\r")
    at.expect(rb"Terminated +cat\r\n")
    at.type(b"exit\r")
    at.status()


@pytest.mark.parametrize("key, status", [(b"\x03", 130), (b"\x1c", 131)], ids=["interrupt", "quit"])
def test_a_key_ends_the_job_in_the_foreground(prompt, key, status):
    at = prompt
    at.type(b"cat\rready\r")
    at.expect(rb"ready\r\nready\r\n")
    at.type(key)
    at.expect(rb"\r\n@ ")
    at.type(b"echo =$?=\r")
    at.expect(b"=%d=\r\n@ " % status)
    at.type(b"exit 3\r")
    assert at.status() == 3
