"""Random memory calls answer as the host's Linux answers them: the same program, natively and on the supervisor."""

import platform
import subprocess

import pytest
from .conftest import ROOT

SOURCE = "tests/system/memory_calls.c"
STEPS = 1500
# MADV_POPULATE_* and MREMAP_DONTUNMAP of shared memory came with this one.
OLDEST_LINUX = (5, 14)


def host_linux():
    if platform.system() != "Linux" or not platform.release()[:1].isdigit():
        return None
    return tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    linux = host_linux()
    if linux is None or linux < OLDEST_LINUX:
        pytest.skip(f"the oracle is the host's kernel: Linux {OLDEST_LINUX[0]}.{OLDEST_LINUX[1]} or newer")
    program = tmp_path_factory.mktemp("native") / "memory_calls"
    subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-o", program, SOURCE], check=True, cwd=ROOT)
    return program


@pytest.mark.parametrize("seed", range(1, 7))
def test_transcript_is_that_of_linux(seed, native, quire, compile_guest):
    arguments = [str(seed), str(STEPS)]
    theirs = subprocess.run([native, *arguments], capture_output=True, check=True, timeout=60)
    ours = subprocess.run(
        [quire, "run", compile_guest(SOURCE), *arguments], capture_output=True, timeout=300
    )
    assert ours.returncode == 0, ours.stderr.decode()
    assert ours.stdout.decode().splitlines() == theirs.stdout.decode().splitlines()
