"""Includes point downward only: the layers of docs/architecture, held against every #include."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# A folder, and the folders it may include from besides itself. Public headers of include/quire are
# written apart: arch/ may be included by everything, the rest by what stands beside or above it.
BASE = {"emu/base"}
MEM = BASE | {"emu/mem"}
ISA = BASE | {"emu/isa"}
HART = MEM | ISA | {"emu/hart"}
BLOCK = HART | {"emu/block"}
INTERP = BLOCK | {"emu/interp"}
JIT = BLOCK | {"emu/jit"}
DEVICES = MEM | {"emu/devices"}
MACHINE = INTERP | JIT | DEVICES | {"emu/machine"}
GUEST_ORDER = ["lib", "hal", "mem", "sched", "drivers", "fs", "net", "vm", "proc", "syscall", "init"]

EMULATOR = {
    "emu/base": BASE,
    "emu/isa": ISA,
    "emu/mem": MEM,
    "emu/hart": HART,
    "emu/block": BLOCK,
    "emu/interp": INTERP,
    "emu/jit": JIT,
    "emu/devices": DEVICES,
    "emu/machine": MACHINE,
    "emu/launch": MACHINE | {"emu/launch"},
    "emu/debug": {"emu/debug"},
    "emu/cli": {"emu/cli", "emu/debug"},
    "python/bindings": {"python/bindings"},
}
GUEST = {
    f"guest/{name}": {f"guest/{below}" for below in GUEST_ORDER[: place + 1]}
    for place, name in enumerate(GUEST_ORDER)
}
PUBLIC = "include/quire"
ARCH = "include/quire/arch"

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
SUFFIXES = {".h", ".cpp", ".inc", ".S"}


def resolve(file: Path, include: str) -> Path | None:
    """The file of this tree that an include names, or None when it is not ours."""
    for base in (ROOT / "include", ROOT, ROOT / "guest", file.parent):
        candidate = (base / include).resolve()
        if candidate.is_file() and candidate.is_relative_to(ROOT):
            return candidate.relative_to(ROOT)
    return None


def allowed(place: str, target: str) -> bool:
    if target.startswith(ARCH + "/"):
        return True
    if place == ARCH:
        return False
    if target.startswith(PUBLIC + "/"):
        return not place.startswith("guest/")
    if place == PUBLIC:
        return False
    layers = EMULATOR.get(place) or GUEST.get(place)
    assert layers is not None, f"{place} is in no layer"
    return any(target.startswith(layer + "/") for layer in layers)


def place_of(path: Path) -> str:
    text = str(path)
    if text.startswith(ARCH + "/"):
        return ARCH
    if text.startswith(PUBLIC + "/"):
        return PUBLIC
    return "/".join(path.parts[:2])


def sources():
    for top in ("include", "emu", "guest", "python/bindings"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                relative = path.relative_to(ROOT)
                if relative.parts[:2] not in {("guest", "programs"), ("guest", "vdso")}:
                    yield relative


@pytest.mark.parametrize("path", list(sources()), ids=str)
def test_includes_point_downward(path):
    for include in INCLUDE.findall((ROOT / path).read_text()):
        target = resolve(ROOT / path, include)
        if target is not None:
            assert allowed(place_of(path), str(target)), f"{path} includes {target}, which lies above it"


def test_the_rule_can_fail():
    assert not allowed("emu/devices", "emu/hart/state.h")
    assert not allowed("emu/mem", "emu/machine/machine.h")
    assert not allowed("guest/lib", "guest/vm/vma.h")
    assert not allowed("emu/cli", "emu/machine/impl.h")
    assert not allowed(ARCH, "include/quire/machine.h")
