"""Systems nobody here wrote, on quire boot: Debian's U-Boot and Linux. `./x boots` runs more of them, beside QEMU."""

import os
from pathlib import Path

import pytest

from . import debian, scenes
from .machines import Images, on_quire

QUIRE = Path(os.environ.get("QUIRE_BUILD_DIR", debian.ROOT / "build")) / "quire"


def test_u_boot_reaches_its_prompt():
    on_quire(QUIRE, Images(kernel=debian.u_boot()), scenes.u_boot)


def test_linux_boots_with_opensbi_to_a_shell(tmp_path):
    initrd = tmp_path / "initrd"
    initrd.write_bytes(debian.initramfs(scenes.SHELL_INIT))
    images = Images(kernel=debian.kernel(), bios=debian.opensbi("fw_dynamic"), initrd=initrd,
                    append="console=ttyS0")  # fmt: skip
    outcome = on_quire(QUIRE, images, scenes.shell)
    assert b"OpenSBI v" in outcome.ended.output
    assert b"Linux version 6." in outcome.ended.output
