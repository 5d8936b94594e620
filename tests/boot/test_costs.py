"""bench/costs.py, once each: every start and boot is there, and code memory keeps to its size. No time is compared."""

import json
import subprocess
import sys

import pytest

from bench import costs

from . import debian
from .test_bench import QUIRE


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    path = tmp_path_factory.mktemp("costs") / "costs.json"
    command = [sys.executable, "bench/costs.py", "--build", QUIRE.parent, "--repeat", "1", "--json", path]
    done = subprocess.run(command, cwd=debian.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(path.read_text()) | {"table": done.stdout}


def test_both_programs_are_started_on_every_engine(figures):
    started = [(start["program"], start["engine"]) for start in figures["starts"]]
    assert len(started) == len(set(started)) == 2 * len(costs.ENGINES)
    assert all(0 < seconds < 60 for start in figures["starts"] for seconds in start["seconds"])


def test_linux_boots_at_every_size_and_its_code_keeps_to_it(figures):
    assert [boot["code_mib"] for boot in figures["boots"]] == list(costs.CODE_MIB)
    for boot in figures["boots"]:
        engine = boot["engine"]
        assert 0 < engine["code_bytes"] <= boot["code_mib"] << 20
        assert engine["blocks_built"] > 10_000
    assert figures["boots"][-1]["engine"]["flushes"] == 0  # all of it has room


def test_the_table_has_a_line_for_each(figures):
    lines = figures["table"].splitlines()
    assert sum("true (" in line for line in lines) == len(figures["starts"])
    assert [line.split()[0] for line in lines if " MiB " in line and line[0].isdigit()] == [str(mib) for mib in costs.CODE_MIB]
