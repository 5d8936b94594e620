"""Lockstep programs as ELF files: the frame, assembled once, with each program's bytes put in.

A signature is what both emulators write of it: the data memory, then hashes, then records (frame.S).
"""

import struct
import subprocess
from pathlib import Path

import generate as gen
from shared import bare

HERE = Path(__file__).resolve().parent
MAX_PASSES = 16
STREAM_BYTES = 0xF_0000
HASHES = 8192
DATA_WORDS = gen.DATA_BYTES // 8
RECORD_WORDS = gen.RECORD_BYTES // 8
NO_PASS = (1 << 64) - 1


class Image:
    """The frame with room for so many records."""

    def __init__(self, folder: Path, records: int):
        defines = {"STREAM_BYTES": STREAM_BYTES, "MAX_PASSES": MAX_PASSES, "DATA_BYTES": gen.DATA_BYTES,
                   "HASHES": HASHES, "DUMP_RECORDS": records}  # fmt: skip
        self.elf = bare.build(HERE / "frame.S", folder / f"frame-{records}.elf", HERE / "link.ld",
                              *(f"-D{name}={value}" for name, value in defines.items()))  # fmt: skip
        self.template = self.elf.read_bytes()
        symbols = subprocess.run(["riscv64-linux-gnu-nm", self.elf], check=True, capture_output=True, text=True).stdout
        self.parameters = next(int(line.split()[0], 16) for line in symbols.splitlines() if line.endswith(" passes"))

    def offset(self, address: int) -> int:
        """Where in the file a byte of memory is."""
        (table,) = struct.unpack_from("<Q", self.template, 32)
        size, count = struct.unpack_from("<HH", self.template, 54)
        for at in range(table, table + size * count, size):
            kind, _, offset, start, _, in_file = struct.unpack_from("<IIQQQQ", self.template, at)
            if kind == 1 and start <= address < start + in_file:
                return offset + address - start
        raise AssertionError(f"nothing is loaded at {address:#x}")

    def write(self, elf: Path, program: gen.Program, code: bytes, dump_pass: int) -> None:
        """`dump_pass` is the pass whose records are kept, or NO_PASS."""
        assert len(code) <= STREAM_BYTES and len(program.registers) <= MAX_PASSES
        image = bytearray(self.template)

        def put(address: int, data: bytes) -> None:
            at = self.offset(address)
            image[at : at + len(data)] = data

        put(gen.CODE, code)
        put(gen.DATA, program.data)
        end = gen.CODE + len(code) - 8  # the last ecall
        parameters = struct.pack("<4Q", len(program.registers), dump_pass, int(program.user_mode), end)
        put(self.parameters, parameters + b"".join(struct.pack("<64Q", *values) for values in program.registers))
        elf.write_bytes(image)
