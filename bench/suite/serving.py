"""A system that runs programs/main.c's `serve`, and what each program there costs its host.

Invariant: the clock is read only while the guest waits for a line from here, so that neither the load of the host nor the
time that passes until this process runs is measured.
"""

from __future__ import annotations

import dataclasses
import os
import select
import subprocess
import time
from pathlib import Path
from types import TracebackType

PREFIX = b"bench: "
SILENCE_SECONDS = 900  # between two words of a system, on a busy host
SETTLING_SECONDS, WINDOW_SECONDS, QUIET_SHARE = 30, 0.5, 0.02


class Failed(Exception):
    """A system did not do what it was told; the text has its last output."""


@dataclasses.dataclass(frozen=True)
class Measurement:
    checksum: str
    seconds: float  # CPU time, of the emulator's process; native: of the program


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads, to the nanosecond: clock_getcpuclockid(3)."""
    return time.clock_gettime(~pid << 3 | 2)


class Server:
    """Runs `command` and drives the `bench serve` that it comes to. `own_account`: it is the host that it runs on, whose
    account of the program and its children counts."""

    def __init__(self, name: str, command: list[str | Path], own_account: bool = False,
                 environment: dict[str, str] | None = None) -> None:
        self.name = name
        self._command = [str(word) for word in command]
        self._own_account = own_account
        self._output = b""
        self._seen = 0
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                         bufsize=0, env=dict(os.environ, **environment or {}))  # fmt: skip
        self.facts = ""  # extensions and paging mode, as the guest's kernel says them
        self.boot_seconds = 0.0

    def __enter__(self) -> Server:
        try:
            self.facts = self._expect("up")
            self.boot_seconds = cpu_seconds(self._process.pid)
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._end()
        finally:
            self._kill()

    @property
    def pid(self) -> int:
        return self._process.pid

    def measure(self, name: str, rounds: int) -> Measurement:
        self._say(f"{name} {rounds}\n")
        self._expect("ready")
        before = cpu_seconds(self.pid)
        self._say("\n")
        words = self._expect("done").split()
        seconds = int(words[1]) / 1e6 if self._own_account else cpu_seconds(self.pid) - before
        self._say("\n")
        status = self._expect("ended")
        if status != "0":
            raise self._failed(f"{name} ended with status {status}")
        return Measurement(words[0], seconds)

    def settle(self) -> None:
        """Waits until the guest's kernel, whose work goes on for a while behind init's first words, lets its hart wait."""
        quiet = 0
        deadline = time.monotonic() + SETTLING_SECONDS
        while quiet < 2 and time.monotonic() < deadline:
            before = cpu_seconds(self.pid)
            time.sleep(WINDOW_SECONDS)
            quiet = quiet + 1 if cpu_seconds(self.pid) - before < QUIET_SHARE * WINDOW_SECONDS else 0

    def _say(self, text: str) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(text.encode())
        except BrokenPipeError:
            raise self._failed("it ended early") from None

    def _expect(self, key: str) -> str:
        """What stands behind `key` in the next line that is meant for this side."""
        while True:
            line = self._read_line()
            at = line.find(PREFIX)
            if at < 0:
                continue
            word, _, rest = line[at + len(PREFIX) :].decode(errors="replace").strip().partition(" ")
            if word == key:
                return rest
            raise self._failed(f"'{word} {rest}' came where '{key}' was waited for")

    def _read_line(self) -> bytes:
        while (end := self._output.find(b"\n", self._seen)) < 0:
            assert self._process.stdout
            if not select.select([self._process.stdout], [], [], SILENCE_SECONDS)[0]:
                raise self._failed(f"it said nothing for {SILENCE_SECONDS} s")
            data = os.read(self._process.stdout.fileno(), 65536)
            if not data:
                raise self._failed("it ended early")
            self._output += data
        line = self._output[self._seen : end]
        self._seen = end + 1
        return line

    def _end(self) -> None:
        self._say("off\n")
        assert self._process.stdout
        while data := os.read(self._process.stdout.fileno(), 65536):
            self._output += data
        if self._process.wait() != 0:
            raise self._failed(f"it ended with status {self._process.returncode}")

    def _kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()

    def _failed(self, what: str) -> Failed:
        tail = self._output[-2000:].decode(errors="replace").strip()
        return Failed(f"{self.name}: {what}\n{' '.join(self._command)}\nlast output:\n{tail}")
