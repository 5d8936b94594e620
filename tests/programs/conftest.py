"""Those that run the C programs of this folder: the supervisor, qemu-riscv64, and the host's Linux."""

import dataclasses
import os
import platform
import resource
import subprocess
from pathlib import Path

import pytest

from .program import BUILD, ENVIRONMENT, SYSROOT, TIMEOUT_SECONDS, Program, compile_program


def no_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@dataclasses.dataclass(frozen=True)
class Outcome:
    status: int
    stdout: bytes


@pytest.fixture(scope="session")
def build_program(tmp_path_factory):
    out = tmp_path_factory.mktemp("programs")

    return lambda program, link: compile_program(program, link, out)


@pytest.fixture(scope="session")
def on_host(tmp_path_factory):
    """The program compiled for the host, on the host's Linux; skips where that is another system."""
    out = tmp_path_factory.mktemp("native")

    def run(program: Program) -> Outcome:
        if platform.system() != "Linux":
            pytest.skip("the oracle is the host's Linux")
        binary = out / program.name
        subprocess.run(["cc", "-O2", "-std=gnu17", "-static", program.source, "-o", binary, "-pthread", "-lm"], check=True)
        done = subprocess.run(
            [binary], capture_output=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS,
            env={**os.environ, **ENVIRONMENT}, preexec_fn=no_core,
        )  # fmt: skip
        return Outcome(done.returncode if done.returncode >= 0 else 128 - done.returncode, done.stdout)

    return run


@pytest.fixture(scope="session")
def on_quire():
    def run(binary: Path, options=()) -> Outcome:
        variables = [f"--env={key}={value}" for key, value in ENVIRONMENT.items()]
        done = subprocess.run(
            [BUILD / "quire", "run", "--check", f"--timeout={TIMEOUT_SECONDS}", *variables, *options, binary],
            capture_output=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS + 30,
        )  # fmt: skip
        assert done.returncode != 124, f"not at an end after {TIMEOUT_SECONDS} s; so far:\n{done.stdout.decode()}"
        assert b"quire:" not in done.stderr, done.stderr.decode()
        return Outcome(done.returncode, done.stdout)

    return run


@pytest.fixture(scope="session")
def on_qemu_user():
    def run(binary: Path) -> Outcome:
        done = subprocess.run(
            ["qemu-riscv64", "-L", SYSROOT, binary], capture_output=True, stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_SECONDS, env={**os.environ, **ENVIRONMENT}, preexec_fn=no_core,
        )  # fmt: skip
        # It ends by the guest's own signal.
        status = done.returncode if done.returncode >= 0 else 128 - done.returncode
        return Outcome(status, done.stdout)

    return run
