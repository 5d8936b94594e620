"""/proc/PID/smaps of a dozen programs on the supervisor and under Debian's Linux on the same board: `./x maps`.

    python3 -m tests.system.maps [NAME...]

Both have the same files in an initramfs, and Sv39. Compared is every line of every mapping, in order; not compared are
addresses (but their differences, which the sizes are), device and inode numbers. Ends with 1 when something differs.
"""

import argparse
import base64
import dataclasses
import difflib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.boot import debian
from tests.boot.cpio import Archive
from tests.boot.machines import Images, on_quire
from tests.debian import trees

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("QUIRE_BUILD_DIR", ROOT / "build"))
SOURCE = ROOT / "tests/system/mapped.c"
SYSROOT = Path("/usr/riscv64-linux-gnu")
ENVIRONMENT = ["PATH=/usr/bin", "HOME=/root", "LC_ALL=C", "PYTHONHASHSEED=0", "PYTHONDONTWRITEBYTECODE=1"]
SECONDS = 600

PACKAGES = ("bash coreutils dash gawk grep libacl1 libattr1 libc6 libgmp10 libmpfr6 libpcre2-8-0 libreadline8t64 libselinux1 "
            "libsigsegv2 libtinfo6 mawk sed").split()  # fmt: skip
# Whose modules python3 loads; which part of its library is not a module that a program imports.
PYTHON_LIBRARY = "usr/lib/python3.13"
PYTHON_WITHOUT = {"__pycache__", "idlelib", "pydoc_data", "test", "unittest", "venv"}
# What programs ask the system of and keep: both sides say the same.
HOST_NAME = "quire"
SETTINGS = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "/etc/group": "root:x:0:\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\n",
}
OURS = ("plain", "anonymous", "heap", "files", "locked", "threads", "forked", "shared", "deep")
PYTHON_PROGRAM = """
import ctypes, json, mmap, sqlite3, sys, threading
shared = mmap.mmap(-1, 1 << 18)
shared[5000:9000] = bytes(4000)
numbers = json.loads(json.dumps([{str(n): n} for n in range(5000)]))
database = sqlite3.connect(":memory:")
database.execute("create table t (n)")
database.executemany("insert into t values (?)", [(n,) for n in range(2000)])
read = threading.Thread(target=sys.stdin.readline)
read.start()
read.join()
"""
# Each ends up waiting for its standard input, on which nothing ever comes.
DEBIAN = {
    "cat": ["/usr/bin/cat"],
    "head": ["/usr/bin/head"],
    "sort": ["/usr/bin/sort"],
    "sed": ["/usr/bin/sed", "s/a/b/"],
    "grep": ["/usr/bin/grep", "-E", "a|b"],
    "mawk": ["/usr/bin/mawk", "{ print }"],
    "gawk": ["/usr/bin/gawk", "BEGIN { for (i = 0; i < 1000; i++) x[i] = i } { print }"],
    "dash": ["/usr/bin/dash", "-c", "x=$(echo 1; echo 2); read -r line"],
    "bash": ["/usr/bin/bash", "-c", "x=({1..2000}); read -r line"],
    "python3": ["/usr/bin/python3.13", "-c", PYTHON_PROGRAM],
    "bash-subshell": ["/usr/bin/bash", "-c", "x=({1..2000}); (y=({1..500}); echo $BASHPID > /tmp/pid; read -r line); true"],
}
# What is done for one of them, on both sides by busybox's shell: the process is looked at when it has nothing left to do.
LOOK = """
$bb mkfifo /tmp/never
$bb env -i {environment} /usr/bin/mapped-static exec {words} 0<>/tmp/never > /dev/null 2>&1 &
pid=$!
$bb sleep 2
$bb test -e /tmp/pid && pid=$($bb cat /tmp/pid)
$bb cat /proc/$pid/smaps {to}
$bb killall -9 mapped-static {program}
$bb rm -f /tmp/pid /tmp/never
"""
INIT = """#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t proc proc /proc
$bb mount -t devtmpfs dev /dev
$bb mkdir -p /dev/shm /tmp /results
$bb mount -t tmpfs -o mode=1777 tmpfs /dev/shm
$bb mount -t tmpfs -o mode=1777 tmpfs /tmp
$bb hostname {name}
exec < /dev/null > /dev/ttyS0 2>&1
cd /
{runs}
echo "@@ all"
$bb poweroff -f
"""
BROKEN = (b"Kernel panic", b"Attempted to kill init")


