"""Power cuts while Debian's Linux writes files to ext4: what the disk holds after, judged by e2fsck and file by file.

The guest saves small files one after the other, each as careful programs do (a new file, fsync, rename, sync), and says on its
console which are safe. Power is cut at moments drawn by chance, with a fate drawn for every write that was not flushed. With
barriers, ext4's default, no saved file may be lost; mounted with barrier=0 on the same disk, some are. `./x power-cut` says
how many.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import quire
from quire import fi

from . import debian

FILES = 12
START = "power cuts begin"
CHECK = debian.ROOT / "examples/faults/check_saved.py"
UUID = "8a3d6a49-6e4a-4b1b-9d0b-2f5a5d0c9c12"
MODULES = ("virtio_mmio", "virtio_blk", "crc32c_generic", "ext4")

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do insmod $module || poweroff -f; done
mount -t ext4 -o OPTIONS /dev/vda /mnt || poweroff -f
echo 'power cuts begin'
i=1
while [ $i -le FILES ]; do
  j=0
  while [ $j -lt 200 ]; do echo "file $i line $j"; j=$((j + 1)); done > /mnt/new
  fsync /mnt/new
  mv /mnt/new /mnt/file$i
  sync
  echo "saved $i"
  i=$((i + 1))
done
echo 'saved all'
umount /mnt
poweroff -f
"""


def make_files(folder, options):
    initrd, disk = folder / "initrd.gz", folder / "disk.img"
    initrd.write_bytes(debian.initramfs(INIT.replace("OPTIONS", options).replace("FILES", str(FILES)), MODULES))
    environment = dict(os.environ, E2FSPROGS_FAKE_TIME="1767225600")
    with open(disk, "wb") as image:
        image.truncate(16 << 20)
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", "-U", UUID, "-E", f"hash_seed={UUID},root_owner=0:0", disk], check=True, env=environment)
    return initrd, disk


def plan(folder, options, cuts, fates=20):
    """A campaign of `cuts` power cuts, from the mount to the power-off."""
    initrd, disk = make_files(folder, options)
    with quire.Machine.linux(debian.kernel(), initrd=initrd, append="console=ttyS0 quiet", drives=[f"{disk},snapshot"], ram="128M") as machine:
        stop = machine.run(until=machine.kernel_log.says(START), max_insns=20_000_000_000)
        assert stop.reason == "until", machine.kernel_log.text
        space = fi.Space([f"power cut {fate}" for fate in range(fates)], fi.every_insn())
        return fi.Campaign.plan(folder / "cuts.db", machine, None, space, samples=cuts, check=f"{CHECK}:check")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=300)
    chosen = parser.parse_args()
    for options in ("data=ordered", "data=ordered,barrier=0"):
        folder = Path(tempfile.mkdtemp(prefix="power-cut-"))
        try:
            begin = time.perf_counter()
            with plan(folder, options, chosen.cuts) as campaign:
                print(f"ext4 -o {options}: {campaign.describe()}", flush=True)
                table = campaign.run()
                print(f"{table}\n{time.perf_counter() - begin:.0f} s")
                for row in [row for row in campaign if row.outcome not in ("masked", "latent")][:3]:
                    print(f"  row {row.id}: {row.outcome}: {row.detail}")
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
