"""Systems nobody here wrote, on quire boot: Debian's U-Boot and Linux. `./x boots` runs more of them, beside QEMU."""

import functools
import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from . import debian, scenes
from .machines import Images, on_quire

QUIRE = Path(os.environ.get("QUIRE_BUILD_DIR", debian.ROOT / "build")) / "quire"


def test_u_boot_reaches_its_prompt():
    on_quire(QUIRE, Images(kernel=debian.u_boot()), scenes.u_boot)


def names_are_those_the_kernel_tells(console):
    """What tools/linux-symbols reads from the Image, against the kernel's own reading of it."""
    lines = subprocess.run([debian.ROOT / "tools/linux-symbols", debian.kernel()], check=True, capture_output=True).stdout
    assert lines.count(b"\n") > 50_000
    assert scenes.command(console, "md5sum < /proc/kallsyms").split()[0].decode() == hashlib.md5(lines).hexdigest()


def test_linux_boots_with_opensbi_to_a_shell(tmp_path):
    initrd = tmp_path / "initrd"
    initrd.write_bytes(debian.initramfs(scenes.SHELL_INIT))
    images = Images(kernel=debian.kernel(), bios=debian.opensbi("fw_dynamic"), initrd=initrd,
                    append="console=ttyS0", check_fences=True)  # fmt: skip
    outcome = on_quire(QUIRE, images, functools.partial(scenes.shell, also=names_are_those_the_kernel_tells))
    assert b"OpenSBI v" in outcome.ended.output
    assert b"Linux version 6." in outcome.ended.output
    # Linux fences what it changes: no access used a translation that the page table did not hold any more.
    assert outcome.fences["hits_checked"] > 100_000_000 and outcome.fences["findings"] == []
