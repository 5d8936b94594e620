"""The C programs of this folder: their stated expectations, how they are linked, and the two that run them."""

import dataclasses
import os
import platform
import re
import resource
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = Path(os.environ.get("QUIRE_BUILD_DIR", ROOT / "build"))
SYSROOT = "/usr/riscv64-linux-gnu"
# No static PIE: Debian 12's C library for riscv64 has no rcrt1.o. Debian 13's ldconfig is one (tests/debian).
LINKS = {"static": ["-static"], "dynamic": ["-pie", "-fPIE"]}
# The same for both sides, so that what a program prints of it is comparable.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/root", "LC_ALL": "C"}
TIMEOUT_SECONDS = 300


@dataclasses.dataclass(frozen=True)
class Program:
    """What a program's opening comment says of it.

    `@status N` is the exit status (0 where absent), `> TEXT` a line of its output, `@links A B` the ways of
    linking it where not both, `@no-qemu-user WHY` that qemu-riscv64 is no oracle for it, and `@native` that the
    host's own Linux is one: what qemu-riscv64 does not pass on to it is portable C all the same.
    """

    source: Path
    status: int
    stated: bytes | None
    links: tuple[str, ...]
    no_oracle: str | None
    native: bool

    @property
    def name(self):
        return self.source.stem


def read_program(source: Path) -> Program:
    opening = []
    for line in source.read_text().splitlines():
        if not line.startswith("//"):
            break
        opening.append(line)
    text = "\n".join(opening)
    tag = lambda name: next(iter(re.findall(rf"^// @{name} (.*)$", text, re.M)), None)
    lines = re.findall(r"^// > ?(.*)$", text, re.M)
    return Program(
        source=source,
        status=int(tag("status") or 0),
        stated="".join(f"{line}\n" for line in lines).encode() if lines else None,
        links=tuple((tag("links") or " ".join(LINKS)).split()),
        no_oracle=tag("no-qemu-user"),
        native=re.search(r"^// @native$", text, re.M) is not None,
    )


PROGRAMS = [read_program(source) for source in sorted(HERE.glob("*.c"))]


def no_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@dataclasses.dataclass(frozen=True)
class Outcome:
    status: int
    stdout: bytes


@pytest.fixture(scope="session")
def build_program(tmp_path_factory):
    out = tmp_path_factory.mktemp("programs")

    def build(program: Program, link: str) -> Path:
        binary = out / link / program.name
        if not binary.exists():
            binary.parent.mkdir(exist_ok=True)
            subprocess.run(
                ["riscv64-linux-gnu-gcc", "-O2", "-std=gnu17", "-Wall", "-Werror", *LINKS[link], program.source,
                 "-o", binary, "-pthread", "-lm"],
                check=True,
            )  # fmt: skip
        return binary

    return build


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
    def run(binary: Path) -> Outcome:
        variables = [f"--env={key}={value}" for key, value in ENVIRONMENT.items()]
        done = subprocess.run(
            [BUILD / "quire", "run", "--check", f"--timeout={TIMEOUT_SECONDS}", *variables, binary],
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
