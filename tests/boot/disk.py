"""An ext4 disk with a Debian riscv64 system: packages unpacked by name, and the few files that their scripts would make.

`mkfs.ext4 -d` fills it, so that no part of this needs root.
"""

import os
import shutil
import subprocess

from . import debian

PACKAGES = ("base-files bash coreutils dash findutils grep gzip hostname iproute2 kmod mount procps sed sysvinit-core "
            "tar util-linux wget").split()  # fmt: skip
SIZE = "192M"
UUID = "8a3d6a49-6e4a-4b1b-9d0b-2f5a5d0c9c11"

# Modules that the initramfs loads before the root can be mounted; the rest is for what is done inside.
MODULES = ("virtio_mmio", "virtio_blk", "crc32c_generic", "ext4", "virtio_net", "virtio_rng", "9pnet_virtio", "9p")

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do insmod $module || exit; done
mount -t ext4 -o ro /dev/vda /mnt || exit
mount --move /dev /mnt/dev
umount /proc
exec switch_root /mnt /sbin/init
"""

FILES = {
    "etc/inittab": """id:2:initdefault:
si::sysinit:/etc/rc.start
l0:0:wait:/etc/rc.stop
S0:2:respawn:/usr/sbin/agetty --noissue --noclear --skip-login --login-program /bin/bash ttyS0 115200 dumb
""",
    "etc/rc.start": """#!/bin/bash
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mount -o remount,rw /
hostname quire
ip link set lo up
""",
    "etc/rc.stop": """#!/bin/bash
killall5 -15
sleep 0.1
killall5 -9
mount -o remount,ro /
exec halt -d -f -i -p
""",
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n",
    "etc/group": "root:x:0:\ntty:x:5:\ndisk:x:6:\n",
    "etc/fstab": "/dev/vda / ext4 defaults 0 1\n",
    "etc/bash.bashrc": "PS1='quire# '\nbind 'set enable-bracketed-paste off'\nstty cols 1000\n",
}


def make(path, folder):
    """The image at `path`, by way of `folder`."""
    fetch = [debian.ROOT / "tools/fetch-debian", "--tree", "userland", debian.SUITE, debian.ARCH, debian.CACHE, *PACKAGES]
    subprocess.run(fetch, check=True)
    root = folder / "root-of-the-disk"
    shutil.copytree(debian.PACKAGES / "userland", root, symlinks=True,
                    ignore=lambda where, names: names if where.endswith(("/share/doc", "/share/man", "/share/locale")) else ())  # fmt: skip
    (root / "mnt").mkdir(exist_ok=True)
    for name, text in FILES.items():
        (root / name).write_text(text)
        if text.startswith("#!"):
            (root / name).chmod(0o755)
    with open(path, "wb") as image:
        image.truncate(0)
    environment = dict(os.environ, E2FSPROGS_FAKE_TIME="1767225600")
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", "-d", root, "-U", UUID, "-E", f"hash_seed={UUID},root_owner=0:0",
                    path, SIZE], check=True, env=environment)  # fmt: skip
    shutil.rmtree(root)
    return path


def check(path):
    """The file system is sound."""
    done = subprocess.run(["/usr/sbin/e2fsck", "-fn", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def read(path, name):
    """A file's bytes, read from outside."""
    done = subprocess.run(["/usr/sbin/debugfs", "-R", f"cat {name}", path], capture_output=True, check=True)
    return done.stdout
