"""Every test program on three systems, and a table of what they say: `./x programs`.

    python3 -m tests.programs.systems [--links LINK...] [--no-linux] [--no-virt] [NAME...]

- the supervisor on our board (`quire run`);
- Debian's Linux on our board (`quire boot`), from an initramfs that holds the same binaries;
- the supervisor on QEMU's `virt` (`quire run --export-qemu`).

Each must say what the program's comment states, or where it states nothing what the supervisor says. Ends with 1 when
one does not.
"""

import argparse
import base64
import dataclasses
import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.boot import debian
from tests.boot.cpio import Archive
from tests.boot.machines import Images, on_quire
from .program import BUILD, ENVIRONMENT, LINKS, PROGRAMS, SYSROOT, TIMEOUT_SECONDS, compile_program

LIBRARIES = ("ld-linux-riscv64-lp64d.so.1", "libc.so.6", "libm.so.6")
# Output goes to a file, as it does on the host, and comes over the serial line in letters that no terminal changes.
INIT = """#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
$bb mount -t devtmpfs dev /dev
$bb mkdir -p /dev/pts /dev/shm /tmp /results
$bb mount -t devpts devpts /dev/pts
$bb mount -t tmpfs -o mode=1777 tmpfs /dev/shm
$bb mount -t tmpfs -o mode=1777 tmpfs /tmp
exec < /dev/null > /dev/ttyS0 2>&1
for path in /programs/*/*; do
  cd /
  $bb env -i %(environment)s $bb timeout -s KILL %(timeout)d $path > /results/out 2> /results/err
  status=$?
  for stream in out err; do
    echo "@@ $path $status $stream"
    $bb base64 /results/$stream
    echo "@@ end"
  done
done
echo "@@ all"
$bb poweroff -f
"""
# For one program, in the guest's time.
LINUX_SECONDS = 60
# The paging mode that the supervisor has.
SV39 = "no4lvl"
BROKEN = (b"Kernel panic", b"Attempted to kill init")


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    stdout: bytes
    stderr: bytes = b""


def on_supervisor(program, binary):
    variables = [f"--env={key}={value}" for key, value in ENVIRONMENT.items()]
    done = subprocess.run(
        [BUILD / "quire", "run", "--check", f"--timeout={TIMEOUT_SECONDS}", *variables, *program.options, binary],
        capture_output=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS + 30,
    )  # fmt: skip
    return Answer(done.returncode, done.stdout, done.stderr)


def linux_initramfs(binaries):
    """`binaries`: (link, host path) pairs, which are found at /programs/LINK/NAME."""
    archive = Archive().copy(debian.busybox(), "bin/busybox").node("dev/console", 5, 1)
    # Programs that start a shell or a script's interpreter.
    archive.symlink("bin/sh", "busybox")
    for folder in ("proc", "sys", "root", "etc", "usr/bin"):
        archive.directory(folder)
    if any(link == "dynamic" for link, _ in binaries):
        for name in LIBRARIES:
            archive.copy(Path(SYSROOT) / "lib" / name, f"lib/{name}")
    for link, path in binaries:
        archive.copy(path, f"programs/{link}/{path.name}")
    environment = " ".join(f"{key}={value}" for key, value in ENVIRONMENT.items())
    return archive.file("init", INIT % {"environment": environment, "timeout": LINUX_SECONDS}, 0o755).to_bytes()


def on_linux(binaries, folder):
    """{(link, name): Answer} of one boot that runs all."""
    initrd = folder / "initrd"
    initrd.write_bytes(linux_initramfs(binaries))
    answers = {}

    def scene(console):
        while True:
            console.expect(b"@@ ", BROKEN)
            words = console.expect(b"\n", BROKEN).decode().split()
            if words[0] == "all":
                break
            encoded = console.expect(b"@@ end", BROKEN).replace(b"\r", b"").replace(b"\n", b"")
            path, status, stream = Path(words[0]), int(words[1]), words[2]
            key = (path.parent.name, path.name)
            text = base64.b64decode(encoded)
            if stream == "out":
                print(f"    on Linux: {path.name} ({path.parent.name}): {status}", flush=True)
            answers[key] = Answer(status, text) if stream == "out" else dataclasses.replace(answers[key], stderr=text)

    images = Images(kernel=debian.kernel(), initrd=initrd, append=f"console=ttyS0 quiet {SV39}", ram="512M")
    on_quire(BUILD / "quire", images, scene, seconds=TIMEOUT_SECONDS * 12)
    return answers


