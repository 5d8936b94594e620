"""The main job, whole: what it prints comes from the machine, and agrees with itself."""

import re
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo.py"


def test_demo_shows_the_main_job():
    done = subprocess.run([sys.executable, str(DEMO)], capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, done.stderr
    text = done.stdout
    assert "vmdemo: all steps held" in text
    for kind in ("anon", "file_minor", "cow_copy", "mkwrite"):
        assert re.search(rf"^  {kind} +0x[0-9a-f]+", text, re.MULTILINE), kind
    before = int(re.search(r"before the writes: (\d+) pages", text)[1])
    still, copied = map(int, re.search(r"after: (\d+) of them still do, (\d+) lead to two", text).groups())
    assert before == still + copied and still > 0 and copied > 0
    assert text.count(" (both)") == before and len(re.findall(r" copied(?: |$)", text, re.MULTILINE)) == copied
    private = re.search(r"private page at (0x[0-9a-f]+)", text)[1]
    row = next(line for line in text.splitlines() if line.endswith("<- the private page"))
    assert private in row
    frame_before, parent_after, child_after = re.search(r"(0x\w+) \(both\) +(0x\w+) +(0x\w+)", row).groups()
    assert frame_before == child_after != parent_after
    physical = re.search(r"physical address (0x[0-9a-f]+)", text)[1]
    assert int(physical, 16) >> 12 == int(parent_after, 16)


def test_demo_refuses_a_missing_program():
    done = subprocess.run([sys.executable, str(DEMO), "/nonexistent"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("demo: ") and "/nonexistent" in done.stderr and done.stderr.count("\n") == 1
