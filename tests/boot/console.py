"""A machine's console on pipes: wait for what it says, type, and know at the end what the run cost."""

import dataclasses
import os
import select
import signal
import subprocess
import time


class Silence(AssertionError):
    """What was waited for did not come."""


@dataclasses.dataclass(frozen=True)
class Ended:
    status: int
    seconds: float  # on the wall
    cpu_seconds: float  # of the process, which a busy machine does not change much
    output: bytes


class Console:
    def __init__(self, command, seconds=300):
        """`seconds` is for the whole run."""
        self._command = [str(word) for word in command]
        self._begin = time.monotonic()
        self._deadline = self._begin + seconds
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, bufsize=0)  # fmt: skip
        self._output = bytearray()
        self._seen = 0  # how much of it expect() has passed

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    @property
    def output(self):
        return bytes(self._output)

    def expect(self, text, but_not=()):
        """Waits for `text` (bytes) behind what was expected before; fails at once when one of `but_not` comes."""
        while (at := self._output.find(text, self._seen)) < 0:
            for bad in but_not:
                if self._output.find(bad, self._seen) >= 0:
                    raise self._failed(f"{bad!r} came while {text!r} was waited for")
            if not self._read_more():
                raise self._failed(f"it ended before {text!r} came")
        found = bytes(self._output[self._seen : at])
        self._seen = at + len(text)
        return found

    def send(self, text):
        self._process.stdin.write(text.encode() if isinstance(text, str) else text)

    def end(self):
        """Waits for the end of the run by itself."""
        while self._read_more():
            pass
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return Ended(
            status=self._process.returncode,
            seconds=time.monotonic() - self._begin,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            output=self.output,
        )

    def _read_more(self):
        left = self._deadline - time.monotonic()
        if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
            raise self._failed("it took too long")
        data = os.read(self._process.stdout.fileno(), 65536)
        self._output += data
        return bool(data)

    def _failed(self, what):
        tail = self._output[-3000:].decode(errors="replace")
        return Silence(f"{what}\n{' '.join(self._command)}\nlast output:\n{tail}")
