"""Debian's coreutils, find, grep, sed, awk, tar, gzip and xz on the supervisor."""

import gzip
import hashlib
import lzma
import tarfile

from .cases import numbers
from .trees import SCRIPTS, as_under_qemu, debian_tree, on_supervisor

LINE_BYTES = 64


def test_tools_do_as_under_qemu_user(tmp_path):
    done = as_under_qemu(debian_tree("tools"), ["/usr/bin/bash", str(SCRIPTS / "tools.sh")], tmp_path)
    assert (done.status, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines()[-2:] == 2 * [hashlib.sha256(b"".join(b"%d\n" % n for n in range(1, 50_001))).hexdigest() + "  -"]


def test_16_mb_are_sorted_summed_and_copied(tmp_path):
    """By the host's reckoning: the digest of the lines in order, and equal copies."""
    lines = [b"%08x" % n * (LINE_BYTES // 8 - 1) + b"%07x\n" % (n >> 1) for n in numbers((16 << 20) // LINE_BYTES)]
    (tmp_path / "big").write_bytes(b"".join(lines))
    done = on_supervisor(
        debian_tree("tools"),
        ["/usr/bin/bash", "-ec", "sort big > sorted; sha256sum < sorted; wc -lc sorted; cp sorted copy; cmp sorted copy; sort -c copy; "
                                 "cp big /mnt/out; rm copy; ls; timeout 0.2 sleep 5 || echo $?; { timeout -s KILL 0.2 sleep 5; } 2> /dev/null || echo $?; "
                                 "timeout 5 echo in time"],
        f"--share={tmp_path}:/mnt:rw", "--ram=128M", cwd="/mnt",
    )  # fmt: skip
    assert done.stderr == b""
    assert done.stdout.decode().splitlines() == [
        hashlib.sha256(b"".join(sorted(lines))).hexdigest() + "  -", f"  {len(lines)} {16 << 20} sorted", "big", "out", "sorted",
        "124", "137", "in time",
    ]  # fmt: skip
    assert (tmp_path / "sorted").read_bytes() == b"".join(sorted(lines))
    assert (tmp_path / "out").read_bytes() == b"".join(lines)


def test_the_host_reads_the_archives(tmp_path):
    """Archives made by the guest, opened by Python's own readers."""
    tree = debian_tree("tools")
    done = on_supervisor(
        tree, ["/usr/bin/bash", "-ec", "tar cf a.tar -C /usr/share common-licenses; gzip -k a.tar; xz -k a.tar; rm a.tar"],
        f"--share={tmp_path}:/mnt:rw", cwd="/mnt",
    )  # fmt: skip
    assert (done.status, done.stderr) == (0, b"")
    unpacked = gzip.decompress((tmp_path / "a.tar.gz").read_bytes())
    assert unpacked == lzma.decompress((tmp_path / "a.tar.xz").read_bytes())
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        files = {m.name: archive.extractfile(m).read() for m in archive.getmembers() if m.isreg()}
    folder = tree / "usr/share/common-licenses"
    assert files == {f"common-licenses/{f.name}": f.read_bytes() for f in folder.iterdir() if f.is_file() and not f.is_symlink()}
    assert files
