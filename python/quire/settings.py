"""Settings of a machine, checked and brought into the form in which the native side takes them.

The texts are those of the `quire` command, so that what works there works here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import _core
from .checks import count, text_of, wrong
from .device import Device, device_plans
from .errors import FileError, UsageError
from .snapshot import StrPath

Tlb = str | Mapping[str, int | str] | None
Screen = str | tuple[int, int] | None
Drives = Sequence[StrPath]
Shares = Sequence[str] | Mapping[str, StrPath]


def path_of(name: str, value: Any) -> str:
    """A path as text; any bytes that the host allows in one survive."""
    try:
        return os.fsdecode(value)
    except TypeError:
        raise wrong(name, value, "a path") from None


def size_text(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise wrong(name, value, 'a size such as "256M", or bytes')
    return str(value)


def tlb_text(tlb: Tlb) -> str:
    """A geometry: text, a mapping, or nothing."""
    if tlb is None or isinstance(tlb, str):
        return tlb or ""
    if not isinstance(tlb, Mapping):
        raise wrong("tlb", tlb, '"entries=64,ways=4,policy=lru" or a mapping')
    return ",".join(f"{key}={value}" for key, value in tlb.items())


def screen_text(screen: Screen) -> str:
    """A screen: "1024x768", (1024, 768), or nothing."""
    if screen is None or isinstance(screen, str):
        return screen or ""
    if not isinstance(screen, (tuple, list)):
        raise wrong("screen", screen, '"1024x768" or (1024, 768)')
    return "x".join(str(side) for side in screen)


def _each(name: str, values: Any, convert: Callable[[Any], str]) -> list[str]:
    if isinstance(values, (str, bytes, os.PathLike)) or not isinstance(values, Sequence):
        raise wrong(name, values, "a list of them")
    return [convert(value) for value in values]


def drive_texts(drives: Drives) -> list[str]:
    return _each("drives", drives, lambda drive: path_of("drives", drive))


def _path_part(path: StrPath) -> str:
    return path_of("shares", path).replace(",", ",,")


def tagged_shares(shares: Shares) -> list[str]:
    """{"tag": directory}, read-only, or texts "DIR,tag=NAME[,rw]"."""
    if isinstance(shares, Mapping):
        return [f"{_path_part(path)},tag={text_of('shares', tag)}" for tag, path in shares.items()]
    return _each("shares", shares, lambda share: text_of("shares", share))


def mounted_shares(shares: Shares) -> list[str]:
    """{"/guest/path": directory}, read-only, or texts "HOST:GUEST[:rw]"."""
    if isinstance(shares, Mapping):
        return [f"{path_of('shares', path)}:{text_of('shares', guest)}:ro" for guest, path in shares.items()]
    return _each("shares", shares, lambda share: text_of("shares", share))


def setup(*, ram: str | int, tlb: Tlb, isa: str, seed: int, drives: Drives = (), shares: Shares = (),
          net: str = "none", screen: Screen = None, output_limit: str | int,
          engine: str = "", devices: Sequence[Device] = ()) -> _core.Setup:
    return _core.Setup(size_text("ram", ram), tlb_text(tlb), text_of("isa", isa), count(seed, "seed"),
                       drive_texts(drives), tagged_shares(shares), text_of("net", net), screen_text(screen),
                       size_text("output_limit", output_limit), text_of("engine", engine), device_plans(devices))


def image_of(name: str, path: StrPath) -> tuple[bytes, str]:
    """A file's contents, and its path for messages."""
    text = path_of(name, path)
    try:
        image = Path(text).read_bytes()
    except OSError as error:
        raise FileError(f"{text}: {error.strerror}; check the path") from None
    if not image:
        raise FileError(f"{text}: the file is empty; give an ELF program" if name == "program" else
                        f"{text}: the file is empty; check {name}=")
    return image, text


def program_of(argv: Sequence[StrPath], env: Mapping[str, str] | None, cwd: str,
               files: Mapping[str, StrPath] | None) -> _core.Program:
    """`files` maps a path in the guest to the host's file that it shall have."""
    if isinstance(argv, (str, bytes)) or not isinstance(argv, Sequence) or not argv:
        raise UsageError(f"{argv!r} is no program to run: give a list, its path on the host, then its arguments")
    for name, value in (("env", env), ("files", files)):
        if value is not None and not isinstance(value, Mapping):
            raise wrong(name, value, "a mapping")
    words = [_word(word) for word in argv]
    variables = [os.fsencode(f"{key}={value}") for key, value in (env or {}).items()]
    pairs = [(_word(host), _word(guest)) for guest, host in (files or {}).items()]
    return _core.Program(words[0], words[1:], variables, _word(cwd), pairs)


def host_files(argv: Sequence[StrPath], files: Mapping[str, StrPath] | None, root: str) -> dict[str, str]:
    """Files of the host by their paths in the guest. With a root of the host's, programs are in it."""
    directory = root.removesuffix(":rw")
    program = os.fsdecode(argv[0])
    if directory:
        return {program: os.path.join(directory, program.lstrip("/"))}
    given = {os.fsdecode(guest): os.fsdecode(host) for guest, host in (files or {}).items()}
    return given | {os.path.abspath(program): os.path.abspath(program)}


def _word(value: Any) -> bytes:
    try:
        return os.fsencode(value)
    except TypeError:
        raise UsageError(f"{value!r} is a {type(value).__name__}; programs take text: write {str(value)!r}") from None


__all__ = ["Drives", "Screen", "Shares", "Tlb", "host_files", "image_of", "mounted_shares", "path_of", "program_of", "setup"]
