"""`quire run` on a terminal: the program has one too, keys reach it through the guest's line discipline, and two
Ctrl-C within a second end the run."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

SECONDS = 120


class Keyboard:
    """quire run on the slave of a pseudo-terminal; the test sits at the master."""

    def __init__(self, command):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.seen = b""
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "TERM": "vt100"},
            preexec_fn=self._take_terminal,
        )  # fmt: skip

    def _take_terminal(self):
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

    def type(self, keys):
        os.write(self.master, keys)

    def expect(self, pattern):
        """Reads until the pattern has come, and forgets what came up to its end."""
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(pattern, self.seen)):
            left = deadline - time.monotonic()
            assert left > 0, f"no {pattern!r} in {self.seen!r}"
            ready, _, _ = select.select([self.master], [], [], min(left, 1))
            if ready:
                self.seen += os.read(self.master, 4096)
            elif self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}, no {pattern!r} in {self.seen!r}")
        self.seen = self.seen[found.end() :]
        return found

    def status(self):
        return self.process.wait(timeout=SECONDS)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def keyboard(quire, compile_guest):
    made = []

    def start(*arguments):
        made.append(Keyboard([quire, "run", compile_guest("tests/system/keyboard.c"), *arguments]))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_program_has_a_terminal_with_echo_and_editing(keyboard):
    at = keyboard("facts")
    at.expect(rb"tty 111 name /dev/console window 33x99 term vt100\r\n\? ")
    at.type(b"hellp\x7fo\r")
    at.expect(rb"hellp\x08 \x08o\r\ngot hello\r\n\? ")
    at.type(b"\x04")
    at.expect(rb"end\r\n")
    assert at.status() == 0
    assert termios.tcgetattr(at.slave) == at.before


def test_one_interrupt_reaches_the_program(keyboard):
    at = keyboard("catch")
    at.expect(rb"ready\r\n")
    at.type(b"\x03")
    at.expect(rb"\^Ccaught\r\n")
    assert at.status() == 0


def test_one_interrupt_kills_a_program_that_does_not_catch_it(keyboard):
    at = keyboard("spin")
    at.expect(rb"ready\r\n")
    at.type(b"\x03")
    assert at.status() == 128 + signal.SIGINT
    assert termios.tcgetattr(at.slave) == at.before


def test_two_interrupts_within_a_second_end_the_run(keyboard):
    at = keyboard("ignore")
    at.expect(rb"ready\r\n")
    at.type(b"\x03")
    at.expect(rb"\^C")
    time.sleep(1.5)
    assert at.process.poll() is None
    for _ in range(20):  # a machine that stands still for a moment makes two of them one, or puts them apart
        at.type(b"\x03")
        time.sleep(0.2)
        if at.process.poll() is not None:
            break
    assert at.status() == 130
    assert termios.tcgetattr(at.slave) == at.before


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(keyboard, signo):
    at = keyboard("spin")
    at.expect(rb"ready\r\n")
    at.process.send_signal(signo)
    assert at.status() == -signo
    assert termios.tcgetattr(at.slave) == at.before


def test_with_a_pipe_as_input_nothing_is_lent(quire, compile_guest):
    program = compile_guest("tests/system/keyboard.c")
    done = subprocess.run([quire, "run", program], input=b"a\x03b\n", capture_output=True, timeout=SECONDS)
    assert b"tty 000" in done.stdout and b"got a\x03b\n" in done.stdout
