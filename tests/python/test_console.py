"""The console, what machines are made with, and arguments of wrong types."""

import re
from pathlib import Path

import pytest
import quire

# Echoes what is typed to the UART, in capitals; ends at a '.', with the number of bytes so far as status.
ECHO = """
    .globl _start, tohost, fromhost
_start:
    li s0, 0x10000000
    li s1, 0
    la s2, greeting
1:  lbu a0, 0(s2)
    beqz a0, 2f
    sb a0, 0(s0)
    addi s2, s2, 1
    j 1b
2:  lbu a1, 5(s0)
    andi a1, a1, 1
    beqz a1, 2b
    lbu a0, 0(s0)
    addi s1, s1, 1
    li a2, '.'
    beq a0, a2, 3f
    li a2, 'a'
    blt a0, a2, 4f
    addi a0, a0, -32
4:  sb a0, 0(s0)
    j 2b
3:  slli s1, s1, 1
    ori s1, s1, 1
    la t0, tohost
    sd s1, 0(t0)
5:  j 5b
    .data
greeting: .asciz "ready> "
    .section .tohost, "aw", @progbits
    .balign 64
tohost: .dword 0
fromhost: .dword 0
"""
FLOOD = """
    .globl _start
_start:
    li s0, 0x10000000
    li a0, 'x'
1:  sb a0, 0(s0)
    j 1b
"""
TALKER = r"""
#include <stdio.h>
int main(void) {
  char name[64];
  setvbuf(stdout, 0, _IONBF, 0);
  printf("name? ");
  if (!fgets(name, sizeof name, stdin)) return 1;
  printf("hello %s", name);
  printf("more? ");
  if (!fgets(name, sizeof name, stdin)) return 2;
  printf("bye\n");
  return 7;
}
"""
CAT = r"""
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv) {
  FILE *in = fopen(argv[1], "r");
  if (!in) { perror(argv[1]); return 1; }
  for (int c; (c = getc(in)) != EOF;) putchar(c);
  if (argc > 2) {
    FILE *out = fopen(argv[2], "w");
    if (!out) { perror(argv[2]); return 2; }
    fputs("written", out);
    fclose(out);
  }
  return 0;
}
"""
LOOP = "int main(void) { for (volatile long i = 0;; i++); }"
CHATTY = '#include <stdio.h>\nint main(void) { for (int i = 0; i < 200000; i++) puts("0123456789"); return 0; }'


@pytest.fixture
def echo(link_bare):
    with quire.Machine.bare(link_bare(ECHO), ram="16M") as machine:
        yield machine


def test_expect_and_send(echo):
    assert echo.console.expect("ready> ") == "ready> "
    echo.console.send("one two")
    assert echo.console.expect("TWO") == "ONE TWO"
    echo.console.send(b"three")
    assert echo.console.expect(re.compile("T(.*)E")) == "THREE"
    echo.console.send("rest.")
    stop = echo.run()
    assert stop.exit_status == len("one twothreerest.")
    assert echo.console.read() == "REST" and echo.console.read() == ""
    assert echo.console.transcript == "ready> ONE TWOTHREEREST" and echo.console.dropped == 0


def test_what_is_there_already_is_found_without_running(echo):
    echo.console.send("abc")
    echo.run(max_insns=100_000)
    at = echo.icount
    assert echo.console.expect("AB") == "ready> AB"
    assert echo.console.expect("C") == "C" and echo.icount == at


def test_a_text_stops_at_the_instruction_that_ended_it(echo):
    start = echo.snapshot()
    echo.console.expect("ready")
    assert echo.console.transcript == "ready"
    echo.step(-1)
    assert echo.console.transcript == "read"
    assert start.icount == 0


def test_a_text_that_does_not_come(echo):
    with pytest.raises(quire.NotSeen, match=r"'never'.*limit.*ready> ") as error:
        echo.console.expect("never", max_insns=100_000)
    assert error.value.stop.reason == "limit"
    with pytest.raises(quire.NotSeen, match="timeout"):
        echo.console.expect(re.compile("never"), timeout=0.05)
    with pytest.raises(quire.NotSeen, match="limit"):
        echo.console.expect(re.compile("never"), max_insns=2_500_000)


def test_a_session_is_the_same_each_time_and_can_be_gone_back(link_bare):
    def session(pieces):
        with quire.Machine.bare(link_bare(ECHO), ram="16M") as m:
            start = m.snapshot()
            m.console.expect("ready> ")
            if pieces:
                m.run(max_insns=1)
                m.step(-1)
            m.console.send("x")
            m.console.expect("X")
            m.console.send("y.")
            m.run()
            end = m.icount, m.digest
            m.run_to(icount=end[0] - 5)
            m.run()
            assert (m.icount, m.digest) == end
            assert start.icount == 0
            return end

    assert session(False) == session(True)


