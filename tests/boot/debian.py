"""Debian trixie's riscv64 firmware, kernel and programs, fetched by name into the cache, and what boots are made of."""

import functools
import lzma
import os
import re
import subprocess
from pathlib import Path

from .cpio import Archive

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("QUIRE_CACHE_DIR", ROOT / ".cache")) / "debian"
SUITE, ARCH = "trixie", "riscv64"
PACKAGES = CACHE / f"{SUITE}-{ARCH}"


@functools.cache
def package(name):
    """The folder that holds the package's files."""
    subprocess.run([ROOT / "tools/fetch-debian", SUITE, ARCH, CACHE, name], check=True)
    return PACKAGES / name


def _file(name, path):
    found = package(name) / path
    assert found.is_file(), f"package {name} no longer has {path}"
    return found


def opensbi(kind):
    """`kind`: fw_jump or fw_dynamic."""
    return _file("opensbi", f"usr/lib/riscv64-linux-gnu/opensbi/generic/{kind}.bin")


def u_boot():
    """Built to run in S-mode."""
    return _file("u-boot-qemu", "usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin")


def busybox():
    return _file("busybox-static", "usr/bin/busybox")


@functools.cache
def kernel_package():
    """linux-image-riscv64 is empty but for the name of the current kernel's package."""
    package("linux-image-riscv64")  # the lists are there afterwards
    environment = dict(os.environ, APT_CONFIG=str(CACHE / f"apt-{SUITE}-{ARCH}" / "apt.conf"))
    answer = subprocess.run(["apt-cache", "depends", "linux-image-riscv64"], check=True, capture_output=True, text=True,
                            env=environment).stdout  # fmt: skip
    return re.search(r"Depends: (linux-image-\S+)", answer).group(1)


def kernel():
    """A plain Linux Image, whatever its name says."""
    name = kernel_package()
    return _file(name, f"boot/vmlinux-{name.removeprefix('linux-image-')}")


@functools.cache
def _modules():
    tree = package(kernel_package()) / "usr/lib/modules"
    return {path.name.removesuffix(".ko.xz").replace("-", "_"): path for path in tree.rglob("*.ko.xz")}


def modules(*names):
    """[(name, contents)] of these modules and those they need, in an order to load them in."""
    ordered = {}

    def add(name):
        if name in ordered:
            return
        image = lzma.decompress(_modules()[name].read_bytes())
        needs = re.search(rb"\0depends=([^\0]*)\0", image).group(1).decode()
        for need in filter(None, needs.split(",")):
            add(need.replace("-", "_"))
        ordered[name] = image

    for name in names:
        add(name)
    return list(ordered.items())


def initramfs(init, module_names=()):
    """busybox, `init` as /init, and the modules, which `init` finds in /modules by the order of their names."""
    archive = Archive().copy(busybox(), "bin/busybox").node("dev/console", 5, 1)
    for folder in ("proc", "sys", "mnt", "etc", "root"):
        archive.directory(folder)
    for index, (name, image) in enumerate(modules(*module_names)):
        archive.file(f"modules/{index:02}-{name}.ko", image)
    return archive.file("init", init, 0o755).to_bytes()
