"""Same command, same seed: same execution, bit for bit, however the run is cut into pieces."""

import json
import subprocess

import pytest

SOURCES = ["tests/programs/fork200.c", "tests/programs/doubles.c"]


def run(quire, program, tmp_path, *options):
    report = tmp_path / "report.json"
    done = subprocess.run(
        [quire, "run", "--digest", f"--json={report}", *options, program], capture_output=True, timeout=300
    )
    return done, json.loads(report.read_text())


@pytest.mark.parametrize("source", SOURCES)
def test_three_runs_have_one_digest(source, quire, compile_guest, tmp_path):
    program = compile_guest(source)
    reports = []
    for _ in range(3):
        done, report = run(quire, program, tmp_path, "--seed", "5")
        assert done.returncode == 0, done.stderr
        reports.append((report["digest"], report["icount"], done.stdout))
    assert reports[0] == reports[1] == reports[2]


def test_another_seed_gives_another_digest(quire, compile_guest, tmp_path):
    program = compile_guest(SOURCES[1])
    digests = {run(quire, program, tmp_path, "--seed", str(seed))[1]["digest"] for seed in (0, 1)}
    assert len(digests) == 2


@pytest.mark.parametrize("count", [1, 2, 999, 1_000_003, 5_000_001])
def test_stops_at_exactly_the_count(count, quire, compile_guest, tmp_path):
    program = compile_guest(SOURCES[0])
    done, report = run(quire, program, tmp_path, "--max-insns", str(count))
    assert done.returncode == 124
    assert report["origin"] == "limit"
    assert report["icount"] == count


def test_observers_change_nothing(quire, compile_guest, tmp_path):
    """Recording, counting and tracing system calls leave the execution as it is."""
    program = compile_guest(SOURCES[0])
    plain, report = run(quire, program, tmp_path)
    traced, watched = run(quire, program, tmp_path, "--strace", "--stats")
    assert (report["digest"], report["icount"]) == (watched["digest"], watched["icount"])
    assert plain.stdout == traced.stdout
    assert traced.stderr.count(b"clone") >= 200
