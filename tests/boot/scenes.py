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
    console.expect(text.encode() + b"\r\n")
    return console.expect(prompt, PANIC).replace(b"\r", b"")


def u_boot(console):
    console.expect(b"U-Boot 20")
    console.expect(b"stop autoboot")
    console.send("\n")
    console.expect(b"\n=> ")
    console.send("echo $arch $((6 * 7)) ; fdt addr $fdtcontroladdr ; fdt get value m / compatible ; echo <$m>\n")
    console.expect(b"\n=> ")
    console.send("poweroff\n")
    console.expect(b"poweroff")


def shell(console):
    """To a shell from an initramfs, some commands, and off."""
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
    console.send("poweroff -f\n")
    console.expect(b"Power down", PANIC)
