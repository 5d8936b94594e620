"""`quire --gdb` and Debian's gdb-multiarch on it."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

BUILD = Path(os.environ.get("QUIRE_BUILD_DIR", Path(__file__).resolve().parents[2] / "build"))
GDB = "gdb-multiarch"
TIMEOUT_SECONDS = 240


class Session:
    """One `quire --gdb` on a Unix socket of its own, and gdb's commands to it."""

    def __init__(self, arguments, tmp_path):
        assert shutil.which(GDB), "install the package gdb-multiarch"
        self.socket = tmp_path / "gdb.sock"
        command = [BUILD / "quire", arguments[0], "--gdb", f"unix:{self.socket}", *map(str, arguments[1:])]
        self.quire = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not self.listens():
            assert self.quire.poll() is None and time.monotonic() < deadline, self.quire.communicate()
            time.sleep(0.05)

    def listens(self):
        """The file alone may be of a socket that still refuses connections."""
        accepts = r"00010000 \S+ \S+ +\d+ "
        return re.search(accepts + re.escape(f"{self.socket}\n"), Path("/proc/net/unix").read_text()) is not None

    def gdb(self, symbols, *commands):
        """gdb's output. Each command is shown before its own, so that tests can look behind it."""
        words = [GDB, "-nx", "-batch", "-ex", "set pagination off", "-ex", "set confirm off", "-ex",
                 "set trace-commands on", "-ex", f"target remote {self.socket}"]
        for command in commands:
            words += ["-ex", command]
        done = subprocess.run([*words, symbols], capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
        return done.stdout + done.stderr

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.quire.poll() is None:
            self.quire.kill()
            self.quire.communicate()

    def end(self):
        stdout, stderr = self.quire.communicate(timeout=TIMEOUT_SECONDS)
        return self.quire.returncode, stdout.decode(), stderr.decode()
