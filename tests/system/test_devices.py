"""Disks and other devices when the guest lies, the image is bad, or the host fails: an error that says so, and no more.

The guests are freestanding programs of this folder that drive virtio themselves.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
COMPILE = (
    "riscv64-linux-gnu-gcc -O2 -Wall -Wextra -Werror -Wno-unused -march=rv64gc -mabi=lp64d -mcmodel=medany "
    "-nostdlib -static -ffreestanding -fno-pic -Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,-Ttext=0x80200000"
).split()
SECTORS = 64


@pytest.fixture(scope="module")
def compile_bare(tmp_path_factory):
    out = tmp_path_factory.mktemp("bare")

    def build(name: str, *defines: str) -> Path:
        elf = out / "-".join([name, *defines]).replace("=", "")
        if not elf.exists():
            subprocess.run([*COMPILE, *defines, HERE / f"{name}.c", "-o", elf], check=True)
        return elf

    return build


@pytest.fixture
def image(tmp_path):
    """image(NAME): a raw disk whose sector 1 begins with "honest"."""

    def make(name: str) -> Path:
        path = tmp_path / name
        sectors = [bytes([number]) * 512 for number in range(SECTORS)]
        sectors[1] = b"honest".ljust(512, b"!")
        path.write_bytes(b"".join(sectors))
        return path

    return make


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def boot(quire, kernel, *options, **kwargs):
    command = [quire, "boot", "--ram", "64M", "--kernel", kernel, *options]
    return subprocess.run(command, capture_output=True, timeout=300, stdin=subprocess.DEVNULL, **kwargs)


class Probe:
    """A guest that uses its disk as it is told; see disk_probe.c."""

    def __init__(self, quire, elf, *options, **kwargs):
        command = [quire, "boot", "--ram", "64M", "--kernel", elf, "--timeout", "120", *options]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs
        )
        assert self.process.stdout.readline() == b"ready\n", self.process.stderr.read()

    def ask(self, text: str) -> list[int]:
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()
        return [int(word) for word in self.process.stdout.readline().split()]

    def end(self) -> str:
        _, errors = self.process.communicate(b"q", timeout=60)
        assert self.process.returncode == 0
        return errors.decode()


@pytest.fixture
def probe(quire, compile_bare):
    started = []

    def start(*options, **kwargs):
        started.append(Probe(quire, compile_bare("disk_probe"), *options, **kwargs))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


ATTACKS_ON_RINGS = 20
ATTACKS_BY_MESSAGES = 17


@pytest.fixture
def share(tmp_path):
    """share(NAME): a directory with links that lead out of it, to `outside` and further."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")

    def make(name: str) -> Path:
        directory = tmp_path / name
        (directory / "dir").mkdir(parents=True)
        (directory / "inside").write_text("honest")
        for link, target in (("out", "../outside"), ("outfile", "../outside/secret"), ("up", ".."), ("root", "/")):
            (directory / link).symlink_to(target)
        return directory

    return make


def tree(directory: Path) -> list:
    """All that can be seen of it, links not followed; access times apart."""
    found = []
    for path in sorted([directory, *directory.rglob("*")]):
        status = path.lstat()
        contents = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        target = path.readlink() if path.is_symlink() else None
        found.append((path.relative_to(directory), status.st_mode, status.st_uid, status.st_size, status.st_mtime_ns,
                      status.st_ctime_ns, status.st_nlink, target, contents))  # fmt: skip
    return found