def after_firmware(serial):
    """What came after OpenSBI's banner, whose last line is the delegation of exceptions."""
    _, _, rest = serial.replace(b"\r\n", b"\n").partition(b"Boot HART MEDELEG")
    return rest.partition(b"\n")[2].lstrip(b"\n")


def on_virt(program, binary, folder):
    variables = [f"--env={key}={value}" for key, value in ENVIRONMENT.items()]
    export = folder / f"virt-{binary.parent.name}-{program.name}"
    subprocess.run([BUILD / "quire", "run", *variables, *program.options, "--export-qemu", export, binary],
                   check=True, timeout=60, stdin=subprocess.DEVNULL, capture_output=True)  # fmt: skip
    try:
        done = subprocess.run(["sh", export / "run.sh"], capture_output=True, stdin=subprocess.DEVNULL,
                              timeout=TIMEOUT_SECONDS)  # fmt: skip
    except subprocess.TimeoutExpired as late:
        return Answer(124, after_firmware(late.stdout or b""))
    return Answer(done.returncode, after_firmware(done.stdout))


def verdict(answer, expected, excuse, merged=b""):
    """`merged`: what the other system shows of stderr in the same stream."""
    if excuse:
        return "not run"
    same = answer.status == expected.status and answer.stdout in (expected.stdout, expected.stdout + merged)
    return f"{answer.status}, same" if same else f"{answer.status}, DIFFERS"


def show_difference(title, answer, expected):
    print(f"--- {title}: status {answer.status}, expected {expected.status}")
    lines = lambda text: text.decode(errors="replace").splitlines()
    for line in difflib.unified_diff(lines(expected.stdout), lines(answer.stdout), "expected", "found", lineterm="", n=0):
        print(f"    {line}")
    if answer.stderr:
        print("    stderr: " + "\n            ".join(lines(answer.stderr)[-5:]))


def main():
    parser = argparse.ArgumentParser(description="Runs the test programs on three systems and compares.")
    parser.add_argument("--links", nargs="*", default=["static"], choices=list(LINKS))
    parser.add_argument("--no-linux", action="store_true", help="without Linux on our board")
    parser.add_argument("--no-virt", action="store_true", help="without QEMU's board")
    parser.add_argument("names", nargs="*", metavar="NAME", help="programs of tests/programs, without .c")
    options = parser.parse_args()
    known = {program.name: program for program in PROGRAMS}
    for name in options.names:
        if name not in known:
            parser.error(f"tests/programs has no {name}.c")
    chosen = [known[name] for name in options.names] or PROGRAMS
    with tempfile.TemporaryDirectory(prefix="quire-programs-") as folder:
        return 0 if compare(chosen, options, Path(folder)) else 1


def compare(programs, options, folder):
    cases = [(p, link, compile_program(p, link, folder)) for p in programs for link in options.links if link in p.links]
    theirs = {}
    if not options.no_linux:
        runnable = [(link, binary) for p, link, binary in cases if not p.no_linux]
        theirs = on_linux(runnable, folder) if runnable else {}
    rows, reasons, agree = [], [], True
    for program, link, binary in cases:
        ours = on_supervisor(program, binary)
        expected = Answer(program.status, program.stated if program.stated is not None else ours.stdout)
        cells = [verdict(ours, expected, None)]
        found = {"ours": ours}
        if not options.no_linux:
            found["Linux"] = theirs.get((link, program.name))
            cells.append(verdict(found["Linux"], expected, program.no_linux))
        if not options.no_virt:
            found["QEMU's virt"] = None if program.no_virt else on_virt(program, binary, folder)
            cells.append(verdict(found["QEMU's virt"], expected, program.no_virt, ours.stderr))
        for (title, answer), cell in zip(found.items(), cells):
            if "DIFFERS" in cell:
                agree = False
                show_difference(f"{program.name} ({link}), {title}", answer, expected)
        for where, why in (("Linux", program.no_linux), ("QEMU's virt", program.no_virt)):
            if why:
                reasons.append(f"{program.name} is not run on {where}: {why}")
        rows.append(f"{program.name:18} {link:8} " + " ".join(f"{cell:14}" for cell in cells))
        print(f"    {rows[-1]}", flush=True)
    systems = ["ours"] + ([] if options.no_linux else ["Linux"]) + ([] if options.no_virt else ["QEMU's virt"])
    print(f"\n{'program':18} {'linked':8} " + " ".join(f"{name:14}" for name in systems))
    print("\n".join(rows + sorted(set(reasons))))
    return agree


if __name__ == "__main__":
    sys.exit(main())
