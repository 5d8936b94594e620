"""mypy --strict has nothing to say of a script that uses everything, nor of the package (Debian's mypy)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import quire

HERE = Path(__file__).parent


def mypy(tmp_path, *words):
    program = shutil.which("mypy")
    assert program, "mypy is missing: apt-get install mypy, or ./x setup test"
    package = Path(quire.__file__).parent.parent
    command = [program, "--strict", "--python-version", f"{sys.version_info.major}.{sys.version_info.minor}",
               "--cache-dir", str(tmp_path), *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=HERE, env=dict(os.environ, MYPYPATH=str(package)))


def test_a_script_that_uses_everything(tmp_path):
    done = mypy(tmp_path, "typed_use.py")
    assert done.returncode == 0, done.stdout


def test_the_package_itself(tmp_path):
    done = mypy(tmp_path, "-p", "quire")
    assert done.returncode == 0, done.stdout


def test_wrong_use_is_noticed(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text('import quire\nquire.run("x").returncode.upper()\nquire.Machine.bare(3)\n')
    done = mypy(tmp_path, str(wrong))
    assert "returncode" in done.stdout or "upper" in done.stdout
    assert "arg-type" in done.stdout and done.returncode == 1
