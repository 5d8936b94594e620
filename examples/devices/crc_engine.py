"""A device that does not exist yet: an engine for CRC-32 sums, modelled in Python, and its driver in C.

    build/python examples/devices/crc_engine.py [DRIVER]

The driver is crc_engine.c beside it, a bare program; the riscv64 compiler (gcc-riscv64-linux-gnu) makes it, unless one is
given. The engine reads RAM by DMA, takes a nanosecond for each byte, and asserts its interrupt when it is done.
"""

import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import quire

HERE = Path(__file__).resolve().parent
SOURCE, LENGTH, CONTROL, STATUS, RESULT = 0x00, 0x08, 0x10, 0x18, 0x20
DONE, ERROR = 1, 2


class CrcEngine(quire.Device):
    name = "crc"
    compatible = "example,crc-engine"

    def reset(self):
        self.registers = {SOURCE: 0, LENGTH: 0, STATUS: 0, RESULT: 0}

    def read(self, offset, size):
        return self.registers.get(offset, 0) & (1 << 8 * size) - 1

    def write(self, offset, size, value):
        if offset in (SOURCE, LENGTH):
            self.registers[offset] = value
        elif offset == CONTROL and value & 1:
            self.after(self.registers[LENGTH], self.finish)
        elif offset == STATUS:  # ones clear
            self.registers[STATUS] &= ~value
            self.irq.set(self.registers[STATUS] != 0)

    def finish(self):
        try:
            data = self.dma.read(self.registers[SOURCE], self.registers[LENGTH])
        except quire.DmaError:
            self.registers[STATUS] = ERROR
        else:
            self.registers[RESULT] = zlib.crc32(data)
            self.registers[STATUS] = DONE
        self.irq.set(True)

    # What snapshots need; JSON would make texts of the numbers that name registers.
    def state(self):
        return list(self.registers.values())

    def restore(self, state):
        self.registers = dict(zip((SOURCE, LENGTH, STATUS, RESULT), state, strict=True))


def built(folder):
    """The driver as an ELF of the bare board."""
    program, script = Path(folder) / "driver.elf", Path(folder) / "bare.ld"
    script.write_text("ENTRY(_start)\nSECTIONS { . = 0x80000000; .text : { *(.text.start) *(.text*) } .data : { *(.*data*) }"
                      " .bss : { *(.*bss*) } }\n")
    subprocess.run(["riscv64-linux-gnu-gcc", "-O1", "-nostdlib", "-static", "-ffreestanding", "-fno-pic", "-mcmodel=medany",
                    "-march=rv64gc", "-mno-relax", "-Wl,--build-id=none,--no-warn-rwx-segments", "-T", script,
                    HERE / "crc_engine.c", "-o", program], check=True)
    return program


def run(program):
    with quire.Machine.bare(program, devices=[CrcEngine().at(0x1030_0000, irq=20)]) as m:
        interrupts = []

        @m.on.interrupt("machine external")
        def came(e):
            interrupts.append(e.icount)

        with m.on.mmio("crc")(lambda e: print(f"{e.icount:9,}: {e.access} {e.size} bytes at {e.offset:#04x}: {e.value:#x}")):
            stop = m.run(max_insns=10_000_000)
        print(m.kernel_log.text, end="")
        print(f"{stop.detail} after {stop.icount:,} instructions and {len(interrupts)} interrupts")
        return stop.exit_status


def main(words):
    if words:
        return run(words[0])
    with tempfile.TemporaryDirectory() as folder:
        return run(built(folder))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