def test_hostile_drivers_reach_nothing(quire, compile_bare, image, share, tmp_path):
    plain, read_only, thrown_away = image("plain.img"), image("ro.img"), image("snapshot.img")
    written, kept = share("written"), share("kept")
    before = digest(read_only), tree(kept), tree(tmp_path / "outside")
    names = sorted(path.name for path in tmp_path.iterdir())
    done = boot(
        quire, compile_bare("hostile_virtio", "-DSLOTS=8"), "--drive", plain, "--drive", f"{read_only},ro",
        "--drive", f"{thrown_away},snapshot", "--net", "user", "--share", f"{written},tag=written,rw",
        "--share", f"{kept},tag=kept",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert b"8 devices came through" in done.stdout
    assert done.stdout.count(b": ok") == 8 * ATTACKS_ON_RINGS + 2 * ATTACKS_BY_MESSAGES
    assert done.stdout.count(b" kind 9: messages of noise: ok") == 2
    assert b"broke a rule" in done.stderr
    assert (digest(read_only), tree(kept), tree(tmp_path / "outside")) == before
    assert digest(thrown_away) == before[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_a_flood_of_work_does_not_outlive_the_timeout(quire, compile_bare):
    begin = time.monotonic()
    done = boot(quire, compile_bare("hostile_virtio", "-DFLOOD"), "--timeout", "2")
    assert done.returncode == 124
    assert b"flooding" in done.stdout
    assert time.monotonic() - begin < 20


def test_what_was_flushed_is_in_the_file_when_the_run_is_killed(probe, image):
    disk = image("disk.img")
    guest = probe("--drive", disk)
    assert guest.ask("w 5 x") == [0]
    assert guest.ask("f") == [0]
    guest.process.send_signal(signal.SIGKILL)
    guest.process.wait()
    assert disk.read_bytes()[5 * 512 : 6 * 512] == b"x" * 512


def test_two_runs_on_one_image(probe, quire, compile_bare, image):
    disk = image("disk.img")
    first = probe("--drive", disk)
    before = digest(disk)
    for options, reason in ((f"{disk}", b"in use"), (f"{disk},ro", b"in use"), (f"{disk},snapshot", b"in use")):
        second = boot(quire, compile_bare("disk_probe"), "--drive", options)
        assert second.returncode == 3
        assert reason in second.stderr and str(disk).encode() in second.stderr
        assert second.stderr.count(b"\n") == 1
    assert first.ask("r 1") == [0, ord("h")]
    first.end()
    assert digest(disk) == before
    third = probe("--drive", f"{disk},ro")
    fourth = probe("--drive", f"{disk},snapshot")
    assert third.ask("r 1") == fourth.ask("r 1") == [0, ord("h")]


def test_one_image_twice_in_one_run(quire, compile_bare, image):
    disk = image("disk.img")
    done = boot(quire, compile_bare("disk_probe"), "--drive", disk, "--drive", disk)
    assert done.returncode == 3
    assert b"in use" in done.stderr


def test_throw_away_writes_are_seen_by_the_guest_alone(probe, image):
    disk = image("disk.img")
    before = digest(disk)
    guest = probe("--drive", f"{disk},snapshot")
    assert guest.ask("w 7 y") == [0]
    assert guest.ask("f") == [0]
    assert guest.ask("r 7") == [0, ord("y")]
    assert guest.ask("r 8") == [0, 8]
    assert guest.end() == ""
    assert digest(disk) == before


def test_read_only_disks_refuse_writes(probe, image):
    disk = image("disk.img")
    before = digest(disk)
    guest = probe("--drive", f"{disk},ro")
    assert guest.ask("w 7 y") == [1]
    assert guest.ask("r 7") == [0, 7]
    guest.end()
    assert digest(disk) == before


def test_short_image_is_padded(probe, tmp_path):
    disk = tmp_path / "short.img"
    disk.write_bytes(b"a" * 700)
    guest = probe("--drive", disk)
    assert guest.ask("r 1") == [0, ord("a")]
    assert guest.ask("r 2")[0] == 1
    assert guest.ask("w 1 b") == [0]
    assert guest.ask("r 1") == [0, ord("b")]
    guest.end()
    assert disk.read_bytes() == b"a" * 512 + b"b" * 512


def test_image_cut_short_underneath(probe, image):
    disk = image("disk.img")
    guest = probe("--drive", disk)
    assert guest.ask("r 9")[0] == 0
    os.truncate(disk, 1024)
    assert guest.ask("r 9")[0] == 1
    assert guest.ask("w 9 z") == [1]
    message = guest.end()
    assert f"{disk}: the disk image cannot be trusted: another program cut it short" in message
    assert disk.stat().st_size == 1024


def test_image_changed_underneath(probe, image):
    disk = image("disk.img")
    guest = probe("--drive", f"{disk},snapshot")
    assert guest.ask("r 9")[0] == 0
    with disk.open("r+b") as file:
        file.write(b"other")
    assert guest.ask("r 9")[0] == 1
    assert "another program changed it" in guest.end()


def test_host_without_room_is_an_error_of_the_guests_write(probe, tmp_path):
    disk = tmp_path / "sparse.img"
    with disk.open("wb") as file:
        file.truncate(1 << 20)
    # A limit on file sizes stands for a full disk: writes behind it fail.
    guest = probe("--drive", disk, preexec_fn=lambda: __import__("resource").setrlimit(1, (4096, 4096)))
    assert guest.ask("w 1 a") == [0]
    assert guest.ask("w 100 a") == [1]
    assert guest.ask("r 1") == [0, ord("a")]
    assert "cannot write the disk image: File too large" in guest.end()


@pytest.mark.parametrize("magic, name", [(b"QFI\xfb\0\0\0\3", "qcow2"), (b"KDMV", "vmdk"), (b"vhdxfile", "vhdx")])
def test_other_formats_are_refused_with_the_way_out(quire, compile_bare, tmp_path, magic, name):
    disk = tmp_path / "disk"
    disk.write_bytes(magic.ljust(4096, b"\0"))
    for access in ("", ",ro", ",snapshot"):
        done = boot(quire, compile_bare("disk_probe"), "--drive", f"{disk}{access}")
        assert done.returncode == 3
        assert f"qemu-img convert -f {name} -O raw" in done.stderr.decode()
        assert done.stderr.count(b"\n") == 1


def test_unusable_images_are_refused_in_one_line(quire, compile_bare, tmp_path):
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    for path, cause in ((tmp_path / "missing", "No such file"), (tmp_path, "directory"), (empty, "is empty"),
                        (Path("/dev/null"), "regular file")):  # fmt: skip
        done = boot(quire, compile_bare("disk_probe"), "--drive", path)
        assert done.returncode == 3
        assert str(path) in done.stderr.decode() and cause in done.stderr.decode()
        assert done.stderr.count(b"\n") == 1


def test_unwritable_image_is_refused_with_the_way_out(quire, compile_bare, image):
    """As a user who may not write it; the superuser may write everything."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        here, elf, disk = (Path(shutil.copy(file, folder))
                           for file in (quire, compile_bare("disk_probe"), image("disk.img")))
        elf.chmod(0o644)
        disk.chmod(0o444)
        other_user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        done = boot(here, elf, "--drive", disk, cwd=folder, **other_user)
    assert done.returncode == 3
    assert "Permission denied" in done.stderr.decode() and "snapshot" in done.stderr.decode()


def test_dma_engine_copies_in_its_time_and_interrupts(quire, tmp_path):
    elf = tmp_path / "dma"
    flags = ["-std=c++20", "-fno-exceptions", "-I", HERE.parents[1] / "include"]
    compiler = ["riscv64-linux-gnu-g++", *COMPILE[1:]]
    subprocess.run([*compiler, *flags, HERE / "dma_guest.cpp", "-o", elf], check=True)
    runs = [boot(quire, elf) for _ in range(2)]
    assert runs[0].stdout == runs[1].stdout
    facts = dict(line.split() for line in runs[0].stdout.decode().splitlines())
    # 1000 ns and a nanosecond a byte, in ticks of 100 ns, and the instructions around it.
    ticks = int(facts.pop("ticks"))
    assert 1010 <= ticks <= 1015
    assert facts == {"id": "1", "wrong": "0", "copied": "100000", "fault": str(0x10000000), "interrupts": "2"}
    assert runs[0].returncode == 0
