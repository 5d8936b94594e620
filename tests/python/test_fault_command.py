"""`quire fi`: plan, run, report and replay from the shell; its errors in one line; the report as a page; Dask."""

import contextlib
import html.parser
import json
import re
import sqlite3
import subprocess
import sys

import pytest
import quire
from quire import fi

from .test_fault_outcomes import SORT


@pytest.fixture(scope="module")
def program(compile_c):
    return compile_c(SORT)


@pytest.fixture
def command(quire_command, tmp_path):
    def run(*words, status=0):
        done = subprocess.run([quire_command, "fi", *map(str, words)], capture_output=True, text=True, cwd=tmp_path, timeout=300)
        assert done.returncode == status, done.stderr
        return done

    return run


def test_from_plan_to_replay(command, program, tmp_path):
    planned = command("plan", "c.db", "--flips", "x10,x11", "--bits", "0-2,63", "--samples", 40, "--ram", "64M", "--", program)
    assert re.match(r"40 injections of \d+ possible, \d+ instructions each; \d+ runs, \d+ left: about", planned.stdout)
    first = command("run", "c.db", "--limit", 10)
    assert "10 of 40 injections" in first.stdout and "40 injections of" in first.stderr
    assert "40 of 40 injections" in command("run", "c.db", "--workers", 2).stdout
    told = json.loads(command("report", "c.db", "--json", "--html", "c.html", "--export", "c.csv").stdout)
    assert told["done"] == told["planned"] == 40 and told["emulator_errors"] == 0
    assert sum(row["count"] for row in told["outcomes"].values()) == 40
    assert all(row["low"] <= row["share"] <= row["high"] for row in told["outcomes"].values())
    assert len((tmp_path / "c.csv").read_text().splitlines()) == 41
    again = command("replay", "c.db", 7).stdout
    with fi.Campaign.open(tmp_path / "c.db") as campaign:
        outcome = campaign.injection(7).outcome
        assert f": {outcome}" in again.splitlines()[0] and again.splitlines()[-1] == f"again: {outcome}"


def test_a_shell_at_the_injection(quire_command, command, program, tmp_path):
    command("plan", "c.db", "--fault", "x10 flip 3", "--at", "pc:main@1", "--ram", "64M", "--", program)
    done = subprocess.run([quire_command, "fi", "replay", "c.db", "1", "--shell"], cwd=tmp_path, capture_output=True, text=True, timeout=300,
                          input="before = m.harts[0].x.a0\ncase.inject()\nprint('changed', before ^ m.harts[0].x.a0, p.name)\n")
    assert "changed 8 " in done.stdout, done.stderr


def test_a_program_that_needs_something(command, compile_c, tmp_path):
    """It ends well only with its variable and its file, which is named from its directory."""
    needs = compile_c(r"""
#include <stdlib.h>
#include <unistd.h>
int main(void) { return 2 * !getenv("COLOUR") | access("here", R_OK) != 0; }
""")
    (tmp_path / "host").touch()

    def status(name, *options):
        command("plan", name, "--fault", "clock jump 1", "--at", "pc:main@1", "--ram", "64M", *options, "--", needs)
        with fi.Campaign.open(tmp_path / name) as campaign, campaign.replay(1) as case:
            case.machine.run(until=case.process.exited)
            return case.process.returncode

    given = ["--file", "host:/data/here", "--env", "COLOUR=red", "--cwd", "/data"]
    assert status("none.db") == 3 and status("all.db", *given) == 0 and status("file.db", "--file", "host:/here") == 2
    assert "HOST:GUEST" in command("plan", "c.db", "--fault", "skip", "--file", "host", "--", needs, status=2).stderr
    assert "program after --" in command("plan", "c.db", "--fault", "skip", "--env", "A=b", "--bare", needs, status=2).stderr


@pytest.mark.parametrize(("trigger", "count"), [
    ("pc:main", 1), ("pc:up@1", 1), ("insn:5,70", 2), ("syscall:write", None), ("syscall@1", 1), ("fault@-1", 1), ("every:50000", None),
    ("event:page_fault,pid=2", None), ("event:syscall_enter,nr=64@1", 1),
])
def test_triggers_as_text(command, program, trigger, count):
    planned = command("plan", "t.db", "--fault", "skip", "--at", trigger, "--ram", "64M", "--", program).stdout
    assert count is None or planned.startswith(f"{count} injections")


