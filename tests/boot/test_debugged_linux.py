"""gdb itself on Debian's Linux: kernel functions and variables by the names that the kernel carries."""

import re
import subprocess

import pytest

from shared.gdb import Session

from . import debian


@pytest.fixture(scope="session")
def symbols(tmp_path_factory):
    out = tmp_path_factory.mktemp("linux") / "linux.elf"
    subprocess.run([debian.ROOT / "tools/linux-symbols", debian.kernel(), out], check=True)
    return out


def test_gdb_breaks_watches_and_steps_in_linux(symbols, tmp_path):
    arguments = ["boot", "--kernel", debian.kernel(), "--append", "console=ttyS0 earlycon nokaslr", "--symbols", symbols]
    with Session(arguments, tmp_path) as one:
        out = one.gdb(
            symbols, "hbreak *start_kernel", "continue", "info registers priv", "backtrace", "monitor walk $pc exec",
            "monitor disas $pc 1", "print (char *)&linux_banner", "stepi", "info symbol $pc", "delete",
            "print *(int *)&system_state", "watch *(int *)&system_state", "continue", "backtrace", "delete",
            "break do_one_initcall", "continue", "backtrace", "delete", "rwatch *(long *)&jiffies_64", "continue",
            "delete", "watch *(long *)&jiffies_64", "continue", "backtrace", "kill")  # fmt: skip
        status, console, stderr = one.end()
    assert status == 130 and "killed by gdb at" in stderr
    assert "SBI specification v2.0 detected" in console

    assert "Breakpoint 1, 0xffffffff80c" in out and "in start_kernel ()" in out
    assert "prv:1 [Supervisor]" in out
    assert re.search(r"#1 +0x\S+ in _start_kernel \(\)", out)
    assert "by Sv57, root 0x8" in out and re.search(r"exec from S-mode: 0x80[0-9a-f]+ in a page of 2 MiB", out)
    assert re.search(r"<start_kernel>: 0001 +c\.nop\n", out)
    assert re.search(r'= 0x\S+ <linux_banner> "Linux version 6\.\d+\.\d+\S* \(debian-kernel@', out)
    assert "start_kernel + 2 in section .text" in out  # one compressed instruction on

    # SYSTEM_BOOTING to SYSTEM_SCHEDULING is the first thing that happens to it (Linux: include/linux/kernel.h).
    assert re.search(r"Hardware watchpoint 2: \*\(int \*\)&system_state\n\nOld value = 0\nNew value = 1\n", out)
    assert re.search(r"#0 +0x\S+ in rest_init \(\)\n#1 +0x\S+ in start_kernel \(\)\n#2 +0x\S+ in _start_kernel", out)

    assert re.search(r"Breakpoint 3, 0x\S+ in do_one_initcall \(\)\n", out)
    assert re.search(r"#\d +0x\S+ in kernel_init \(\)\n#\d +0x\S+ in ret_from_fork", out)

    # That a load was of it, gdb knows from the address in the stop reply alone.
    assert re.search(r"Hardware read watchpoint 4: \*\(long \*\)&jiffies_64\n\nValue = \d+\n", out)
    old, new = re.search(r"Hardware watchpoint 5: .*\n\nOld value = (\d+)\nNew value = (\d+)\n", out).groups()
    assert int(new) > int(old)
    assert re.search(r"#\d+ +0x\S+ in (tick_do_update_jiffies64|do_timer)", out)


DIGITS_AS_TOKENS = b"".join(b"%c\0" % (byte or 1) for byte in range(256))
THEIR_PLACES = b"".join((2 * byte).to_bytes(2, "little") for byte in range(256))


@pytest.mark.parametrize("contents, complaint", [
    pytest.param(b"", "there is no table of symbol names", id="empty"),
    pytest.param(bytes(100_000), "there is no table of symbol names", id="zeros"),
    pytest.param(DIGITS_AS_TOKENS + THEIR_PLACES, "the table of symbol names has no beginning", id="tokens"),
    pytest.param(b"\1" * 8 + DIGITS_AS_TOKENS + THEIR_PLACES, "has no markers that rise", id="markers"),
    pytest.param(b"\1" * 2 + DIGITS_AS_TOKENS + b"\0" * 6 + THEIR_PLACES, "damaged or cut off", id="cut"),
])  # fmt: skip
def test_what_is_no_kernel_has_no_symbols(contents, complaint, tmp_path):
    (tmp_path / "image").write_bytes(contents)
    done = subprocess.run([debian.ROOT / "tools/linux-symbols", tmp_path / "image"], capture_output=True, text=True)
    assert done.returncode == 3
    assert complaint in done.stderr and done.stderr.count("\n") == 1
