"""The end of a process, however its threads come to theirs."""

import subprocess


def test_the_last_of_threads_that_end_together_undoes_semaphores(quire, compile_guest, tmp_path):
    done = subprocess.run(
        [quire, "run", "--timeout=120", "--check", "--share", f"{tmp_path}:/mnt:rw",
         compile_guest("tests/system/last_threads.c", "-pthread")],
        capture_output=True, timeout=150,
    )  # fmt: skip
    assert (done.returncode, done.stdout.decode()) == (0, "status 0, value 10\n"), done.stderr.decode()
