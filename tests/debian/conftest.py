"""Debian's static riscv64 binaries, and the two that run them: the supervisor, and qemu-riscv64 as the oracle."""

import dataclasses
import os
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("QUIRE_BUILD_DIR", ROOT / "build"))
CACHE = Path(os.environ.get("QUIRE_CACHE_DIR", ROOT / ".cache")) / "debian"
SUITE, ARCH = "trixie", "riscv64"
TIMEOUT_SECONDS = 300

# Name in the cases -> package and the file in it.
PROGRAMS = {
    "busybox": ("busybox-static", "usr/bin/busybox"),
    "bash": ("bash-static", "usr/bin/bash-static"),
    "zsh": ("zsh-static", "usr/bin/zsh-static"),
    "mksh-musl": ("mksh", "usr/lib/riscv64-linux-musl/bin/mksh"),
    "mksh-klibc": ("mksh", "usr/lib/klibc/bin/mksh"),
    "lksh": ("mksh", "usr/bin/lksh"),
    "sash": ("sash", "usr/bin/sash"),
    "tini": ("tini", "usr/bin/tini-static"),
    "catatonit": ("catatonit", "usr/bin/catatonit"),
    "ldconfig": ("libc-bin", "usr/sbin/ldconfig"),
    "gpgv": ("gpgv-static", "usr/bin/gpgv-static"),
    "e2fsck": ("e2fsck-static", "usr/sbin/e2fsck.static"),
    "dar": ("dar-static", "usr/bin/dar_static"),
    "dar-cp": ("dar-static", "usr/bin/dar_cp_static"),
    "cdebootstrap": ("cdebootstrap-static", "usr/bin/cdebootstrap-static"),
}


@pytest.fixture(scope="session")
def binary():
    """binary(NAME): the path of a program, its package fetched if it is not in the cache."""
    packages = sorted({package for package, _ in PROGRAMS.values()})
    subprocess.run([ROOT / "tools/fetch-debian", SUITE, ARCH, CACHE, *packages], check=True)

    def path(name):
        package, file = PROGRAMS[name]
        found = CACHE / f"{SUITE}-{ARCH}" / package / file
        assert found.is_file(), f"package {package} no longer has {file}"
        return found

    return path


@dataclasses.dataclass(frozen=True)
class Outcome:
    status: int
    stdout: bytes
    stderr: bytes


def no_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@pytest.fixture
def folder(tmp_path):
    """The case's own directory, at the same path on both sides."""
    path = tmp_path / "d"
    path.mkdir()
    return path


@pytest.fixture
def on_quire(binary, folder):
    """Only what is in `folder` before the run is seen; what the program writes stays in the guest."""

    def run(name, args, stdin=b"", tools=()):
        options = [f"--file={binary(tool)}:/bin/{tool}" for tool in tools]
        options += [f"--env={tool.upper()}=/bin/{tool}" for tool in tools]
        files = [f"--file={folder}:{folder}"]
        box = binary("busybox")
        done = subprocess.run(
            [BUILD / "quire", "run", f"--timeout={TIMEOUT_SECONDS}", f"--cwd={folder}", *files,
             f"--file={box}:/bin/busybox", "--env=BB=/bin/busybox", "--env=PATH=/bin", "--env=LC_ALL=C",
             "--env=TZ=UTC", "--env=HOME=/root", *options, binary(name), *args],
            input=stdin, capture_output=True, timeout=TIMEOUT_SECONDS + 30,
        )  # fmt: skip
        assert done.returncode != 124, f"not at an end after {TIMEOUT_SECONDS} s; so far: {done}"
        assert b"quire: " not in done.stderr, done.stderr.decode()
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def emulated_tools(binary, tmp_path_factory):
    """QEMU's user mode gives execve to the host, which knows no riscv64: an applet is a host script that starts it."""
    tools = tmp_path_factory.mktemp("tools")
    qemu, box = shutil.which("qemu-riscv64"), binary("busybox")
    assert qemu, "qemu-riscv64 is missing: install qemu-user"
    applets = subprocess.run([qemu, box, "--list"], capture_output=True, text=True, check=True).stdout.split()
    starts = {name: f"{box} {name}" for name in applets} | {name: f"{binary(name)}" for name in PROGRAMS}
    for name, start in starts.items():
        script = tools / name
        script.write_text(f'#!/bin/sh\nexec {qemu} {start} "$@"\n')
        script.chmod(0o755)
    return tools


@pytest.fixture
def on_qemu_user(binary, folder, emulated_tools):
    """Works on `folder` itself, so it comes after the run on the supervisor."""

    def run(name, args, stdin=b"", tools=()):
        environment = {
            "BB": str(emulated_tools / "busybox"), "PATH": str(emulated_tools), "LC_ALL": "C", "TZ": "UTC",
            "HOME": "/root", **{tool.upper(): str(emulated_tools / tool) for tool in tools},
        }  # fmt: skip
        done = subprocess.run(
            [shutil.which("qemu-riscv64"), binary(name), *args], input=stdin, capture_output=True, cwd=folder,
            env=environment, timeout=TIMEOUT_SECONDS, preexec_fn=no_core, umask=0o022,
        )  # fmt: skip
        status = done.returncode if done.returncode >= 0 else 128 - done.returncode
        return Outcome(status, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def made_files(binary):
    """Files that cases ask for by name."""
    qemu = shutil.which("qemu-riscv64")

    def ext2(path):
        path.write_bytes(bytes(4 << 20))
        subprocess.run([qemu, binary("busybox"), "mke2fs", "-F", "-b", "1024", path], check=True, capture_output=True)
        with path.open("r+b") as disk:  # made before the guest's date: s_mtime, s_wtime, s_lastcheck
            for field in (0x2C, 0x30, 0x40):
                disk.seek(1024 + field)
                disk.write((1_700_000_000).to_bytes(4, "little"))

    def damaged_ext2(path):
        ext2(path)
        with path.open("r+b") as disk:
            disk.seek(5 * 1024)  # the inode table's first block: the root directory is gone
            disk.write(bytes(1024))

    def release():
        return next((CACHE / f"apt-{SUITE}-{ARCH}" / "state" / "lists").glob("*_InRelease")).read_bytes()

    return {
        "ext2": ext2,
        "damaged ext2": damaged_ext2,
        "library": lambda path: shutil.copy("/usr/riscv64-linux-gnu/lib/libutil.so.1", path),
        "Debian's keyring": lambda path: shutil.copy("/usr/share/keyrings/debian-archive-keyring.gpg", path),
        "Debian's release file": lambda path: path.write_bytes(release()),
        "changed release file": lambda path: path.write_bytes(release().replace(b"trixie", b"trixle", 1)),
    }
