"""The columns of the suite: QEMU and Quire's engines under Debian's Linux, Quire's supervisor, and the host itself."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from . import making
from .serving import Server

QEMU = "qemu-system-riscv64"
RAM = "512M"
APPEND = "console=ttyS0 no4lvl quiet loglevel=3"  # no4lvl: Sv39, which the supervisor uses


@dataclasses.dataclass(frozen=True)
class Images:
    riscv: Path
    native: Path
    busybox: Path
    native_busybox: Path
    kernel: Path
    initrd: Path


def make_images(out: Path) -> Images:
    riscv = making.compile_suite(making.RISCV, out)
    initrd = out / "initrd"
    initrd.write_bytes(making.initial_ram_disk(riscv))
    return Images(riscv, making.compile_suite("", out), making.debian.busybox(), making.host_busybox(),
                  making.debian.kernel(), initrd)  # fmt: skip


def extensions(quire: Path, kernel: Path) -> str:
    """The ISA string of Quire's device tree, which holds all that it has; QEMU is told to have the same."""
    with tempfile.NamedTemporaryFile() as tree:
        subprocess.run([quire, "boot", "--kernel", kernel, "--dump-dtb", tree.name], check=True)
        found = re.search(rb"rv64[a-z0-9_]+", Path(tree.name).read_bytes())
    assert found, "the board's device tree has no ISA string"
    return found.group().decode()


def qemu_cpu(isa: str) -> str:
    """rv64i with the modes and page tables that Linux needs, the extensions of an ISA string, and no others."""
    letters, *names = isa.removeprefix("rv64").split("_")
    return ",".join(["rv64i", *(f"{name}=on" for name in ("s", "u", "mmu", "pmp", "sv57", *letters.replace("i", ""), *names))])


def qemu(quire: Path, images: Images) -> Server:
    cpu = qemu_cpu(extensions(quire, images.kernel))
    return Server("qemu", [QEMU, "-M", "virt", "-cpu", cpu, "-smp", "1", "-m", RAM, "-display", "none", "-monitor", "none",
                           "-serial", "stdio", "-no-reboot", "-kernel", images.kernel, "-initrd", images.initrd,
                           "-append", APPEND])  # fmt: skip


def on_linux(engine: str, quire: Path, images: Images) -> Server:
    return Server(engine, [quire, "boot", "--engine", engine, "--ram", RAM, "--kernel", images.kernel,
                           "--initrd", images.initrd, "--append", APPEND])  # fmt: skip


def on_supervisor(engine: str, quire: Path, images: Images) -> Server:
    return Server("supervisor", [quire, "run", "--engine", engine, "--ram", RAM, "--file", f"{images.busybox}:/bin/busybox",
                                 images.riscv, "serve"])  # fmt: skip


def native(quire: Path, images: Images) -> Server:
    return Server("native", [images.native, "serve"], own_account=True,
                  environment={"BENCH_SHELL": str(images.native_busybox)})  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Column:
    """`start` gives a server that is not entered yet."""

    name: str
    title: str
    start: Callable[[Path, Images], Server]
    boots_linux: bool = False


COLUMNS = {
    column.name: column
    for column in (
        Column("native", "native", native),
        Column("qemu", "QEMU", qemu, boots_linux=True),
        Column("jit", "jit", lambda quire, images: on_linux("jit", quire, images), boots_linux=True),
        Column("interp", "interp", lambda quire, images: on_linux("interp", quire, images), boots_linux=True),
        Column("supervisor", "superv.", lambda quire, images: on_supervisor("jit", quire, images)),
    )
}


def why_not(column: str) -> str | None:
    """Why a column stays empty on this machine."""
    if column == "qemu" and shutil.which(QEMU) is None:
        return f"{QEMU} is not installed (Debian's qemu-system-riscv has it; './x setup bench' installs it)"
    return None


def qemu_version() -> str | None:
    if shutil.which(QEMU) is None:
        return None
    return subprocess.run([QEMU, "--version"], capture_output=True, text=True).stdout.splitlines()[0]
