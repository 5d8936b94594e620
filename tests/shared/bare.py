"""Bare-metal programs in M-mode: compiled the same way for every emulator, and run on QEMU's boards."""

import subprocess

GCC = "riscv64-linux-gnu-gcc"
FLAGS = (
    "-march=rv64gc -mabi=lp64d -mcmodel=medany -nostdlib -static -fno-pic -Wl,--build-id=none -Wl,--no-warn-rwx-segments"
).split()
RAM_BASE = 0x8000_0000
QEMU = ["qemu-system-riscv64", "-display", "none", "-serial", "null", "-monitor", "none", "-bios", "none"]


def build(source, elf, script, *flags):
    """`script` is the linker's; `flags` come behind the usual ones."""
    subprocess.run([GCC, *FLAGS, *flags, "-T", script, source, "-o", elf], check=True)
    return elf


def _qemu(arguments, ram, cpu, elf, seconds):
    command = [*QEMU, *arguments, "-m", ram, "-cpu", cpu, "-kernel", elf]
    return subprocess.run(command, timeout=seconds, stdin=subprocess.DEVNULL).returncode


def qemu_spike(elf, signature, *, ram, cpu, seconds=60):
    """The status of a run on QEMU's spike machine, which writes the signature."""
    return _qemu(["-M", f"spike,signature={signature},signature-granularity=4"], ram, cpu, elf, seconds)


def qemu_virt(elf, ram_file, *, ram, cpu, seconds=60):
    """The same on its virt board, which has `time` and Sstc but no signature: RAM is a file, which outlives the run."""
    ram_file.unlink(missing_ok=True)
    backend = f"memory-backend-file,id=ram,size={ram},mem-path={ram_file},share=on"
    return _qemu(["-M", "virt,memory-backend=ram", "-object", backend], ram, cpu, elf, seconds)


def read_ram(ram_file, address, size_bytes):
    with ram_file.open("rb") as file:
        file.seek(address - RAM_BASE)
        return file.read(size_bytes)
