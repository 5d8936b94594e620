"""`quire run` on a terminal: the program has one too, keys reach it through the guest's line discipline, and two
Ctrl-C within a second end the run."""

import signal
import subprocess
import time

import pytest
from shared.keyboard import SECONDS, Keyboard


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
    assert at.is_as_before()


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
    assert at.is_as_before()


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
    assert at.is_as_before()


@pytest.mark.parametrize("while_it", [["waits"], ["runs", "on"]], ids=lambda words: words[0])
def test_a_new_window_reaches_the_program(keyboard, while_it):
    at = keyboard("resize", *while_it[1:])
    at.expect(rb"window 33x99 after 0\r\n")
    at.resize(20, 70)
    at.expect(rb"window 20x70 after 1\r\n")
    at.resize(51, 132)
    at.expect(rb"window 51x132 after 2\r\n")
    assert at.status() == 0
    assert at.is_as_before()


def test_a_second_asleep_is_a_second_of_who_sits_there(keyboard):
    at = keyboard("sleep")
    at.expect(rb"ready\r\n")
    begin = time.monotonic()
    at.expect(rb"woke\r\n")
    assert time.monotonic() - begin > 0.8
    assert at.status() == 0


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(keyboard, signo):
    at = keyboard("spin")
    at.expect(rb"ready\r\n")
    at.process.send_signal(signo)
    assert at.status() == -signo
    assert at.is_as_before()


def test_with_a_pipe_as_input_nothing_is_lent(quire, compile_guest):
    program = compile_guest("tests/system/keyboard.c")
    done = subprocess.run([quire, "run", program], input=b"a\x03b\n", capture_output=True, timeout=SECONDS)
    assert b"tty 000" in done.stdout and b"got a\x03b\n" in done.stdout