def test_a_bare_machine_from_the_shell(command, compile_bare, request, tmp_path):
    (tmp_path / "disk.img").write_bytes(bytes(64 << 10))
    journal = compile_bare(request.config.rootpath / "examples/faults/journal.c", "-DNO_SYNC")
    command("plan", "p.db", "--bare", journal, "--ram", "16M", "--drive", "disk.img,snapshot", "--fault", "power cut 3", "--fault", "power cut 4", "--fault", "power cut 5",
            "--at", "write:0x10003050+4", "--check", f"{request.config.rootpath}/examples/faults/check_journal.py:check")
    assert "sdc" in command("run", "p.db").stdout


@pytest.mark.parametrize(("words", "named"), [
    (["plan", "c.db"], "nothing to inject"),
    (["plan", "c.db", "--fault", "x10 flip 3"], "give one of --bare ELF, --linux KERNEL and a program"),
    (["plan", "c.db", "--fault", "x10 flip 99", "--", "PROGRAM"], "x10 has no bit 99"),
    (["plan", "c.db", "--fault", "x10 flip 3", "--at", "dawn", "--", "PROGRAM"], "'dawn' is no trigger"),
    (["plan", "c.db", "--fault", "x10 flip 3", "--at", "pc:nosuch", "--", "PROGRAM"], "no symbol 'nosuch'"),
    (["plan", "c.db", "--fault", "x10 flip 3", "--at", "insn:x", "--", "PROGRAM"], "'x' is not a number"),
    (["plan", "c.db", "--fault", "x10 flip 3", "--at", "event:cow,pid=2x", "--", "PROGRAM"], "'2x' is not a number"),
    (["plan", "c.db", "--fault", "x10 flip 3", "--at", "every:1000@2", "--", "PROGRAM"], "has no nth"),
    (["plan", "c.db", "--flips", "x", "--bits", "a-b", "--", "PROGRAM"], "is no list of bits"),
    (["plan", "c.db", "--flips", "q", "--", "PROGRAM"], "'q' is no place"),
    (["plan", "c.db", "--flips", "x", "--margin", "0.1", "--samples", "3", "--", "PROGRAM"], "not allowed with"),
    (["plan", "c.db", "--fault", "skip", "--bare", "PROGRAM", "--", "PROGRAM"], "not bare and PROGRAM"),
    (["plan"], "required: file"), (["melt"], "melt"), (["run", "c.db", "--", "PROGRAM"], "takes no program"),
    (["report", "c.db", "--export", "rows.xyz"], "rows.xyz: rows are exported as .csv or .parquet"),
    (["plan", "c.db", "--fault", "skip", "--max-insns", "1000", "--", "PROGRAM"], "has not ended after 1000 instructions"),
    (["plan", "c.db", "--fault", "skip", "--timeout", "0", "--", "PROGRAM"], "timeout=0"),
    (["plan", "c.db", "--fault", "skip", "--output-limit", "lots", "--", "PROGRAM"], "lots"),
    (["replay", "c.db", "x"], "invalid int value"), (["run", "here.db", "--workers", "0"], "one or more"),
])
def test_wrong_command_lines_say_what_is_wrong_in_one_line(command, program, words, named):
    said = command(*(program if word == "PROGRAM" else word for word in words), status=2).stderr
    assert named in said and said.startswith("quire fi: ") and len(said.splitlines()) == 1, said


def test_symbols_of_a_program_that_lies_anywhere_are_no_addresses(compile_c):
    from quire.fi.symbols import symbols_of

    text = "void f(void) {}"
    assert "f" in symbols_of(compile_c(text, "-nostdlib", "-Wl,-e,f"))
    with pytest.raises(quire.UsageError, match="position-independent: give addresses"):
        symbols_of(compile_c(text, "-nostdlib", "-shared", "-fPIC"))


@pytest.mark.parametrize(("words", "named"), [
    (["run", "."], "unable to open"), (["run", "cut.db"], "cut.db: "),
    (["run", "nowhere.db"], "nowhere.db: no such campaign"), (["report", "text.db"], "not a campaign's file"),
    (["plan", "text.db", "--fault", "skip", "--", "PROGRAM"], "exists already"), (["plan", "c.db", "--fault", "skip", "--", "/nowhere/program"], "/nowhere/program"),
    (["plan", "c.db", "--fault", "skip", "--bare", "/nowhere/elf"], "/nowhere/elf"),
])
def test_files_that_do_not_do(command, program, tmp_path, words, named):
    with contextlib.closing(sqlite3.connect(tmp_path / "cut.db")) as cut, cut:
        cut.executescript("create table meta (key, value); insert into meta values ('format', '2')")
    (tmp_path / "text.db").write_text("this is no database, whatever it is called\n" * 40)
    said = command(*(program if word == "PROGRAM" else word for word in words), status=3).stderr
    assert named in said and said.startswith("quire fi: ") and len(said.splitlines()) == 1, said