def test_what_is_written_again_after_going_back_is_seen_again(echo):
    echo.console.expect("> ")
    ready = echo.snapshot()
    for _ in range(3):
        echo.console.send("ab")
        assert echo.console.expect("B", max_insns=100_000) == "AB"
        echo.step(-1)  # not far enough to unwrite anything but the B
        echo.step(1)
        assert echo.console.read() in ("", "B")
        echo.restore(ready)


def test_a_long_session_keeps_what_a_snapshot_leads_to_alone(echo):
    echo.console.expect("> ")
    kept = echo.snapshot()
    for _ in range(50):
        echo.console.send("x")
    assert len(echo._history._way) == 51
    there = echo.icount
    del kept
    for _ in range(50):
        echo.console.send("x")
    assert len(echo._history._way) == 1
    kept = echo.snapshot()
    echo.console.send("y")
    echo.console.expect("Y")
    end, digest = echo.icount, echo.digest
    echo.run_to(icount=there)
    assert echo.run_to(icount=end).icount == end and echo.digest == digest


def test_whichever_of_several_texts_comes_first(echo):
    stop = echo.run(until=echo.console.says("ready") | echo.console.says("> "))
    assert stop.detail == "text 'ready' on uart" and echo.console.read() == "ready"
    assert echo.run(until=[echo.console.says("never"), echo.console.says("> ")]).reason == "until"


def test_linux_takes_no_program_from_outside(tmp_path):
    (tmp_path / "image").write_bytes(b"\x6f\0\0\0")  # a jump to itself
    with quire.Machine.linux(tmp_path / "image", ram="64M") as m:
        with pytest.raises(quire.UsageError, match="type at its console"):
            m.spawn(["./program"])


def test_an_empty_text_is_refused_before_anything_waits(echo):
    with pytest.raises(quire.UsageError, match="text='': an empty text"):
        echo.run(until=[echo.console.says("> "), echo.console.says("")])
    with pytest.raises(quire.UsageError, match="pattern=b'': an empty text"):
        echo.console.expect(b"")
    assert echo.run(max_insns=100_000).reason == "limit"  # nobody waits for "> "


def test_run_until_the_guest_says_something(echo):
    stop = echo.run(until=echo.console.says("dy"))
    assert (stop.reason, echo.console.transcript) == ("until", "ready")
    assert "dy" in stop.detail
    assert echo.run(until=[echo.kernel_log.says("> ")]).reason == "until"


def test_a_program_on_the_supervisor_is_talked_to(compile_c):
    with quire.Machine.supervisor(ram="64M") as m:
        p = m.spawn([compile_c(TALKER)])
        m.console.expect("name? ")
        m.console.send("Quire\n")
        assert m.console.expect("more? ") == "hello Quire\nmore? "
        with pytest.raises(quire.NotSeen, match="idle"):
            m.console.expect("bye")
        m.console.send("\n")
        m.run(until=p.exited)
        assert p.returncode == 7 and m.console.read() == "bye\n"
        assert m.stdout.getvalue() == m.console.transcript.encode()


def test_a_guest_that_floods_the_console_grows_nothing(link_bare):
    with quire.Machine.bare(link_bare(FLOOD), ram="16M", output_limit="64K") as m:
        m.run(max_insns=2_000_000)
        assert m.console.transcript == "x" * (64 << 10)
        assert m.console.dropped + (64 << 10) == m._guest.output_bytes("uart") > 900_000
        with pytest.raises(quire.NotSeen):
            m.console.expect("y", max_insns=2_000_000)
        assert len(m.console.read()) == 64 << 10


def test_run_refuses_to_lose_output(compile_c):
    with pytest.raises(quire.Error, match=r"2200000 bytes to stdout.*output_limit"):
        quire.run(compile_c(CHATTY), output_limit="64K")
    assert len(quire.run(compile_c(CHATTY)).stdout) == 2_200_000


def test_shared_directories(compile_c, tmp_path):
    (tmp_path / "in").write_text("from the host")
    program = compile_c(CAT)
    r = quire.run(program, "/data/in", "/data/out", shares={"/data": tmp_path})
    assert (r.returncode, r.stdout) == (2, b"from the host") and b"Read-only" in r.stderr
    r = quire.run(program, "/data/in", "/data/out", shares=[f"{tmp_path}:/data:rw"], check=True)
    assert (tmp_path / "out").read_text() == "written"
    with quire.Machine.supervisor(ram="64M", shares={"/data": tmp_path}) as m:
        p = m.spawn([program, "/data/in"])
        m.run(until=p.exited)
        assert m.stdout.getvalue() == b"from the host"
        with pytest.raises(quire.UsageError, match="files of the host"):
            m.snapshot()


def test_a_root_of_the_hosts(compile_c, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "cat").write_bytes(Path(compile_c(CAT)).read_bytes())
    (tmp_path / "bin" / "cat").chmod(0o755)
    (tmp_path / "file").write_text("in the root")
    r = quire.run("/bin/cat", "/file", root=tmp_path, check=True)
    assert r.stdout == b"in the root"
    with quire.Machine.supervisor(ram="64M", root=tmp_path) as m:
        p = m.spawn(["/bin/cat", "/file", "/new"])
        m.run(until=p.exited)
        assert (p.returncode, m.stdout.getvalue()) == (0, b"in the root")
        assert not (tmp_path / "new").exists()
        assert m.config["root"] == str(tmp_path)


