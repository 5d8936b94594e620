import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("QUIRE_BUILD_DIR", ROOT / "build"))


@pytest.fixture(scope="session")
def quire():
    return BUILD / "quire"


@pytest.fixture(scope="session")
def compile_guest(tmp_path_factory):
    """compile_guest(SOURCE, *flags): a riscv64 Linux program of the tree, built by the stock toolchain."""
    out = tmp_path_factory.mktemp("guest")

    def build(source: str, *flags: str) -> Path:
        program = out / Path(source).stem
        if not program.exists():
            command = ["riscv64-linux-gnu-gcc", "-O2", "-static", *flags, ROOT / source, "-o", program, "-lm"]
            subprocess.run(command, check=True)
        return program

    return build
