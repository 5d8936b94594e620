"""`quire bench` at a hundredth: every program on each system, whose results must be the host's. No time is looked at."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.suite import catalogue, command, picture, results, serving, systems

from . import debian

QUIRE = Path(os.environ.get("QUIRE_BUILD_DIR", debian.ROOT / "build")) / "quire"
SCALE = 0.01


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return systems.make_images(tmp_path_factory.mktemp("bench"))


@functools.cache
def checksums(column, images):
    with systems.COLUMNS[column].start(QUIRE, images) as server:
        return {program.name: server.measure(program.name, max(1, round(program.rounds * SCALE))).checksum
                for program in catalogue.PROGRAMS}  # fmt: skip


@pytest.mark.parametrize("column", ["jit", "interp", "supervisor"])
def test_programs_compute_what_they_compute_on_the_host(column, images):
    assert checksums(column, images) == checksums("native", images)


def test_the_table_of_programs_is_that_of_the_executable(images):
    listed = subprocess.run([images.native, "list"], check=True, capture_output=True, text=True).stdout.split()
    assert sorted(listed) == sorted([catalogue.WARM, *(program.name for program in catalogue.PROGRAMS)])
    assert len(listed) >= 25


def test_a_program_that_fails_is_named(images):
    with pytest.raises(serving.Failed, match="no program is called 'nonsense'"):
        with systems.COLUMNS["native"].start(QUIRE, images) as server:
            server.measure("nonsense", 1)


def run(*words, status=0, **environment):
    done = subprocess.run([sys.executable, "-m", "bench.suite", *words], capture_output=True, text=True, cwd=debian.ROOT,
                          env=dict(os.environ, **environment))  # fmt: skip
    assert done.returncode == status, done.stderr
    return done


def test_the_command_writes_a_table_json_and_a_picture(tmp_path):
    done = run("crc", "faults", "--scale", "0.01", "--repeat", "2", "--columns", "native,supervisor", "--build", QUIRE.parent,
               "--json", tmp_path / "r.json", "--svg", tmp_path / "r.svg")  # fmt: skip
    assert "crc" in done.stdout and "faults" in done.stdout
    found = json.loads((tmp_path / "r.json").read_text())["programs"]
    assert list(found) == ["crc", "faults"]
    assert all(len(seconds) == 2 for program in found.values() for seconds in program["seconds"].values())
    assert "<svg" in (tmp_path / "r.svg").read_text()


def test_without_qemu_its_column_stays_empty(monkeypatch):
    monkeypatch.setattr(systems, "QEMU", "qemu-that-is-not-there")
    assert "is not installed" in systems.why_not("qemu")
    assert systems.qemu_version() is None
    found = results.Results()
    found.add("jit", "crc", 1, "1")
    line = results.table(found, ["qemu", "jit"], {"qemu": "QEMU", "jit": "jit"}).splitlines()[-1]
    assert line.split() == ["crc", "-", "1.000", "-", "-"]
    assert "nothing was measured beside QEMU" in picture.svg(found)


def test_unknown_names_are_usage_errors():
    assert "no program and no class is called 'sha512'" in run("sha512", status=2).stderr
    assert "no column is called 'spike'" in run("--columns", "spike", status=2).stderr


def test_quire_hands_over():
    done = subprocess.run([QUIRE, "bench", "--list"], check=True, capture_output=True, text=True)
    assert "mandelbrot" in done.stdout


def made_up():
    found = results.Results()
    for column, boot, crc, files in (("qemu", 6, 2, 6), ("jit", 2, 2, 3), ("native", None, 1.5, 1)):
        for factor in (1, 1.25):
            if boot:
                found.add(column, "boot", boot * factor)
            found.add(column, "crc", crc * factor, "1")
            found.add(column, "files", files, "2")
    return found


def test_goals_are_ratios_or_shares_of_native_speed():
    found = made_up()
    assert results.is_met(found, "boot") is True
    assert results.is_met(found, "crc") is True  # not twice QEMU's speed, but 75% of native
    assert results.is_met(found, "files") is False
    assert results.mean_ratio(found) == pytest.approx((3 * 1 * 2) ** (1 / 3))
    text = results.table(found, ["qemu", "jit", "native"], {name: name for name in ("qemu", "jit", "native")})
    assert "below the goal" in text and "2 of 3 lines meet their goal" in text
    assert ">3.00</text>" in picture.svg(found)


def test_a_result_that_differs_is_an_error_and_no_time():
    found = results.Results()
    found.add("native", "crc", 1, "a")
    with pytest.raises(results.Differ, match="crc gives b on jit, but a on native"):
        found.add("jit", "crc", 1, "b")


def test_an_interrupt_keeps_what_was_measured(monkeypatch, capsys):
    def fake(column, options, images, into, progress, title):
        if title.startswith("2/"):
            raise KeyboardInterrupt
        into.add(column.name, "crc", 0.5, "1")

    monkeypatch.setattr(systems, "make_images", lambda folder: None)
    monkeypatch.setattr(command, "run_column", fake)
    assert command.main(["crc", "--columns", "native,jit"]) == 0
    shown = capsys.readouterr()
    assert "median of 1" in shown.out and "0.500" in shown.out
    assert "interrupted" in shown.err
