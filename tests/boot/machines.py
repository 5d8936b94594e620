"""The same boot on Quire and on QEMU: what each command line needs to say."""

import dataclasses
import json
import tempfile
from pathlib import Path

from .console import Console, Ended

QEMU = "qemu-system-riscv64"
SECONDS = 300  # for a whole run, on a busy machine


@dataclasses.dataclass(frozen=True)
class Images:
    """What a machine starts with; `bios` None: the emulator's own."""

    kernel: Path
    bios: Path | None = None
    initrd: Path | None = None
    append: str = ""
    ram: str = "256M"
    disk: Path | None = None
    share: Path | None = None  # tag "host", writable
    network: bool = False
    check_fences: bool = False  # on Quire: every hit of the TLB is compared with the page table


@dataclasses.dataclass(frozen=True)
class Outcome:
    ended: Ended
    icount: int | None = None
    run_seconds: float | None = None  # without loading files and the like
    fences: dict | None = None  # what the checker found


def quire_command(quire, images):
    command = [quire, "boot", "--ram", images.ram, "--kernel", images.kernel]
    if images.bios:
        command += ["--bios", images.bios]
    if images.initrd:
        command += ["--initrd", images.initrd]
    if images.append:
        command += ["--append", images.append]
    if images.disk:
        command += ["--drive", images.disk]
    if images.share:
        command += ["--share", f"{images.share},tag=host,rw"]
    if images.network:
        command += ["--net", "user"]
    if images.check_fences:
        command += ["--check-fences"]
    return command


def qemu_command(images):
    command = [QEMU, "-M", "virt", "-m", images.ram, "-display", "none", "-monitor", "none", "-serial", "stdio",
               "-no-reboot", "-global", "virtio-mmio.force-legacy=false", "-kernel", images.kernel]  # fmt: skip
    if images.bios:
        command += ["-bios", images.bios]
    if images.initrd:
        command += ["-initrd", images.initrd]
    if images.append:
        command += ["-append", images.append]
    if images.disk:
        command += ["-drive", f"file={images.disk},format=raw,if=none,id=d", "-device", "virtio-blk-device,drive=d"]
    if images.share:
        command += ["-fsdev", f"local,id=s,path={images.share},security_model=none",
                    "-device", "virtio-9p-device,fsdev=s,mount_tag=host"]  # fmt: skip
    if images.network:
        command += ["-netdev", "user,id=n", "-device", "virtio-net-device,netdev=n"]
    return command


def on_quire(quire, images, scene, seconds=SECONDS):
    """Raises AssertionError when the scene does not go as it should, or the run does not end with 0."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        command = [*quire_command(quire, images), f"--json={report.name}"]
        with Console(command, seconds * (4 if images.check_fences else 1)) as console:
            scene(console)
            ended = console.end()
        facts = json.loads(Path(report.name).read_text())
    assert ended.status == 0, ended.output[-1000:].decode(errors="replace")
    assert facts["origin"] == "guest"
    return Outcome(ended, facts["icount"], facts["seconds"], facts.get("fences"))


def on_qemu(images, scene):
    with Console(qemu_command(images), SECONDS) as console:
        scene(console)
        ended = console.end()
    assert ended.status == 0, ended.output[-1000:].decode(errors="replace")
    return Outcome(ended)
