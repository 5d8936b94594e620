"""A guest that is short of memory says so: at the start, on its streams, and when it is killed."""

import os
import subprocess

import pytest

MIB = 1 << 20


@pytest.fixture(scope="module")
def cat(compile_guest, tmp_path_factory):
    source = tmp_path_factory.mktemp("cat") / "cat.c"
    source.write_text(
        """
        #include <fcntl.h>
        #include <unistd.h>
        int main(int count, char **names) {
          static char bytes[65536];
          const int file = open(names[1], O_RDONLY);
          long got;
          while ((got = read(file, bytes, sizeof bytes)) > 0) {
            if (write(1, bytes, got) != got) return 1;
          }
          return got < 0 || file < 0;
        }
        """
    )
    return compile_guest(source)


def run(quire, *words):
    return subprocess.run([quire, "run", *words], capture_output=True, timeout=300)


def test_a_file_that_fits_is_delivered_whole(quire, cat, tmp_path):
    data = os.urandom(20 * MIB + 123)
    (tmp_path / "data").write_bytes(data)
    done = run(quire, "--ram", "64M", "--file", f"{tmp_path / 'data'}:/data", cat, "/data")
    assert done.returncode == 0, done.stderr
    assert done.stdout == data


@pytest.mark.parametrize(
    "megabytes, status, words",
    [(40, 2, "/data alone has 41943040 bytes"), (31, 3, "initramfs: /data (31744 KiB) does not fit")],
)
def test_one_that_does_not_is_named_and_nothing_is_run(megabytes, status, words, quire, cat, tmp_path):
    """The host refuses what cannot be, the supervisor what is only just too much."""
    with open(tmp_path / "data", "wb") as file:
        file.truncate(megabytes * MIB)
    done = run(quire, "--ram", "64M", "--file", f"{tmp_path / 'data'}:/data", cat, "/data")
    message = done.stderr.decode()
    assert done.returncode == status, message
    assert done.stdout == b""
    assert message.count("\n") == 1 and words in message, message


FILLS_UP = """
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
/* Files until there is no room, then every page that can still be had, then a word to stdout. */
static void fill(const char *name) {
  static char bytes[65536];
  const int file = open(name, O_CREAT | O_WRONLY, 0600);
  while (write(file, bytes, sizeof bytes) > 0) {}
}
int main(void) {
  if (mlockall(MCL_CURRENT) != 0) return 4;  /* what it touches from here on is there: it needs no page itself */
  fill("/root/big");
  const int root = errno;
  fill("/tmp/big");
  fill("/dev/shm/big");
  if (write(1, "still here\\n", 11) != 11) return 1;
  if (write(2, "here too\\n", 9) != 9) return 2;
  return root == ENOSPC ? 0 : 3;
}
"""


def test_a_guest_whose_memory_is_full_can_still_write_to_its_streams(quire, compile_guest, tmp_path):
    (tmp_path / "fills_up.c").write_text(FILLS_UP)
    program = compile_guest(tmp_path / "fills_up.c")
    done = run(quire, "--ram", "32M", program)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"still here\n", b"here too\n")


def test_who_is_killed_for_lack_of_memory_leaves_one_line(quire, compile_guest, tmp_path):
    (tmp_path / "eats.c").write_text(
        """
        #include <stdlib.h>
        #include <string.h>
        int main(void) {
          for (;;) {
            char *piece = malloc(1 << 20);
            if (piece == 0) return 1;
            memset(piece, 1, 1 << 20);
          }
        }
        """
    )
    done = run(quire, "--ram", "32M", compile_guest(tmp_path / "eats.c", "-fno-builtin"))
    message = done.stderr.decode()
    assert done.returncode == 128 + 9, message
    assert message.count("\n") == 1 and "no memory left" in message and "--ram" in message, message
