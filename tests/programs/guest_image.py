"""Builds an initramfs that runs one program, and runs it on QEMU's `virt` board.

The cpio "newc" writer follows cpio(5); the run file is described in include/quire/arch/bootinfo.h.
"""

import dataclasses
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile

SYSROOT = pathlib.Path("/usr/riscv64-linux-gnu")
MAGIC = "quire-run 1"


class Cpio:
    """An archive in memory: names are absolute guest paths."""

    def __init__(self):
        self._parts = []
        self._names = set()
        self._inode = 0

    def _entry(self, name, mode, data=b""):
        self._inode += 1
        encoded = name.lstrip("/").encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
        header = b"070701" + b"".join(b"%08x" % f for f in fields)
        body = header + encoded
        body += b"\0" * (-len(body) % 4)
        body += data
        body += b"\0" * (-len(body) % 4)
        self._parts.append(body)

    def directory(self, path):
        path = path.rstrip("/")
        if path and path not in self._names:
            self.directory(path.rpartition("/")[0])
            self._names.add(path)
            self._entry(path, stat.S_IFDIR | 0o755)

    def file(self, path, data, mode=0o755):
        self.directory(path.rpartition("/")[0])
        self._entry(path, stat.S_IFREG | mode, data)

    def link(self, path, target):
        self.directory(path.rpartition("/")[0])
        self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def bytes(self):
        self._entry("TRAILER!!!", 0)
        return b"".join(self._parts)


def run_file(executable, argv, env, cwd="/"):
    lines = [MAGIC, f"exe={executable}", f"cwd={cwd}"]
    lines += [f"arg={a}" for a in argv] + [f"env={k}={v}" for k, v in env.items()]
    return b"".join(line.encode() + b"\0" for line in lines)


def initramfs(program, args=(), files=None, links=None, env=None, name=None, libraries=False):
    """`files`: guest path -> host path or bytes; `libraries` adds the cross toolchain's C library."""
    archive = Cpio()
    guest_path = name or "/bin/" + pathlib.Path(program).name
    archive.file(guest_path, pathlib.Path(program).read_bytes())
    for path, source in (files or {}).items():
        data = source if isinstance(source, bytes) else pathlib.Path(source).read_bytes()
        archive.file(path, data)
    for path, target in (links or {}).items():
        archive.link(path, target)
    if libraries:
        for library in ("ld-linux-riscv64-lp64d.so.1", "libc.so.6", "libm.so.6", "libpthread.so.0", "libgcc_s.so.1"):
            host = SYSROOT / "lib" / library
            if host.exists():
                archive.file(f"/lib/{library}", host.read_bytes())
    environment = {"PATH": "/bin:/usr/bin", "HOME": "/"} | (env or {})
    archive.file("/.quire/run", run_file(guest_path, [guest_path, *args], environment), 0o644)
    return archive.bytes()


@dataclasses.dataclass
class Result:
    status: int
    out: bytes
    err: bytes
    log: bytes


def qemu(supervisor, image, stdin=b"", memory="256M", timeout=120, append="", ports=True):
    """Runs until power-off. With `ports` the streams are byte-exact; without they merge on the UART."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "initrd").write_bytes(image)
        (folder / "stdin").write_bytes(stdin)
        command = ["qemu-system-riscv64", "-M", "virt", "-m", memory, "-display", "none", "-monitor", "none",
                   "-no-reboot", "-global", "virtio-mmio.force-legacy=false", "-kernel", str(supervisor),
                   "-initrd", str(folder / "initrd"), "-serial", f"file:{folder / 'log'}"]
        if ports:
            command += ["-device", "virtio-serial-device"]
            for port in ("stdin", "stdout", "stderr"):
                extra = f",input-path={folder / 'stdin'}" if port == "stdin" else ""
                path = "/dev/null" if port == "stdin" else folder / port
                command += ["-chardev", f"file,id={port},path={path}{extra}",
                            "-device", f"virtserialport,chardev={port},name=quire.{port}"]
        if append:
            command += ["-append", append]
        done = subprocess.run(command, capture_output=True, timeout=timeout)
        read = lambda name: (folder / name).read_bytes() if (folder / name).exists() else b""
        out = read("stdout") if ports else read("log")
        return Result(done.returncode, out, read("stderr"), read("log") + done.stderr)


def compile_program(source, output, link="static", flags=()):
    """`link`: static, static-pie or dynamic."""
    how = {"static": ["-static"], "static-pie": ["-static-pie", "-fPIE"], "dynamic": ["-pie", "-fPIE"]}[link]
    compiler = shutil.which("riscv64-linux-gnu-gcc")
    if compiler is None:
        raise RuntimeError("riscv64-linux-gnu-gcc is missing: install gcc-riscv64-linux-gnu")
    subprocess.run([compiler, "-O1", "-g", "-std=gnu17", "-Wall", *how, *flags, str(source), "-o", str(output),
                    "-pthread", "-lm"], check=True)
    return output


def main():
    import argparse

    parser = argparse.ArgumentParser(description="compile (if .c) and run a program on QEMU")
    parser.add_argument("--supervisor", default=os.environ.get("QUIRE_SUPERVISOR", "build/guest/supervisor.elf"))
    parser.add_argument("--link", default="static")
    parser.add_argument("--no-ports", action="store_true")
    parser.add_argument("--append", default="")
    parser.add_argument("--file", action="append", default=[], help="HOST:GUEST")
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("program")
    parser.add_argument("args", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(options.program)
        if program.suffix == ".c":
            program = compile_program(program, pathlib.Path(folder) / program.stem, options.link)
        files = {guest: host for host, guest in (f.split(":") for f in options.file)}
        image = initramfs(program, options.args, files=files, libraries=options.link == "dynamic")
        result = qemu(options.supervisor, image, append=options.append, ports=not options.no_ports,
                      timeout=options.timeout)
    print(result.out.decode(errors="replace"), end="")
    print(result.err.decode(errors="replace"), end="")
    print(f"[status {result.status}]")
    if not options.no_ports:
        print(result.log.decode(errors="replace"))


if __name__ == "__main__":
    main()
