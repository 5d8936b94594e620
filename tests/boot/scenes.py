"""What is done in each boot, whichever emulator runs it.

A scene gets a Console at the moment the machine starts, and leaves it when the machine has powered off.
"""

import hashlib

PANIC = (b"Kernel panic", b"Oops", b"BUG:", b"Unable to handle", b"WARNING: CPU")

SHELL_INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
PS1='quire# ' exec setsid -c sh -i < /dev/ttyS0 > /dev/ttyS0 2>&1
"""
PROMPT = b"\nquire# "


def command(console, text, prompt=PROMPT):
    """The output of a shell command."""
    console.send(text + "\n")
    console.expect(text.encode() + b"\r")
    return console.expect(prompt, PANIC).replace(b"\r", b"").strip(b"\n")


def u_boot(console):
    console.expect(b"U-Boot 20")
    console.expect(b"stop autoboot")
    console.send("\n")
    console.expect(b"\n=> ")
    console.send("echo $arch $((6 * 7)) ; fdt addr $fdtcontroladdr ; fdt get value m / compatible ; echo <$m>\n")
    console.expect(b"\n=> ")
    console.send("poweroff\n")
    console.expect(b"poweroff")


def shell(console, also=lambda console: None):
    """To a shell from an initramfs, some commands, and what is `also` to be done there; then off."""
    console.expect(PROMPT.replace(b"\n", b""), PANIC)
    assert command(console, "echo $((6 * 7))") == b"42"
    assert command(console, "uname -m") == b"riscv64"
    assert b"ttyS0" in command(console, "grep PLIC /proc/interrupts")
    numbers = "".join(f"{n}\n" for n in range(1, 20001)).encode()
    assert command(console, "seq 20000 | md5sum").split()[0].decode() == hashlib.md5(numbers).hexdigest()
    # Ctrl-C is the foreground program's, not ours.
    console.send("sh -c 'echo $((40 + 2)); sleep 1000'\n")
    console.expect(b"42\r\n")
    console.send("\x03")
    console.expect(PROMPT)
    assert command(console, "echo $?") == b"130"
    also(console)
    console.send("poweroff -f\n")
    console.expect(b"Power down", PANIC)


class Disk:
    """From an ext4 root: the disk is written and read back; with a share and a server, those too; then a power-off."""

    def __init__(self, share=None, server_port=None):
        self.share = share
        self.server_port = server_port
        self.blob_digest = None

    def __call__(self, console):
        console.expect(PROMPT, PANIC)
        assert b"trixie" in command(console, "grep CODENAME /etc/os-release")
        assert b" / ext4 rw" in command(console, "grep /dev/vda /proc/mounts")
        self._write_and_read(console)
        if self.share:
            self._mount_the_share(console)
        if self.server_port:
            self._fetch(console)
        console.send("poweroff\n")
        console.expect(b"Power down", PANIC)

    def _write_and_read(self, console):
        command(console, "dd if=/dev/urandom of=/root/blob bs=64k count=48 2> /dev/null")
        written = command(console, "sha256sum < /root/blob").split()[0]
        command(console, "sync; echo 3 > /proc/sys/vm/drop_caches")
        assert command(console, "sha256sum < /root/blob").split()[0] == written
        self.blob_digest = written.decode()

    def _mount_the_share(self, console):
        (self.share / "from-host").write_text("hello guest\n")
        assert command(console, "mount -t 9p -o trans=virtio,version=9p2000.L host /mnt; echo $?") == b"0"
        assert command(console, "cat /mnt/from-host") == b"hello guest"
        assert command(console, "seq 5000 > /mnt/from-guest; sync; wc -l < /mnt/from-guest") == b"5000"
        assert command(console, "umount /mnt; echo $?") == b"0"
        assert (self.share / "from-guest").read_text().splitlines() == [str(n) for n in range(1, 5001)]

    def _fetch(self, console):
        command(console, "ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.2.2")
        fetched = command(console, f"wget -q -O - http://10.0.2.2:{self.server_port}/file | sha256sum")
        assert fetched.split()[0].decode() == hashlib.sha256(SERVED).hexdigest()


SERVED = b"".join(b"line %d of the file\n" % n for n in range(20000))