def test_without_python_it_says_so(quire_command):
    done = subprocess.run([quire_command, "fi", "run", "x"], capture_output=True, text=True, env={"QUIRE_PYTHON": "/nowhere/python"})
    assert done.returncode == 3 and "/nowhere/python" in done.stderr and "QUIRE_PYTHON" in done.stderr
    done = subprocess.run([quire_command, "fi", "run", "x"], capture_output=True, text=True, env={"QUIRE_PYTHON": "/usr/bin/python3"})
    assert done.returncode == 3 and "needs the Python package" in done.stderr and len(done.stderr.splitlines()) == 1


class Page(html.parser.HTMLParser):
    """Tags in balance, what they hold, and what is fetched from elsewhere."""

    VOID = {"meta", "path", "br"}

    def __init__(self):
        super().__init__()
        self.open, self.foreign, self.paths, self.text = [], [], 0, []

    def handle_starttag(self, tag, attributes):
        self.foreign += [value for name, value in attributes if name in ("src", "href")]
        self.paths += tag == "path"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def campaign(program, tmp_path_factory):
    path = tmp_path_factory.mktemp("campaign") / "sort <&>.db"
    with quire.Machine.supervisor(seed=1, ram="64M") as machine:
        process = machine.spawn([program])
        with fi.Campaign.plan(path, machine, process, fi.Space(fi.flips("x")), samples=150) as campaign:
            campaign.run()
            yield campaign


def test_the_report_is_a_page_of_its_own(campaign, tmp_path):
    campaign.report(tmp_path / "r.html")
    page = Page()
    text = (tmp_path / "r.html").read_text()
    page.feed(text)
    assert page.open == [] and page.foreign == []
    shown = "".join(page.text)
    assert "sort <&>.db" in shown and "150 of 150 injections" in shown
    outcomes = campaign.table().to_dict()
    assert page.paths == len(outcomes) and all(outcome in shown for outcome in outcomes)
    # A dot an injection, in the picture's bounds.
    dots = [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)h", text)]
    assert len(dots) == 150 and all(90 <= x <= 960 and 10 <= y <= 420 for x, y in dots)
    worst = next(i for i in campaign if i.outcome in ("panic", "signal"))
    assert str(worst.fault) in shown


def test_a_report_that_cannot_be_written(campaign):
    with pytest.raises(quire.FileError, match="/nowhere/r.html"):
        campaign.report("/nowhere/r.html")


def test_parquet_needs_pyarrow_and_says_so(campaign, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(quire.UsageError, match="pip install pyarrow"):
        campaign.export(tmp_path / "c.parquet")


def test_dask_comes_to_the_same_rows(campaign, program, tmp_path):
    script = tmp_path / "on_dask.py"
    script.write_text(f"""
from distributed import Client, LocalCluster
from quire import fi
import quire

if __name__ == "__main__":
    with quire.Machine.supervisor(seed=1, ram="64M") as machine:
        process = machine.spawn([{str(program)!r}])
        campaign = fi.Campaign.plan("d.db", machine, process, fi.Space(fi.flips("x")), samples=150)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster, Client(cluster) as client:
        campaign.run(executor=client.get_executor(), workers=2)
""")
    subprocess.run([sys.executable, script], check=True, cwd=tmp_path, capture_output=True, timeout=300)
    with fi.Campaign.open(tmp_path / "d.db") as other:
        assert [(str(i.fault), i.insns, i.outcome, i.run_insns) for i in other] == [
            (str(i.fault), i.insns, i.outcome, i.run_insns) for i in campaign]


@pytest.mark.parametrize(("words", "said"), [
    (["plan", "c.db", "--fault", "skip", "--", "PROGRAM"], "nothing is planned"), (["run", "c.db"], "'quire fi run' goes on"),
])
def test_what_an_interruption_leaves_is_said(words, said, monkeypatch, capsys):
    def interrupted(options):
        raise KeyboardInterrupt

    from quire.fi import command as module

    monkeypatch.setattr(module, f"_{words[0]}", interrupted)
    assert module.main(words) == 130
    assert capsys.readouterr().err == f"quire fi: interrupted; {said}\n"
