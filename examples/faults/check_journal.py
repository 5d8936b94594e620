"""What is left of journal.c's records. A check as quire.fi takes it (python/quire/fi/check.py): "check_journal.py:check", or as a
command with IMAGE and OUTPUT."""

import struct
import sys

SECTOR, RECORD, FIRST, MAGIC = 512, 8 * 512, 16, 0x4C4E524A


def fnv(data):
    total = 2166136261
    for byte in data:
        total = (total ^ byte) * 16777619 & 0xFFFFFFFF
    return total


def record(number):
    return bytes((number * 31 + i * 7 + i // SECTOR) & 0xFF for i in range(RECORD))


def verdict(image, output):
    acknowledged = output.count(b"record ")
    headers = [struct.unpack_from("<III", image, place * SECTOR) for place in (0, 1)]
    counts = [count for magic, count, total in headers if magic == MAGIC and total == fnv(struct.pack("<II", magic, count))]
    count = max(counts, default=0)
    for number in range(count):
        at = (FIRST * SECTOR) + number * RECORD
        if image[at:at + RECORD] != record(number):
            return 3, f"record {number + 1} of {count} is not what was written"
    if count < acknowledged:
        return 3, f"{acknowledged} records were acknowledged, {count} are there"
    return 0, f"{count} records, {acknowledged} acknowledged"


def check(machine):
    drive = machine.drives[0]
    return verdict(drive.read(0, drive.size), machine.kernel_log.getvalue())


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as disk, open(sys.argv[2], "rb") as console:
        status, text = verdict(disk.read(), console.read())
    print(text)
    sys.exit(status)
