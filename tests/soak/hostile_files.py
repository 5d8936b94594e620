"""Malformed ELF files and scripts through execve (exec_files.c), made of three good programs in the guest itself."""

import re
from pathlib import Path

from . import machine

VICTIMS = {
    "static": ["-DFREESTANDING", "-static", "-nostdlib", "-ffreestanding"],
    "pie": ["-pie", "-fPIE"],
    "dynamic": ["-no-pie", "-fno-pie"],
}
MAX_INSNS_A_FILE = 4_000_000  # ten times the mean


def hostile_files(out: Path, seeds, count: int, say=lambda text: None) -> tuple[int, list[str]]:
    """Returns how many files were executed, and all that went wrong."""
    # Dynamically linked, so that the C library it needs is there for the victims.
    program = machine.compile_program("exec_files", out, "-pie", "-fPIE")
    options, paths = [], []
    for name, flags in VICTIMS.items():
        folder = out / name
        folder.mkdir(exist_ok=True)
        victim = machine.compile_program("victim", folder, *flags)
        options += ["--file", f"{victim}:/victims/{name}"]
        paths.append(f"/victims/{name}")
    executed, complaints = 0, []
    for seed in seeds:
        run = machine.run(program, str(seed), str(count), *paths, options=options,
                          max_insns=20_000_000 + count * MAX_INSNS_A_FILE)  # fmt: skip
        complaint = run.complaint()
        summary = re.search(rf"^{count} files: .*$", run.out, re.M)
        if complaint is None and (run.status != 0 or not summary):
            complaint = f"it ended with {run.status}: {' '.join(run.command)}\n{run.out}\n{run.err}"
        if complaint:
            complaints.append(complaint)
            say(complaint)
            continue
        executed += count
        say(f"  seed {seed}: {summary.group()}")
    return executed, complaints
