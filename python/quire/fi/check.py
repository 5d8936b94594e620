"""Judging a disk: what looks at a machine's drives and says what is left of what was promised.

Either a command of the host's, in which `{disk}` stands for an image of the first drive, `{disk1}` of the second, and
`{output}` for a file of what the machine had said on its console by then; its exit status is the verdict, and its last line
of output is kept as the detail. Or `FILE.py:FUNCTION`, which is called with the machine, must leave it as it is, and
returns both. Verdicts: 0 all is well (masked), 1 it had to be repaired and nothing was lost (latent), 2 it is damaged and
shows it (detected), 3 what was promised is wrong or gone and nothing shows it (sdc). Any other status, and a check that
cannot be run, is an error of the campaign's.
"""

from __future__ import annotations

import functools
import os
import re
import runpy
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Error, FileError, UsageError

if TYPE_CHECKING:
    from ..machine import Machine

VERDICTS = {0: "masked", 1: "latent", 2: "detected", 3: "sdc"}
_TIMEOUT_SECONDS = 300
#: What stands for a file; other braces are the command's own.
_NAME = re.compile(r"\{(disk[0-9]*|output)\}")


def check_command(command: str) -> str:
    """As workers take it, wherever they run; UsageError for what cannot be a check."""
    if not isinstance(command, str):
        raise UsageError(f"check={command!r} is a text: a command, or FILE.py:FUNCTION, so that other processes can use it")
    if (named := _function_of(command)) is not None:
        path = os.path.abspath(named[0])
        _load(path, named[1])
        return f"{path}:{named[1]}"
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"check={command!r} is no command: {error}") from None
    if not any(name.startswith("disk") for word in words for name in _NAME.findall(word)):
        raise UsageError(f"check={command!r} names no disk: '{{disk}}' in it stands for the image of the first drive "
                         "({disk1} of the second)")
    return command


def _function_of(command: str) -> tuple[str, str] | None:
    path, colon, name = command.rpartition(":")
    return (path, name) if colon and path.endswith(".py") and name.isidentifier() else None


@functools.cache
def _load(path: str, name: str) -> Callable[..., Any]:
    try:
        found = runpy.run_path(path).get(name)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}; check the path of the check") from None
    if not callable(found):
        raise UsageError(f"{path} has no function '{name}' to check with")
    check: Callable[..., Any] = found
    return check


def judge(machine: Machine, command: str) -> tuple[str, str]:
    """(verdict, detail) of the machine's drives as they are now."""
    named = _function_of(command)
    status, detail = _load(*named)(machine) if named is not None else _run(machine, command)
    if status not in VERDICTS:
        raise Error(f"the check '{command.split()[0]}' ended with status {status}, which is no verdict "
                    f"(0 well, 1 repaired, 2 damaged, 3 wrong unnoticed): {detail}")
    return VERDICTS[status], detail


def _file_of(names: dict[str, str], found: re.Match[str]) -> str:
    if found[1] not in names:
        raise UsageError(f"the check names {found[0]}, and the machine has {', '.join('{' + name + '}' for name in names)}")
    return names[found[1]]


def _run(machine: Machine, command: str) -> tuple[int, str]:
    with tempfile.TemporaryDirectory(prefix="quire-fi-") as folder:
        names = {}
        for drive in machine.drives:
            path = Path(folder) / f"disk{drive.number}.img"
            drive.save(path)
            names[f"disk{drive.number}"] = str(path)
        names["disk"] = names["disk0"]
        said = Path(folder) / "output"
        said.write_bytes(machine.stdout.getvalue() + machine.kernel_log.getvalue())
        names["output"] = str(said)
        words = [_NAME.sub(functools.partial(_file_of, names), word) for word in shlex.split(command)]
        try:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_SECONDS,
                                  check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Error(f"the check '{words[0]}' cannot be run: {error}") from None
    lines = (done.stdout + done.stderr).strip().splitlines()
    return done.returncode, lines[-1] if lines else ""


__all__ = ["VERDICTS", "check_command", "judge"]