def test_the_end_that_is_none_is_named(compile_c):
    with pytest.raises(quire.ProgramFailed, match=r"did not end.*time.*timeout"):
        quire.run(compile_c(LOOP), timeout=0.2, check=True)
    with pytest.raises(quire.ProgramFailed, match=r"did not end.*limit, after 3000000"):
        quire.run(compile_c(LOOP), max_insns=3_000_000, check=True)


@pytest.mark.parametrize(("call", "parts"), [
    (lambda: quire.run(3), ["program=3", "int", "path"]),
    (lambda: quire.run(None), ["program=None"]),
    (lambda: quire.run([]), ["[]", "list"]),
    (lambda: quire.run("./none", 7), ["7", "int", "'7'"]),
    (lambda: quire.run("./none", input=5), ["input=5", "int", "text or bytes"]),
    (lambda: quire.run("./none", ram=1.5), ["ram=1.5", "float", "256M"]),
    (lambda: quire.run("./none", ram=None), ["ram=None"]),
    (lambda: quire.run("./none", tlb=64), ["tlb=64", "entries="]),
    (lambda: quire.run("./none", isa=3), ["isa=3", "text"]),
    (lambda: quire.run("./none", env=["A=1"]), ["env=['A=1']", "mapping"]),
    (lambda: quire.run("./none", files="a"), ["files='a'", "mapping"]),
    (lambda: quire.run("./none", cwd=3), ["3", "int"]),
    (lambda: quire.run("./none", shares="a:b"), ["shares='a:b'", "list"]),
    (lambda: quire.run("./none", shares=["/tmp"]), ["/tmp"]),
    (lambda: quire.run("./none", root=1.0), ["root=1.0", "path"]),
    (lambda: quire.Machine.bare(3), ["program=3", "path"]),
    (lambda: quire.Machine.supervisor(seed="x"), ["seed='x'"]),
    (lambda: quire.Machine.supervisor(append=3), ["append=3"]),
    (lambda: quire.Machine.supervisor(output_limit="lots"), ["lots"]),
    (lambda: quire.Machine.linux(3), ["kernel=3", "path"]),
])
def test_wrong_types_are_named(call, parts):
    with pytest.raises(quire.UsageError) as error:
        call()
    for part in parts:
        assert part in str(error.value)


@pytest.mark.parametrize(("call", "parts"), [
    (lambda m: setattr(m.harts[0], "pc", "x"), ["pc='x'", "whole number"]),
    (lambda m: setattr(m.harts[0].x, "a0", 1.5), ["a0=1.5", "whole number"]),
    (lambda m: setattr(m.harts[0].f, "fa0", "x"), ["fa0='x'", "number"]),
    (lambda m: setattr(m.harts[0].csr, "satp", None), ["satp=None"]),
    (lambda m: setattr(m.harts[0].x, "a0", 1 << 64), ["64 bits"]),
    (lambda m: m.phys["a"], ["'a'", "address"]),
    (lambda m: m.phys.__setitem__(0x8000_0000, 256), ["256", "byte"]),
    (lambda m: m.phys.__setitem__(slice(0x8000_0000, 0x8000_0004), "text"), ["'text'", "bytes"]),
    (lambda m: m.phys.read("x", 4), ["address='x'"]),
    (lambda m: m.phys.read(0x8000_0000, -4), ["size=-4"]),
    (lambda m: m.phys.write(0x8000_0000, 5), ["data=5", "bytes"]),
    (lambda m: m.console.send(5), ["text=5", "bytes"]),
    (lambda m: m.console.expect(5), ["pattern=5"]),
    (lambda m: m.console.expect(""), ["empty"]),
    (lambda m: m.stdin.write("text"), ["data='text'", "encode"]),
    (lambda m: m.run(until="exit"), ["until='exit'", "happens"]),
    (lambda m: m.run(until=5), ["until=5"]),
    (lambda m: m.run(timeout="soon"), ["timeout='soon'"]),
    (lambda m: m.record(5), ["5", "name"]),
    (lambda m: m.record("cow", pid=1.5), ["pid=1.5"]),
    (lambda m: m.restore(5), ["Snapshot", "int"]),
    (lambda m: m.step("x"), ["step('x')"]),
    (lambda m: m.mmu.walk("x"), ["va='x'"]),
    (lambda m: m.mmu.walk(0, access="q"), ["'q'"]),
    (lambda m: m.mmu.walk(0, access=5), ["access=5"]),
    (lambda m: m.process("x"), ["pid='x'"]),
    (lambda m: m.symbol(5), ["name=5", "text"]),
])
def test_wrong_arguments_to_a_machine_are_named(call, parts, echo):
    with pytest.raises(quire.UsageError) as error:
        call(echo)
    for part in parts:
        assert part in str(error.value)
