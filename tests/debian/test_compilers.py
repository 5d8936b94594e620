"""Debian's gcc and g++ on the supervisor. What they make is judged outside of it: cc1's assembly against that of the same cc1
under qemu-riscv64, the programs by running them there."""

import shutil

from .trees import SCRIPTS, QemuUser, debian_tree, on_supervisor

# What the driver gives to cc1 besides what it is given itself (gcc -v).
COMPILER_OPTIONS = ["-quiet", "-march=rv64imafdc_zicsr_zifencei", "-mabi=lp64d", "-misa-spec=20191213", "-mtls-dialect=trad", "-O2", "-Wall"]


def test_gcc_compiles_links_and_runs(tmp_path):
    tree = debian_tree("gcc")
    shutil.copy(SCRIPTS / "program.c", tmp_path)
    ours = on_supervisor(
        tree,
        ["/bin/bash", "-c", "gcc -O2 -Wall -Wno-infinite-recursion -save-temps -o program program.c -lm && ./program one two"],
        f"--share={tmp_path}:/mnt:rw", cwd="/mnt",
    )  # fmt: skip
    assert (ours.status, ours.stderr) == (3, b"")
    assert ours.stdout.endswith(b"leapt\nleft      |  +42|0xbeef\nchild 23\n")
    qemu = QemuUser(tree, tmp_path / "starters")
    compiler = next(tree.glob("usr/libexec/gcc/riscv64-linux-gnu/*/cc1")).relative_to(tree)
    made = qemu.run([str(compiler), *COMPILER_OPTIONS, "-fpreprocessed", "program.i", "-o", "theirs.s"], tmp_path)
    assert made.status == 0, made.stderr
    assert (tmp_path / "program.s").read_bytes() == (tmp_path / "theirs.s").read_bytes()
    theirs = qemu.run_file(tmp_path / "program", ["one", "two"], tmp_path)
    assert (ours.status, ours.stdout) == (theirs.status, theirs.stdout)


def test_gcc_says_what_is_wrong(tmp_path):
    (tmp_path / "wrong.c").write_text("int main(void) { return missing; }\n")
    done = on_supervisor(debian_tree("gcc"), ["/bin/bash", "-c", "gcc wrong.c; echo $?; gcc absent.c; echo $?; ls"],
                         f"--share={tmp_path}:/mnt:rw", cwd="/mnt")  # fmt: skip
    assert done.stdout == b"1\n1\nwrong.c\n"
    assert b"wrong.c:1:25: error:" in done.stderr and b"absent.c: No such file" in done.stderr


def test_gxx_compiles_exceptions_and_threads(tmp_path):
    """With the RAM that a run has when nobody asks for more."""
    tree = debian_tree("gcc")
    shutil.copy(SCRIPTS / "program.cpp", tmp_path)
    ours = on_supervisor(tree, ["/bin/bash", "-c", "g++ -o program program.cpp && ./program"], f"--share={tmp_path}:/mnt:rw", cwd="/mnt")
    theirs = QemuUser(tree, tmp_path / "starters").run_file(tmp_path / "program", [], tmp_path)
    assert b"nobody catches this" in ours.stderr
    assert (ours.status, ours.stdout) == (128 + 6, theirs.stdout)
    assert ours.stdout.startswith(b"at the bottom after 21 ends\nderived 1\nthread 0: 0\n")
    assert theirs.status == ours.status
