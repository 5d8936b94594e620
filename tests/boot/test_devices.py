"""Debian's Linux uses the disks and the network: its drivers are the oracle for what the devices offer."""

import contextlib
import hashlib
import http.server
import os
import re
import socket
import subprocess
import threading
import urllib.request
from pathlib import Path

import pytest

from . import debian, scenes
from .console import Console

QUIRE = Path(os.environ.get("QUIRE_BUILD_DIR", debian.ROOT / "build")) / "quire"
MODULES = ("virtio_mmio", "virtio_blk", "virtio_net", "virtio_rng", "crc32c_generic", "ext4")
CARGO = bytes(range(256)) * 8192  # 2 MiB

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do insmod $module; done
stty cols 1000 < /dev/ttyS0
PS1='quire# ' exec setsid -c sh -i < /dev/ttyS0 > /dev/ttyS0 2>&1
"""
LEASE = "'[ $1 != bound ] || { ifconfig $interface $ip netmask $subnet; route add default gw $router; }'"


@pytest.fixture(scope="module")
def initrd(tmp_path_factory):
    path = tmp_path_factory.mktemp("linux") / "initrd"
    path.write_bytes(debian.initramfs(INIT, MODULES))
    return path


@contextlib.contextmanager
def linux(initrd, *options):
    command = [QUIRE, "boot", "--ram", "256M", "--kernel", debian.kernel(), "--initrd", initrd,
               "--append", "console=ttyS0 quiet", *options]  # fmt: skip
    with Console(command) as console:
        console.expect(scenes.PROMPT.replace(b"\n", b""), scenes.PANIC)
        yield console
        console.send("poweroff -f\n")
        ended = console.end()
        assert ended.status == 0
        assert b"quire:" not in ended.output, "nothing was wrong with a device"


def shell(console):
    """run(TEXT): what a command of the guest's shell prints, which may be nothing."""

    def run(text):
        return scenes.command(console, f"{text}; echo .").decode().rpartition(".")[0].rstrip("\n")

    return run


def disk(path, megabytes):
    with path.open("wb") as file:
        file.truncate(megabytes << 20)
    return path


@pytest.fixture(scope="module")
def server():
    """A server on the host's loopback that has one file."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(CARGO)))
            self.end_headers()
            self.wfile.write(CARGO)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield one.server_address[1]
        one.shutdown()


def test_disks(initrd, tmp_path):
    first = disk(tmp_path / "first.img", 32)
    second, third = tmp_path / "second.img", tmp_path / "third.img"
    for path, letter in ((second, b"2"), (third, b"3")):
        path.write_bytes(letter * (1 << 20))
    before = third.read_bytes()
    with linux(initrd, "--drive", first, "--drive", f"{second},ro", "--drive", f"{third},snapshot") as console:
        run = shell(console)
        assert run("cat /sys/block/vd?/size").split() == ["65536", "2048", "2048"]
        assert run("cat /sys/block/vd?/ro").split() == ["0", "1", "0"]
        assert run("echo $(cat /sys/block/vda/serial)") == "quire-drive-0"
        assert run("cat /sys/block/vda/cache_type /sys/block/vda/queue/write_cache").split("\n") == ["write back"] * 2
        assert int(run("cat /sys/block/vda/queue/discard_max_bytes")) > 1 << 20
        assert int(run("cat /sys/block/vda/queue/write_zeroes_max_bytes")) > 1 << 20
        # A file system, with journal traffic, big writes and holes.
        run("mke2fs -F /dev/vda 2>/dev/null >/dev/null; mount -t ext4 /dev/vda /mnt")
        run("seq 300000 > /mnt/numbers; mkdir /mnt/d; for i in $(seq 200); do echo $i > /mnt/d/$i; done; sync")
        run("echo 3 > /proc/sys/vm/drop_caches")
        numbers = "".join(f"{n}\n" for n in range(1, 300001)).encode()
        assert run("md5sum < /mnt/numbers").split()[0] == hashlib.md5(numbers).hexdigest()
        run("dd if=/dev/zero of=/mnt/zeroes bs=1M count=8 2>/dev/null; sync; rm /mnt/zeroes; sync")
        assert "bytes trimmed" in run("fstrim -v /mnt")
        run("echo kept > /mnt/kept; umount /mnt")
        # Read-only, and thrown away.
        assert "1" in run("echo x > /dev/vdb; echo $?")
        assert run("dd if=/dev/vdb bs=1 count=3 2>/dev/null; echo") == "222"
        run("dd if=/dev/zero of=/dev/vdc bs=64K count=1 conv=fsync 2>/dev/null; echo new | dd of=/dev/vdc conv=fsync 2>&1")
        run("blkdiscard -o 524288 -l 65536 /dev/vdc; echo 3 > /proc/sys/vm/drop_caches")
        assert run("dd if=/dev/vdc bs=1 count=3 2>/dev/null; echo") == "new"
    checked = subprocess.run(["e2fsck", "-fn", first], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    found = subprocess.run(["debugfs", "-R", "cat kept", first], capture_output=True, text=True)
    assert found.stdout == "kept\n"
    assert os.stat(first).st_blocks * 512 < 16 << 20, "what was trimmed takes room on the host"
    assert second.read_bytes() == b"2" * (1 << 20)
    assert third.read_bytes() == before


def test_network_reaches_a_server_on_the_hosts_loopback(initrd, server):
    with linux(initrd, "--net", "user") as console:
        run = shell(console)
        run("ifconfig lo up; ifconfig eth0 up")
        run(f"echo {LEASE} > /lease; sed -i '1i #!/bin/sh' /lease; chmod +x /lease")
        assert "lease of 10.0.2.15 obtained" in run("udhcpc -i eth0 -n -q -s /lease 2>&1")
        assert "1 packets received" in run("ping -c 1 10.0.2.2")
        digest = run(f"wget -q -O - http://10.0.2.2:{server}/cargo | md5sum").split()[0]
        assert digest == hashlib.md5(CARGO).hexdigest()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_a_forwarded_port_leads_to_the_guests_server(initrd):
    port = free_port()
    with linux(initrd, "--net", f"user,hostfwd=tcp:127.0.0.1:{port}-:80") as console:
        run = shell(console)
        run("ifconfig lo up; ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up")
        run("mkdir /www; seq 100000 > /www/numbers; httpd -h /www")
        numbers = "".join(f"{n}\n" for n in range(1, 100001)).encode()
        for _ in range(3):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/numbers", timeout=60) as answer:
                assert answer.read() == numbers


def test_a_taken_port_is_refused_in_one_line(initrd):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [QUIRE, "boot", "--kernel", debian.kernel(), "--net", f"user,hostfwd=tcp:127.0.0.1:{port}-:22"]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 3
    assert re.fullmatch(f"quire: tcp:127.0.0.1:{port}: .*in use.*\n", done.stderr)
