"""quire maps, walk, trace, stat, snap: the same facts as Python's, from the shell."""

import csv
import json
import subprocess

import pytest
import quire

PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv) {
  char *at = aligned_alloc(4096, 3 * 4096);
  at[0] = at[4096] = 1;
  if (fork() == 0) { at[0] = 2; _exit(0); }
  wait(0);
  printf("%p\n", at);
  return argc;
}
"""


@pytest.fixture(scope="module")
def program(compile_c):
    return compile_c(PROGRAM)


@pytest.fixture
def command(quire_command, program):
    def run(*words, status=0, run_program=True):
        words = [quire_command, *map(str, words), *([str(program), "an argument"] if run_program else [])]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120)
        assert done.returncode == status, done.stderr
        return done

    return run


@pytest.fixture(scope="module")
def same(program):
    """The machine that the commands make, at the program's end."""
    with quire.Machine.supervisor() as m:
        p = m.spawn([program, "an argument"])
        m.stdin.close()
        m.run(until=p.ending)
        yield m, p


def test_maps(command, same):
    _, p = same
    rows = json.loads(command("maps", "--json").stdout)
    assert sum(row["pages"] for row in rows) == sum(leaf.bytes // 4096 for leaf in p.mappings)
    assert all(a["end"] <= b["start"] for a, b in zip(rows, rows[1:], strict=False))
    assert "r-xp" in {row["permissions"] for row in rows} and "[stack]" in {row["name"] for row in rows}
    assert len(command("maps").stdout.splitlines()) == len(rows)
    assert command("maps", "--linux").stdout == p.maps


def test_pages_at_the_fork_are_shared(command):
    rows = json.loads(command("maps", "--pages", "--json", "--until", "syscall_exit:nr=clone").stdout)
    assert any(len(row["sharers"]) == 2 for row in rows)


def test_walk(command, same):
    m, p = same
    text = int(p.mappings[0].va)
    row, missing = json.loads(command("walk", "--va", hex(text), "--va", "0x10", "--access", "r", "--json").stdout)
    assert row["physical_address"] == p.walk(text).physical_address and len(row["steps"]) == len(p.walk(text).steps)
    assert missing["fault"] == "load page fault"
    assert "physical address" in command("walk", "--va", text).stdout


def test_walk_to_a_symbol(command, same):
    _, p = same
    row = json.loads(command("walk", "--va", "main", "--access", "x", "--json").stdout)[0]
    assert row["va"] == p.symbol("main") and row["physical_address"] == p.walk(row["va"], "x").physical_address
    said = command("walk", "--va", "nosuch", status=2).stderr.splitlines()[-1]
    assert "--va nosuch" in said and "number" in said and "symbol" in said


def test_trace(command, same):
    m, _ = same
    rows = json.loads(command("trace", "--events", "page_fault,cow", "--json").stdout)
    assert sum(row["event"] == "page_fault" for row in rows) == m.stats.events["page_fault"]
    assert sum(row["event"] == "cow" for row in rows) == m.stats.events["cow"] > 0
    lines = command("trace", "--events", "syscall").stdout.splitlines()
    assert any("syscall_enter" in line and "nr=write" in line for line in lines)
    assert "further events" in command("trace", "--events", "insn", "--limit", "10").stderr


def test_trace_into_a_file(command, tmp_path):
    events = ["--events", "page_fault,cow"]
    told = json.loads(command("trace", *events, "--json").stdout)
    for name in ("trace.csv", "trace.json", "trace.pftrace"):
        assert command("trace", *events, "-o", tmp_path / name).stdout == ""
    with (tmp_path / "trace.csv").open(newline="") as file:
        assert [(int(row["icount"]), row["event"], int(row["va"])) for row in csv.DictReader(file)] == [
            (row["icount"], row["event"], row["va"]) for row in told]
    instants = [event for event in json.loads((tmp_path / "trace.json").read_text())["traceEvents"] if event["ph"] == "i"]
    assert len(instants) == len(told)
    assert b"page_fault" in (tmp_path / "trace.pftrace").read_bytes()
    assert "/nowhere/a.csv" in command("trace", "-o", "/nowhere/a.csv", status=3).stderr


def test_stat(command, same):
    m, _ = same
    rows = {row["name"]: row["value"] for row in json.loads(command("stat", "--json").stdout)}
    assert rows["icount"] == m.icount and rows["digest"] == m.digest and rows["tlb.hits"] is None
    assert "not counted" in command("stat").stdout
    limited = json.loads(command("stat", "--json", "--after", "1000").stdout)
    assert limited[0]["value"] < m.icount


def test_snap(command, same, tmp_path):
    m, _ = same
    first = tmp_path / "first.qs"
    command("snap", "-o", first, "--until", "fork")
    assert quire.Snapshot.load(first).icount < m.icount
    row = json.loads(command("snap", "--diff", first, "--json").stdout)[0]
    assert row["digest"] == m.digest and len(row["memory"]) > 3 and "pc" in row["values"]
    assert "bytes differ" in command("snap", "--diff", first).stdout


def test_a_moment_that_does_not_come_is_said(command):
    assert "--until signal did not come" in command("stat", "--until", "signal").stderr
    assert "did not come" in command("maps", "--until", "fork", "--after", "1000").stderr
    for came in (["--until", "fork"], ["--until", "exit"], []):
        assert "did not come" not in command("stat", *came).stderr


def test_programs_are_given_what_run_gives_them(command, compile_c, tmp_path):
    """Environment, files, directories: the program reports what it found by its status, and stat by its digest."""
    teller = compile_c(r"""
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
int main(void) {
  int found = getenv("COLOUR") != 0;
  found |= (access("/data/file", R_OK) == 0) << 1 | (access("/shared/there", R_OK) == 0) << 2 | (access("here", R_OK) == 0) << 3;
  for (int i = 0; i < found; i++) getppid();
  return 0;
}
""")
    (tmp_path / "file").write_text("x")
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir/there").touch()

    def calls(*words):
        rows = json.loads(command("trace", "--json", "--events", "syscall_enter", *words, teller, run_program=False).stdout)
        return sum(row["nr"] == "getppid" for row in rows)

    assert calls() == 0 and calls("--env", "COLOUR=red") == 1
    assert calls("--file", f"{tmp_path}/file:/data/file") == 2
    assert calls("--share", f"{tmp_path}/dir:/shared") == 4
    assert calls("--share", f"{tmp_path}/dir:/shared", "--file", f"{tmp_path}/file:/data/here", "--cwd", "/data") == 12
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin/teller").write_bytes(teller.read_bytes())
    (root / "bin/teller").chmod(0o755)
    (root / "here").touch()
    done = command("trace", "--json", "--events", "syscall_enter", "--root", root, "--env", "COLOUR=x", "/bin/teller", run_program=False)
    assert sum(row["nr"] == "getppid" for row in json.loads(done.stdout)) == 9


@pytest.mark.parametrize(("words", "status", "parts"), [
    (["maps", "--env", "COLOUR", "/none"], 2, ["--env COLOUR", "K=V"]),
    (["stat", "--file", "here", "/none"], 2, ["--file here", "HOST:GUEST"]),
    (["walk", "--va", "0", "--share", "/tmp", "/none"], 2, ["/tmp", "HOST:GUEST"]),
    (["trace", "--root", "/nowhere", "/none"], 3, ["/nowhere"]),
    (["maps"], 2, ["PROGRAM", "quire maps --help"]),
    (["walk", "/none"], 2, ["--va"]),
    (["trace", "-o", "trace.txt", "/none"], 2, ["trace.txt", ".pftrace", ".csv"]),
    (["trace", "--events", "nothing", "/none"], 2, ["nothing"]),
    (["stat", "/none"], 3, ["/none"]),
    (["stat", "--until", "nothing", "/none"], 3, ["/none"]),
    (["snap", "/none"], 2, ["-o FILE"]),
    (["snap", "--diff", "/none", "/none"], 3, ["/none"]),
    (["stat", "--ram", "lots", "/none"], 2, ["lots"]),
])
def test_misuse(words, status, parts, command):
    done = command(*words, status=status, run_program=False)
    assert done.stderr.startswith("quire: ") and done.stderr.count("\n") == 1
    for part in parts:
        assert part in done.stderr
