"""The C programs of this folder: what their opening comments state, and how they are linked."""

import dataclasses
import os
import re
import subprocess
from pathlib import Path

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
    host's own Linux is one: what qemu-riscv64 does not pass on to it is portable C all the same. `@no-linux WHY`
    that it says something else under Linux on our board (systems.py), `@no-virt WHY` on QEMU's, and `@options`
    what else `quire run` gets.
    """

    source: Path
    status: int
    stated: bytes | None
    links: tuple[str, ...]
    no_oracle: str | None
    native: bool
    no_linux: str | None
    no_virt: str | None
    options: tuple[str, ...]

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
        no_linux=tag("no-linux"),
        no_virt=tag("no-virt"),
        options=tuple((tag("options") or "").split()),
    )


PROGRAMS = [read_program(source) for source in sorted(HERE.glob("*.c"))]


def compile_program(program: Program, link: str, folder: Path) -> Path:
    """The riscv64 binary in `folder`, made unless it is there."""
    binary = folder / link / program.name
    if not binary.exists():
        binary.parent.mkdir(exist_ok=True)
        subprocess.run(
            ["riscv64-linux-gnu-gcc", "-O2", "-std=gnu17", "-Wall", "-Werror", *LINKS[link], program.source,
             "-o", binary, "-pthread", "-lm"],
            check=True,
        )  # fmt: skip
    return binary
