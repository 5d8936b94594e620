"""Files that are together larger than RAM: what is clean is given up and read again, what is dirty is written first."""

import hashlib
import shutil

from .trees import SCRIPTS, debian_tree, on_supervisor


def test_more_is_read_than_there_is_memory(tmp_path):
    """Through the page cache, and by a compiler whose own text must make room meanwhile."""
    tree = debian_tree("gcc")
    big = sorted((tree / "usr/libexec/gcc/riscv64-linux-gnu/14").iterdir())
    last = "lto-wrapper"
    digest = hashlib.sha256((big[0].parent / last).read_bytes()).hexdigest()
    shutil.copy(SCRIPTS / "program.c", tmp_path)
    done = on_supervisor(
        tree,
        ["/bin/bash", "-ec", "cat /usr/libexec/gcc/riscv64-linux-gnu/14/* | wc -c; gcc -o /tmp/program program.c -lm; "
                             f"cd /usr/libexec/gcc/riscv64-linux-gnu/14; cat * > /dev/null; sha256sum {last}; exec /tmp/program"],
        f"--share={tmp_path}:/mnt", "--ram=48M", cwd="/mnt",
    )  # fmt: skip
    size = sum(f.stat().st_size for f in big)
    assert size > 3 * (48 << 20)
    assert (done.status, done.stderr) == (3, b"")
    assert done.stdout.decode().splitlines()[:2] == [f"{size}", f"{digest}  {last}"]
    assert done.stdout.endswith(b"child 23\n")


def test_more_is_written_to_a_share_than_there_is_memory(tmp_path):
    """Before the file is closed."""
    done = on_supervisor(
        debian_tree("tools"),
        ["/bin/bash", "-ec", "exec 3<> /mnt/big; yes 0123456789abcde | head -c 40M >&3; sha256sum < /mnt/big; tail -c 16 /mnt/big; "
                             "perl -e 'for (1 .. 40) { seek STDIN, $_ * 1000000, 0; read STDIN, my $x, 16; print $x ne \"0123456789abcde\\n\" }' < /mnt/big"],
        f"--share={tmp_path}:/mnt:rw", "--ram=24M",
    )  # fmt: skip
    data = b"0123456789abcde\n" * (40 << 16)
    assert (done.status, done.stderr) == (0, b"")
    assert done.stdout.decode() == f"{hashlib.sha256(data).hexdigest()}  -\n0123456789abcde\n"
    assert (tmp_path / "big").read_bytes() == data
