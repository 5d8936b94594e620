"""Debian's Lua, Perl, SQLite and Python on the supervisor: each a script over what it asks of a system, with the output it
has under qemu-riscv64."""

from .trees import SCRIPTS, as_under_qemu, debian_tree


def test_lua(tmp_path):
    done = as_under_qemu(debian_tree("tools"), ["/usr/bin/lua5.4", str(SCRIPTS / "script.lua")], tmp_path)
    assert done.status == 5


def test_perl_forks_and_is_alarmed(tmp_path):
    done = as_under_qemu(debian_tree("tools"), ["/usr/bin/perl", str(SCRIPTS / "script.pl")], tmp_path)
    assert (done.status, done.stderr) == (7, b"to standard error\n")


def test_sqlite(tmp_path):
    script = (SCRIPTS / "script.sql").read_bytes()
    done = as_under_qemu(debian_tree("tools"), ["/usr/bin/sqlite3", "data.db"], tmp_path, stdin=script)
    lines = done.stdout.decode().splitlines()
    assert lines[:2] == ["wal", "67108864"]
    assert lines.count("ok") == 2


def test_python(tmp_path):
    done = as_under_qemu(debian_tree("python"), ["/usr/bin/python3", str(SCRIPTS / "script.py")], tmp_path)
    assert done.status == 128 + 15
    assert [line for line in done.stdout.decode().splitlines() if line.startswith("-- ")] == [
        "-- mappings", "-- processes", "-- threads", "-- programs",
    ]  # fmt: skip
