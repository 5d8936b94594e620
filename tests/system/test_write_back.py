"""What is written to a shared directory reaches the host's file by itself, while the program goes on."""

import subprocess

# Two pages of each of two files are dirty until the flusher comes.
EXPECTED = """\
Dirty:                 0 kB
Dirty:                16 kB
after 29 s: "" ""
after 31 s: "mapped" "mapped"
Dirty:                 0 kB
after 0.9 s: "" ""
after 1.1 s: "again!" "again!"
"""


def test_the_flusher_writes_what_nobody_asks_for(quire, compile_guest, tmp_path):
    share = tmp_path / "share"
    share.mkdir()
    for name in "abcd":
        (share / name).write_bytes(bytes(8192))
    before = (share / "a").stat().st_mtime_ns
    done = subprocess.run(
        [quire, "run", "--timeout=120", "--check", "--share", f"{share}:/mnt:rw", "--share", f"{share}:/look",
         compile_guest("tests/system/flushed.c")],
        capture_output=True, timeout=150,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode() == EXPECTED
    assert (share / "a").stat().st_mtime_ns > before
    assert (share / "d").read_bytes()[:6] == b"again!"


def test_who_writes_without_end_lets_others_read(quire, compile_guest, tmp_path):
    (tmp_path / "file").write_bytes(bytes(1 << 20))
    done = subprocess.run(
        [quire, "run", "--timeout=120", "--check", "--share", f"{tmp_path}:/mnt:rw",
         compile_guest("tests/system/share_in_turns.c")],
        capture_output=True, timeout=150,
    )  # fmt: skip
    assert (done.returncode, done.stdout.decode()) == (0, "in turns\n"), done.stderr.decode()
