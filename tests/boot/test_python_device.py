"""A device in Python under a driver that nobody here wrote: Linux finds it in the device tree, reads it and takes its interrupt."""

import re
import subprocess

import pytest
import quire

from . import debian
from .cpio import Archive
from .scenes import SHELL_INIT

NS = 1_000_000_000
BEGIN = 1_234_567_890  # 2009: not what the board's own clock shows


# Waits for the clock's alarm, five seconds on (rtc(4)), and says whether that is what came.
ALARM = r"""
#include <fcntl.h>
#include <linux/rtc.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
int main(int argc, char **argv) {
  struct rtc_time time;
  unsigned long came = 0;
  int clock = open(argv[1], O_RDONLY);
  if (ioctl(clock, RTC_RD_TIME, &time) != 0) return perror("read"), 1;
  time.tm_sec += 5;
  if (time.tm_sec >= 60) time.tm_sec -= 60, time.tm_min = (time.tm_min + 1) % 60;
  if (ioctl(clock, RTC_ALM_SET, &time) != 0 || ioctl(clock, RTC_AIE_ON, 0) != 0) return perror("alarm"), 1;
  if (read(clock, &came, sizeof came) != sizeof came) return perror("wait"), 1;
  puts(came & RTC_AF ? "alarm" : "something else");
  return 0;
}
"""


class Clock(quire.Device):
    """A goldfish RTC (its registers are those of Linux's drivers/rtc/rtc-goldfish.c), years behind the board's own."""

    name = "clock"
    compatible = "google,goldfish-rtc"

    def reset(self):
        self.latched = self.alarm = 0
        self.enabled = False
        self.armed = None

    def time(self):
        return BEGIN * NS + self.now_ns

    def read(self, offset, size):
        if offset == 0x00:
            self.latched = self.time()
            return self.latched & 0xFFFF_FFFF
        return {0x04: self.latched >> 32, 0x08: self.alarm & 0xFFFF_FFFF, 0x0C: self.alarm >> 32,
                0x18: int(self.armed is not None)}.get(offset, 0)

    def write(self, offset, size, value):
        if offset == 0x0C:
            self.alarm = value << 32
        elif offset == 0x08:
            self.alarm |= value
            self.disarm()
            self.armed = self.after(max(self.alarm - self.time(), 0), self.ring)
        elif offset == 0x10:
            self.enabled = bool(value)
        elif offset == 0x14:
            self.disarm()
        elif offset == 0x1C:
            self.irq.set(False)

    def disarm(self):
        if self.armed is not None:
            self.cancel(self.armed)
            self.armed = None

    def ring(self):
        self.armed = None
        self.irq.set(self.enabled)


@pytest.mark.parametrize("engine", ["interp", "jit"])
def test_linux_uses_it(tmp_path, engine):
    alarm = tmp_path / "alarm"
    subprocess.run(["riscv64-linux-gnu-gcc", "-O1", "-static", "-x", "c", "-", "-o", alarm], input=ALARM.encode(), check=True)
    initrd = tmp_path / "initrd"
    more = Archive().copy(alarm, "alarm").to_bytes()
    initrd.write_bytes(debian.initramfs(SHELL_INIT.replace("PS1=", "stty cols 1000 < /dev/ttyS0\nPS1=")) + more)
    clock = Clock()
    with quire.Machine.linux(debian.kernel(), initrd=initrd, append="console=ttyS0 quiet", engine=engine,
                             devices=[clock.at(0x1030_0000, irq=20)]) as m:

        def shell(text):
            m.console.send(text + "\n")
            m.console.expect(text + "\r")
            return m.console.expect("quire# ", timeout=600).removesuffix("quire# ").replace("\r", "").strip()

        m.console.expect("quire# ", timeout=600)
        assert shell("cat /sys/firmware/devicetree/base/soc/clock@10300000/compatible | tr '\\0' '\\n'") == "google,goldfish-rtc"
        [number] = re.findall(r"rtc(\d)", shell("ls -d /sys/devices/platform/soc/10300000.clock/rtc/rtc*"))
        seconds = int(shell(f"cat /sys/class/rtc/rtc{number}/since_epoch"))
        assert 0 <= clock.time() // NS - seconds <= 1
        before = interrupts(shell("cat /proc/interrupts"))
        assert shell(f"/alarm /dev/rtc{number}") == "alarm"
        assert interrupts(shell("cat /proc/interrupts")) == before + 1
        assert int(shell(f"cat /sys/class/rtc/rtc{number}/since_epoch")) >= seconds + 5


def interrupts(text):
    """How often the PLIC's source 20 came."""
    return int(re.search(r"^ *\d+: +(\d+) .*PLIC.* 20 ", text, re.MULTILINE)[1])