@dataclasses.dataclass(frozen=True)
class Subject:
    name: str
    words: tuple[str, ...]


def needed(binary):
    """Names of the libraries and the loader that a file asks for: none, if it is no ELF file."""
    with open(binary, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return []
    text = subprocess.run(["riscv64-linux-gnu-readelf", "-dl", binary], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"\(NEEDED\).*\[(.*)\]", text)
    return names + [Path(path).name for path in re.findall(r"interpreter: (.*)\]", text)]


def debian_files():
    """{guest path: host file} of the programs and their libraries, as trixie lays them out."""
    python = trees.debian_tree("python")
    places = [debian.package(name) for name in PACKAGES] + [python]
    files = {}

    def add(guest):
        for tree in places:
            host = tree / guest.lstrip("/")
            if os.path.lexists(host):
                break
        else:
            raise FileNotFoundError(f"no package has {guest}")
        # A link is followed: the file stands under the name it is asked for by.
        files[guest] = host.resolve()
        for name in needed(files[guest]):
            place = f"/usr/lib/riscv64-linux-gnu/{name}"
            if place not in files:
                add(place)

    for words in DEBIAN.values():
        if words[0] not in files:
            add(words[0])
    for path in sorted((python / PYTHON_LIBRARY).rglob("*")):
        if path.is_file() and not PYTHON_WITHOUT.intersection(path.parts):
            add(f"/{path.relative_to(python)}")
    return files


def compile_ours(folder):
    """{guest path: host file} of our own subjects, static and dynamic against Debian's C library."""
    files = {}
    for link, flags in (("static", ["-static"]), ("dynamic", ["-pie", "-fPIE"])):
        binary = folder / f"mapped-{link}"
        subprocess.run(["riscv64-linux-gnu-gcc", "-O1", "-std=gnu17", "-Wall", "-Werror", *flags, SOURCE, "-o", binary,
                        "-pthread"], check=True)  # fmt: skip
        files[f"/usr/bin/mapped-{link}"] = binary
    return files


def subjects():
    ours = [Subject(f"{kind}-{link}", (f"/usr/bin/mapped-{link}", kind)) for kind in OURS for link in ("static", "dynamic")]
    return ours + [Subject(name, tuple(words)) for name, words in DEBIAN.items()]


def settings(folder):
    """{guest path: host file} of what the system is called and who is in it."""
    files = {}
    for guest, text in SETTINGS.items():
        files[guest] = folder / Path(guest).name
        files[guest].write_text(text)
    return files


def loader_link(files):
    """Where the interpreter is looked for."""
    loader = "ld-linux-riscv64-lp64d.so.1"
    return {f"/lib/{loader}": files[f"/usr/lib/riscv64-linux-gnu/{loader}"],
            "/lib/riscv64-linux-gnu/libc.so.6": files["/usr/lib/riscv64-linux-gnu/libc.so.6"]}  # fmt: skip


def quoted(word):
    return "'" + word.replace("'", "'\\''") + "'"


def script(subject, to=""):
    return LOOK.format(environment=" ".join(ENVIRONMENT), words=" ".join(map(quoted, subject.words)), to=to,
                       program=Path(subject.words[0]).name)  # fmt: skip


def on_supervisor(subject, files):
    options = [f"--file={host}:{guest}" for guest, host in files.items()]
    done = subprocess.run(
        [BUILD / "quire", "run", "--timeout=120", "--cwd=/", *options, f"--file={debian.busybox()}:/bin/busybox",
         debian.busybox(), "sh", "-c", "bb=/bin/busybox\n" + script(subject)],
        capture_output=True, stdin=subprocess.DEVNULL, timeout=150,
    )  # fmt: skip
    if not done.stdout:
        raise AssertionError(f"{subject.name} shows nothing on the supervisor: {done.stderr.decode()}")
    return done.stdout.decode()


def on_linux(chosen, files, folder):
    """{name: smaps} of one boot."""
    archive = Archive().copy(debian.busybox(), "bin/busybox").node("dev/console", 5, 1)
    for place in ("proc", "root"):
        archive.directory(place)
    for guest, host in files.items():
        archive.copy(host, guest)
    runs = "\n".join(
        script(s, "> /results/out") + f"echo '@@ {s.name}'; $bb base64 /results/out; echo '@@ end'" for s in chosen
    )
    initrd = folder / "initrd"
    initrd.write_bytes(archive.file("init", INIT.replace("{name}", HOST_NAME).replace("{runs}", runs), 0o755).to_bytes())
    found = {}

    def scene(console):
        while True:
            console.expect(b"@@ ", BROKEN)
            words = console.expect(b"\n", BROKEN).decode().split()
            if words == ["all"]:
                return
            encoded = console.expect(b"@@ end", BROKEN).replace(b"\r", b"").replace(b"\n", b"")
            found[words[0]] = base64.b64decode(encoded).decode()

    on_quire(BUILD / "quire", Images(kernel=debian.kernel(), initrd=initrd, append="console=ttyS0 quiet no4lvl", ram="512M"),
             scene, seconds=SECONDS)  # fmt: skip
    return found


HEADER = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ \d+ *(.*)$")


def normalised(smaps):
    """Mappings in order: [(first line without what may differ, [further lines])]."""
    mappings = []
    for line in smaps.splitlines():
        header = HEADER.match(line)
        if header:
            start, end, perms, offset, name = header.groups()
            mappings.append((f"{int(end, 16) - int(start, 16):#x} {perms} {offset} {name}".rstrip(), []))
        else:
            mappings[-1][1].append(" ".join(line.split()))
    return mappings


def used_before(name, head, theirs, ours):
    """Linux' Referenced is also of pages of a file that another process used before; here each program has its own boot."""
    kib = lambda fields: int(fields[name].split()[0])
    return name == "Referenced" and "/" in head and theirs["Rss"] == ours["Rss"] and kib(theirs) > kib(ours)


def differences(ours, theirs):
    """Lines that say what is unlike; nothing when all is alike."""
    ours, theirs = normalised(ours), normalised(theirs)
    heads = [[head for head, _ in mappings] for mappings in (theirs, ours)]
    lines = [line for line in difflib.unified_diff(*heads, lineterm="", n=0) if not line.startswith(("---", "+++", "@@"))]
    for block in difflib.SequenceMatcher(None, *heads, autojunk=False).get_matching_blocks():
        for (head, other), (_, mine) in zip(theirs[block.a :][: block.size], ours[block.b :][: block.size]):
            fields = [dict(line.split(":", 1) for line in side) for side in (other, mine)]
            names = {name: None for side in fields for name in side}
            unlike = [f"{name}:{fields[0].get(name, ' none')} | ours{fields[1].get(name, ' none')}" for name in names
                      if fields[0].get(name) != fields[1].get(name) and not used_before(name, head, *fields)]  # fmt: skip
            lines += [f"{head}: {text}" for text in unlike]
    return lines


def main():
    parser = argparse.ArgumentParser(description="Compares smaps on the supervisor with Linux's.")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    known = {subject.name: subject for subject in subjects()}
    for name in options.names:
        if name not in known:
            parser.error(f"no subject is called '{name}'; there are {', '.join(known)}")
    with tempfile.TemporaryDirectory(prefix="quire-maps-") as folder:
        return 0 if compare([known[n] for n in options.names or known], Path(folder)) else 1


def compare(chosen, folder):
    files = debian_files()
    files |= loader_link(files) | compile_ours(folder) | settings(folder)
    theirs = on_linux(chosen, files, folder)
    alike = True
    for subject in chosen:
        ours = on_supervisor(subject, files)
        if keep := os.environ.get("QUIRE_KEEP"):
            Path(keep, f"{subject.name}.ours").write_text(ours)
            Path(keep, f"{subject.name}.linux").write_text(theirs[subject.name])
        unlike = differences(ours, theirs[subject.name])
        alike = alike and not unlike
        count = len(normalised(theirs[subject.name]))
        print(f"{subject.name:20} {count:3} mappings: {'same' if not unlike else 'DIFFERS'}", flush=True)
        for line in unlike:
            print(f"    {line}")
    return alike


if __name__ == "__main__":
    sys.exit(main())
