"""The installed package, in a fresh environment and away from the source tree: `./x wheel` makes both and runs this."""

import json
import os
import resource
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
ENV = os.environ.get("QUIRE_WHEEL_ENV")
pytestmark = pytest.mark.skipif(ENV is None, reason="needs an installed wheel: ./x wheel makes one and runs these")

PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
long counter = 40;
int main(void) {
  volatile char *at = malloc(100 * 4096);
  for (int i = 0; i < 100; i++) at[i * 4096] = i;
  *(volatile long *)&counter = 41;
  puts("done");
  return 0;
}
"""


@pytest.fixture
def away(tmp_path):
    """away(WORDS...): runs a command in an empty folder, with nothing of the source tree in its environment."""
    env = {"PATH": f"{ENV}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8"}

    def run(*words, status=0):
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300, cwd=tmp_path, env=env)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    out = tmp_path_factory.mktemp("program") / "program"
    subprocess.run(["riscv64-linux-gnu-gcc", "-O2", "-static", "-x", "c", "-", "-o", out], input=PROGRAM.encode(), check=True)
    return out


def python(words):
    return [f"{ENV}/bin/python", *words]


def test_what_the_wheel_holds():
    [wheel] = (ROOT / "dist").glob("quire-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
    for wanted in ("quire/py.typed", "quire/_core.pyi", "quire/fi/__init__.py", "quire/device.py"):
        assert wanted in names, wanted
    assert any(name.startswith("quire/_core.") and name.endswith(".so") for name in names)
    assert any(name.endswith(".data/scripts/quire") for name in names)
    strays = [name for name in names if "test" in name or name.endswith((".cpp", ".h", ".a", ".pyc"))]
    assert not strays
    assert wheel.stat().st_size < 8e6


def test_the_source_distribution_builds_without_the_tests():
    [sdist] = (ROOT / "dist").glob("quire-*.tar.gz")
    names = subprocess.run(["tar", "-tzf", sdist], capture_output=True, text=True, check=True).stdout.split()
    below = {name.partition("/")[2] for name in names}
    assert {"CMakeLists.txt", "guest/CMakeLists.txt", "python/bindings/module.cpp", "include/quire/machine.h", "README.md"} <= below
    assert not [name for name in below if name.startswith(("tests/", "bench/", "build", ".cache"))]


def test_it_is_the_installed_one(away):
    out = away(*python(["-c", "import quire; print(quire.__file__, quire._core.has_supervisor())"]))
    assert out.startswith(f"{ENV}/lib") and out.endswith("True\n")


def test_importing_it_is_quick(away):
    """Under 0.1 s of processor time, the interpreter's own start apart; the best of several, as hosts are busy."""

    def seconds(code):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        away(*python(["-c", code]))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    took = min(seconds("import quire") for _ in range(7)) - min(seconds("pass") for _ in range(7))
    print(f"import quire: {took * 1000:.0f} ms")
    assert took < 0.1


def test_importing_it_takes_no_optional_package_along(away):
    out = away(*python(["-c", "import quire, sys; print(*sorted(sys.modules))"]))
    for name in ("numpy", "pandas", "pyarrow", "matplotlib", "sqlite3", "asyncio", "multiprocessing", "concurrent.futures.process"):
        assert name not in out.split(), name


def test_the_command(away, program):
    assert "supervisor inside" in away("quire", "doctor")
    assert away("quire", "run", program) == "done\n"
    assert "icount" in away("quire", "stat", "--json", program), "a command of the package"
    assert json.loads(away("quire", "maps", "--json", program))


def test_types(away, tmp_path):
    """A type checker of the user's finds the annotations: py.typed is there."""
    mypy = shutil.which("mypy")
    assert mypy, "mypy is missing: apt-get install mypy, or ./x setup test"
    script = tmp_path / "use.py"
    script.write_text("import quire\nr = quire.run('x')\nreveal_type(r.returncode)\n")
    assert 'Revealed type is "builtins.int"' in away(mypy, "--strict", "--python-executable", f"{ENV}/bin/python", script)


def test_the_demo(away, tmp_path):
    program = tmp_path / "vmdemo"
    source = ROOT / "guest/programs/demo/vmdemo.c"
    subprocess.run(["riscv64-linux-gnu-gcc", "-O2", "-static", source, "-o", program], check=True)
    shutil.copy(EXAMPLES / "demo.py", tmp_path)
    assert "Copies on write" in away(*python(["demo.py", program]))


@pytest.mark.parametrize("example", sorted(path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py")
                                           if path.name not in ("demo.py", "check_journal.py", "check_saved.py")))
def test_examples(away, tmp_path, program, example):
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    symbols = subprocess.run(["riscv64-linux-gnu-nm", program], capture_output=True, text=True, check=True).stdout
    counter = next(line.split()[0] for line in symbols.splitlines() if line.endswith(" counter"))
    words = {"faults/page_tables.py": ["40"], "devices/crc_engine.py": [], "watch_memory.py": [program, f"0x{counter}"]}
    assert away(*python([f"examples/{example}", *words.get(example, [program])]))


@pytest.mark.parametrize("notebook", sorted(path.name for path in EXAMPLES.glob("notebooks/*.ipynb")))
def test_notebooks(away, tmp_path, notebook):
    """Their code as a script: a fresh environment has no Jupyter."""
    cells = json.loads((EXAMPLES / "notebooks" / notebook).read_text())["cells"]
    script = tmp_path / "notebook.py"
    script.write_text("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"))
    away(*python([script]))


if __name__ == "__main__":
    sys.exit("run ./x wheel")
