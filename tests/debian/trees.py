"""Root directories made of Debian's riscv64 packages, programs of theirs on the supervisor, and the same under qemu-riscv64.

A tree is in the cache and only read. It holds the packages asked for and all they depend on, unpacked; what their scripts
would have made and a program here needs is added.
"""

import os
import shutil
import subprocess
from pathlib import Path

from .conftest import ARCH, BUILD, CACHE, ROOT, SUITE, TIMEOUT_SECONDS, Outcome, no_core

SCRIPTS = Path(__file__).resolve().parent / "scripts"
BASE = "base-files base-passwd bash coreutils dash libc-bin".split()
TREES = {
    "tools": "diffutils findutils gawk grep gzip lua5.4 mawk perl procps sed sqlite3 tar xz-utils".split(),
    "python": ["python3"],
    "git": "git grep sed".split(),
    "gcc": "gcc g++ libc6-dev".split(),
}
# The same for both sides.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/root", "LC_ALL": "C", "TZ": "UTC"}


def debian_tree(name):
    """The root directory of that name, fetched if it is not in the cache."""
    subprocess.run([ROOT / "tools/fetch-debian", "--tree", f"debian-{name}", SUITE, ARCH, CACHE, *BASE, *TREES[name]], check=True)
    tree = CACHE / f"{SUITE}-{ARCH}" / f"debian-{name}"
    for made, master in (("passwd", "passwd.master"), ("group", "group.master")):
        if not (tree / "etc" / made).exists():
            shutil.copy(tree / "usr/share/base-passwd" / master, tree / "etc" / made)
    return tree


def on_supervisor(tree, words, *options, stdin=b"", cwd="/tmp"):
    """The command in a throw-away root made of the tree; what it writes is lost, but for shares."""
    environment = [f"--env={name}={value}" for name, value in ENVIRONMENT.items()]
    done = subprocess.run(
        [BUILD / "quire", "run", f"--timeout={TIMEOUT_SECONDS}", "--check", "--root", tree, f"--cwd={cwd}", *environment,
         *options, *words],
        input=stdin, capture_output=True, timeout=TIMEOUT_SECONDS + 30,
    )  # fmt: skip
    assert done.returncode != 124, f"not at an end after {TIMEOUT_SECONDS} s; so far: {done}"
    assert b"quire: " not in done.stderr, done.stderr.decode()
    return Outcome(done.returncode, done.stdout, done.stderr)


class QemuUser:
    """Programs of a tree under qemu-riscv64, whose execve is the host's, which knows no riscv64: in PATH there is a host
    script for each program that starts it."""

    def __init__(self, tree, folder):
        self.qemu = shutil.which("qemu-riscv64")
        assert self.qemu, "qemu-riscv64 is missing: install qemu-user"
        self.tree = tree
        self.starters = folder
        folder.mkdir()
        for program in (tree / "usr/bin").iterdir():
            if program.is_file() and os.access(program, os.X_OK):
                starter = folder / program.name
                starter.write_text(f'#!/bin/sh\nexec {self.qemu} -L {tree} {program.resolve()} "$@"\n')
                starter.chmod(0o755)

    def run(self, words, cwd, stdin=b""):
        return self.run_file(self.tree / words[0].lstrip("/"), words[1:], cwd, stdin)

    def run_file(self, program, arguments, cwd, stdin=b""):
        done = subprocess.run(
            [self.qemu, "-L", self.tree, program, *arguments], input=stdin, capture_output=True, cwd=cwd,
            env=ENVIRONMENT | {"PATH": str(self.starters)}, timeout=TIMEOUT_SECONDS, preexec_fn=no_core, umask=0o022,
        )  # fmt: skip
        status = done.returncode if done.returncode >= 0 else 128 - done.returncode
        return Outcome(status, done.stdout, done.stderr)


def as_under_qemu(tree, words, tmp_path, *options, stdin=b""):
    """The command in an empty directory on both sides, with the scripts of this folder at the same place: the outcome,
    which must be the same."""
    ours = on_supervisor(tree, words, f"--share={SCRIPTS}:{SCRIPTS}", *options, stdin=stdin)
    empty = tmp_path / "empty"
    empty.mkdir()
    theirs = QemuUser(tree, tmp_path / "starters").run(words, empty, stdin=stdin)
    assert ours.stdout.decode() == theirs.stdout.decode()
    assert ours.stderr.decode() == theirs.stderr.decode()
    assert ours.status == theirs.status
    return ours
