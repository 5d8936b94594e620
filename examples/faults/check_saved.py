"""What is left of the files that a guest has saved on ext4 (tests/boot/power_cut.py): a check as quire.fi takes it.

The disk is mended as at a boot, by e2fsck -p, which plays the journal, or where that gives up as a person would, by e2fsck -y.
It is damaged when that does not do either; a file that the guest's console calls saved and that is not there as it was
written is a promise broken, which nobody notices when the boot's e2fsck had nothing to say.
"""

import subprocess
import tempfile
from pathlib import Path

LINES = 200


def contents(number):
    return "".join(f"file {number} line {line}\n" for line in range(LINES)).encode()


def check(machine):
    said = machine.kernel_log.getvalue()
    saved = said.count(b"saved ") - said.count(b"saved all")
    with tempfile.TemporaryDirectory(prefix="power-cut-") as folder:
        image = Path(folder) / "disk.img"
        machine.drives[0].save(image)
        preened = _e2fsck("-p", image)
        by_hand = bool(preened.returncode & ~1)
        if by_hand and _e2fsck("-y", image).returncode & ~3:
            return 2, f"e2fsck -y does not mend it: {_words(preened)}"
        for number in range(1, saved + 1):
            found = subprocess.run(["/usr/sbin/debugfs", "-R", f"cat /file{number}", image], capture_output=True, check=False).stdout
            if found != contents(number):
                lost = f"file {number} of {saved} that were saved has {len(found)} bytes, not its own {len(contents(number))}"
                return (2, f"{lost}; e2fsck: {_words(preened)}") if by_hand else (3, lost)
        if by_hand:
            return 1, f"{saved} files are there after e2fsck -y: {_words(preened)}"
        return 0, f"{saved} files were saved, and are there"


def _e2fsck(how, image):
    return subprocess.run(["/usr/sbin/e2fsck", "-f", how, image], capture_output=True, text=True, check=False)


def _words(done):
    """What it complains of, on one line."""
    said = (done.stdout + done.stderr).replace("recovering journal", "").split()
    return " ".join(word for word in said if not word.startswith("/"))[:160]
