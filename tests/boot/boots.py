"""Every boot, on Quire and beside it on QEMU, with what each cost: `./x boots`.

    python3 -m tests.boot.boots [--build DIR] [--no-qemu] [--keep DIR] [NAME...]

Ends with 1 when a boot did not go as it should.
"""

import argparse
import contextlib
import dataclasses
import functools
import hashlib
import http.server
import os
import sys
import tempfile
import threading
import traceback
from pathlib import Path

from . import debian, disk, scenes
from .machines import Images, on_qemu, on_quire

APPEND = "console=ttyS0"


@dataclasses.dataclass(frozen=True)
class Boot:
    """`play(run, folder)` makes what it needs in `folder`, calls run(images, scene), checks, and returns its result."""

    about: str
    play: object
    beside_qemu: bool = True


@contextlib.contextmanager
def server_on_loopback():
    """Serves scenes.SERVED by HTTP to this machine alone; gives the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # the base class calls it so
            self.send_response(200)
            self.send_header("Content-Length", str(len(scenes.SERVED)))
            self.end_headers()
            self.wfile.write(scenes.SERVED)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def play_u_boot(run, folder):
    return run(Images(kernel=debian.u_boot()), scenes.u_boot)


def play_initramfs(bios, run, folder):
    initrd = folder / "initrd"
    initrd.write_bytes(debian.initramfs(scenes.SHELL_INIT))
    images = Images(kernel=debian.kernel(), bios=bios and debian.opensbi(bios), initrd=initrd, append=APPEND)
    return run(images, scenes.shell)


def play_disk(run, folder, **more):
    initrd, image, share = folder / "initrd", folder / "disk.img", folder / "share"
    initrd.write_bytes(debian.initramfs(disk.INIT, disk.MODULES))
    share.mkdir()
    disk.make(image, folder)
    with server_on_loopback() as port:
        scene = scenes.Disk(share=share, server_port=port)
        images = Images(kernel=debian.kernel(), initrd=initrd, append=APPEND, disk=image, share=share, network=True,
                        **more)  # fmt: skip
        outcome = run(images, scene)
    disk.check(image)
    assert hashlib.sha256(disk.read(image, "/root/blob")).hexdigest() == scene.blob_digest
    return outcome


def play_fences(run, folder):
    """Linux makes its fences: no access uses a translation that the page table does not hold (any more)."""
    outcome = play_disk(run, folder, check_fences=True)
    fences = outcome.fences
    print(f"{fences['hits_checked']} hits of the TLB compared, {fences['stale_uses']} of them stale")
    assert fences["hits_checked"] > 100_000_000 and fences["findings"] == []
    return outcome


BOOTS = {
    "u-boot": Boot("U-Boot (S-mode) to its prompt", play_u_boot),
    "linux-builtin": Boot("Linux, initramfs, the emulator's own firmware", functools.partial(play_initramfs, None)),
    "linux-fw_jump": Boot("Linux, initramfs, OpenSBI fw_jump", functools.partial(play_initramfs, "fw_jump")),
    "linux-fw_dynamic": Boot("Linux, initramfs, OpenSBI fw_dynamic", functools.partial(play_initramfs, "fw_dynamic")),
    "linux-disk": Boot("Linux, Debian on ext4, 9P, network", play_disk),
    "linux-fences": Boot("the same, each use of the TLB compared with the page table", play_fences,
                         beside_qemu=False),
}


def attempt(boot, run):
    """The outcome, or nothing once what went wrong has been said."""
    with tempfile.TemporaryDirectory(prefix="quire-boot-") as folder:
        try:
            return boot.play(run, Path(folder))
        except (AssertionError, OSError):
            traceback.print_exc()
            return None


def row(name, ours, theirs):
    cells = f"{name:18}"
    if ours:
        cpu = ours.ended.cpu_seconds
        cells += f"{ours.icount / 1e6:9.0f} {ours.ended.seconds:9.1f} {cpu:9.2f} {ours.icount / cpu / 1e6:7.0f}"
    else:
        cells += f"{'failed':>9} {'':9} {'':9} {'':7}"
    if theirs:
        cells += f" {theirs.ended.seconds:9.1f} {theirs.ended.cpu_seconds:9.2f}"
    return cells


def main():
    parser = argparse.ArgumentParser(description="Boots systems on Quire and on QEMU.")
    parser.add_argument("--build", default=os.environ.get("QUIRE_BUILD_DIR", "build"), help="folder with quire")
    parser.add_argument("--no-qemu", action="store_true", help="Quire alone")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BOOTS)}")
    options = parser.parse_args()
    for name in options.names:
        if name not in BOOTS:
            parser.error(f"no boot is called '{name}'; there are {', '.join(BOOTS)}")

    quire = functools.partial(on_quire, Path(options.build) / "quire")
    rows, failed = [], False
    for name in options.names or BOOTS:
        boot = BOOTS[name]
        print(f"== {name}: {boot.about}", flush=True)
        ours = attempt(boot, quire)
        with_qemu = boot.beside_qemu and not options.no_qemu
        theirs = attempt(boot, on_qemu) if with_qemu else None
        failed = failed or ours is None or (theirs is None and with_qemu)
        rows.append(row(name, ours, theirs))
    print(f"\n{'':18}{'million':>9} {'seconds':>9} {'CPU':>9} {'':>7} {'QEMU':>9} {'QEMU':>9}")
    print(f"{'boot':18}{'insns':>9} {'on wall':>9} {'seconds':>9} {'MIPS':>7} {'on wall':>9} {'CPU s':>9}")
    print("\n".join(rows))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
