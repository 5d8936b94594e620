"""A person at a terminal: a command on a pseudo-terminal, keys typed at it, and what it shows."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

SECONDS = 120


class Keyboard:
    """The command on the slave of a pseudo-terminal; the test sits at the master."""

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

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

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

    def is_as_before(self):
        return termios.tcgetattr(self.slave) == self.before

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)
