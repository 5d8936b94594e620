"""gdb itself (Debian's gdb-multiarch) on our remote stub: what it sees, sets and is told, on bare metal and in the kernel."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from shared.gdb import TIMEOUT_SECONDS, Session

from .conftest import BUILD, ROOT


@pytest.fixture(scope="session")
def bare_program(tmp_path_factory):
    """tests/system/debugged.c as a bare-metal ELF with debug information."""
    program = tmp_path_factory.mktemp("gdb") / "debugged.elf"
    flags = "-march=rv64gc -mabi=lp64d -mcmodel=medany -O1 -g -ffreestanding -nostdlib -static -fno-pic"
    subprocess.run(["riscv64-linux-gnu-gcc", *flags.split(), "-Wl,--build-id=none", "-T",
                    ROOT / "bench/programs/link.ld", ROOT / "tests/system/debugged.c", "-o", program], check=True)
    return program


@pytest.fixture
def session(tmp_path):
    with contextlib.ExitStack() as sessions:
        yield lambda *arguments: sessions.enter_context(Session(arguments, tmp_path))


def digest_of(stderr):
    return re.search(r"digest +([0-9a-f]{16})", stderr).group(1)


def test_breaks_watches_steps_and_reads(session, bare_program):
    one = session("bare", "--digest", bare_program)
    out = one.gdb(
        bare_program, "info registers pc priv", "break add_up", "watch counter", "continue", "continue", "continue",
        "backtrace", "info registers mscratch misa", "print $pc", "stepi", "print $pc", "delete", "hbreak scale",
        "continue", "print $fa0.double", "info registers fcsr", "rwatch ratio", "continue", "delete", "finish",
        "info mem", "info threads", "continue")  # fmt: skip
    assert "prv:3 [Machine]" in out
    assert out.count("Hardware watchpoint 2: counter") == 3  # set, and hit twice
    assert "Old value = 5\nNew value = 7" in out and "Old value = 7\nNew value = 10" in out
    assert "Breakpoint 1, add_up (n=10)" in out
    assert re.search(r"#1 .* in main \(\)", out)
    assert re.search(r"mscratch +0x2a", out) and re.search(r"misa +0x80000000001", out)
    before, after = (int(at, 16) for at in re.findall(r"\(void \(\*\)\(\)\) (0x[0-9a-f]+) <add_up", out))
    assert after - before in (2, 4)
    assert "Breakpoint 3, scale (x=x@entry=23)" in out
    assert "= 23\n" in out
    assert re.search(r"Hardware read watchpoint 4: ratio\n\nValue = 1.5", out)
    assert "Value returned is" in out and "= 34.5" in out
    assert "0x0000000080000000 0x0000000090000000 rw" in out
    assert "hart 0" in out
    assert "exited with code 027" in out
    status, _, stderr = one.end()
    assert status == 0o27
    plain = subprocess.run([BUILD / "quire", "bare", "--digest", bare_program], capture_output=True, text=True)
    assert plain.returncode == 0o27
    assert digest_of(plain.stderr) == digest_of(stderr)  # breakpoints, watchpoints and steps left no trace


def test_changes_memory_and_registers(session, bare_program):
    one = session("bare", bare_program)
    out = one.gdb(bare_program, "break add_up", "continue", "set var table[0] = 40", "print table", "print $a0 = 1",
                  "set var $fa1.double = 2.5", "print $fa1.double", "set var $mscratch = 0x123", "print/x $mscratch",
                  "continue")  # fmt: skip
    assert "= {40, 2, 3, 4}" in out
    assert "= 2.5" in out and "= 0x123" in out
    assert one.end()[0] == 40


def test_steps_are_exact(session, bare_program):
    one = session("bare", bare_program)
    steps = 30
    out = one.gdb(bare_program, *["stepi"] * steps, "monitor info", "detach")
    assert f"icount {steps}, time {steps} ns" in out
    assert one.end()[0] == 0o27


def test_a_debugger_that_detaches_leaves_the_guest_running(session, bare_program):
    one = session("bare", bare_program)
    out = one.gdb(bare_program, "break scale", "continue", "detach")
    assert "Breakpoint 1, scale" in out
    status, _, stderr = one.end()
    assert status == 0o27, stderr


def test_a_debugger_that_kills_ends_the_run(session, bare_program):
    one = session("bare", bare_program)
    one.gdb(bare_program, "break main", "continue", "kill")
    status, _, stderr = one.end()
    assert status == 130
    assert "killed by gdb at" in stderr


def test_a_debugger_that_vanishes_can_come_again(session, bare_program):
    one = session("bare", bare_program)
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(one.socket))
    client.sendall(b"+$Z0,80000000,2#xx$g#67")
    client.close()
    out = one.gdb(bare_program, "print $pc", "continue")
    assert "<_start>" in out and "exited with code 027" in out
    assert one.end()[0] == 0o27


def test_limits_hold_under_gdb(session, bare_program):
    one = session("bare", "--max-insns", "20", bare_program)
    out = one.gdb(bare_program, "stepi", "stepi", "continue")
    assert "exited with code 0174" in out
    status, _, stderr = one.end()
    assert status == 124 and "stopped after 20 instructions" in stderr


def assemble(folder, text):
    source = folder / "loop.S"
    source.write_text(f".globl _start\n{text}")
    program = folder / "loop.elf"
    subprocess.run(["riscv64-linux-gnu-gcc", "-nostdlib", "-static", "-Wl,--build-id=none", "-T",
                    ROOT / "bench/programs/link.ld", source, "-o", program], check=True)
    return program


@pytest.fixture
def endless(tmp_path):
    return assemble(tmp_path, "_start: addi a0, a0, 1\n j _start\n")


def test_the_timeout_is_of_the_guest_running(session, endless):
    one = session("bare", "--timeout", "0.3", endless)
    out = one.gdb(endless, "stepi", "shell sleep 0.5", "stepi", "stepi", "continue")
    assert out.count("0x") >= 4 and "exited with code 0174" in out
    status, _, stderr = one.end()
    assert status == 124 and "(--timeout)" in stderr


def test_ctrl_c_in_the_commands_terminal_ends_the_run(session, endless):
    one = session("bare", endless)
    one.quire.send_signal(signal.SIGINT)
    status, _, stderr = one.end()
    assert status == 130 and "interrupted at 0 instructions" in stderr


def test_an_extended_client_can_start_over(session, bare_program):
    one = session("bare", bare_program)
    out = one.gdb(bare_program, "disconnect", f"target extended-remote {one.socket}", "break scale", "continue",
                  "continue", "run", "print counter", "kill")  # fmt: skip
    assert out.count("Breakpoint 1, scale") == 2
    assert "exited with code 027" in out
    assert "= 10" in out
    assert one.end()[0] == 130


def test_monitor_commands(session, bare_program):
    one = session("bare", bare_program)
    out = one.gdb(bare_program, "monitor help", "monitor disas main 2", "monitor symbol add_up+2", "monitor tlb",
                  "monitor walk 0x1000", "monitor nonsense", "monitor phys on", "x/1xw 0x80000000",
                  "maintenance packet Qqemu.PhyMemMode:0", "maintenance packet qqemu.PhyMemMode", "kill")  # fmt: skip
    assert "walk ADDR [read|write|exec]" in out
    assert re.search(r"<main>: [0-9a-f]{4} +c.addi sp, -0x10\n", out)
    assert re.search(r"0x8[0-9a-f]+ add_up\+0x2\n", out)
    assert "0 of 16384 entries" in out
    assert "satp is Bare" in out
    assert "there is no monitor command 'nonsense'" in out
    assert "memory addresses are physical" in out
    assert "0x80000000 <_start>:\t0x" in out
    assert re.search(r'received: "?0', out)


SUPERVISOR = BUILD / "guest" / "supervisor.elf"


def test_kernel_function_variable_and_page_tables(session, compile_guest):
    program = compile_guest("tests/programs/hello.c")
    one = session("run", program)
    out = one.gdb(
        SUPERVISOR, "break kernel::AddressSpace::handle_fault", "continue", "info registers priv satp", "backtrace 2",
        "monitor walk $pc exec", "monitor tlb $pc", "print $sp", "x/2i $pc", "delete",
        "watch 'kernel::(anonymous namespace)::g_last_asid'", "info breakpoints", "delete", "stepi", "next", "detach")
    assert re.search(r"Breakpoint 1, kernel::AddressSpace::handle_fault", out)
    assert "prv:1 [Supervisor]" in out
    assert re.search(r"level 2: entry at 0x8[0-9a-f]+ is 0x", out)
    assert re.search(r"exec from S-mode: 0x8[0-9a-f]+ in a page of", out)
    assert re.search(r"0xffffffc0802[0-9a-f]+ -> 0x0000802", out) or re.search(r"0xffffffc0[0-9a-f]+ -> 0x[0-9a-f]+ ", out)
    assert "hw watchpoint" in out
    status, stdout, stderr = one.end()
    assert status == 0, stderr
    assert stdout == "hello, world with 0 argument(s)\n"


def test_watches_a_kernel_variable(session, compile_guest):
    program = compile_guest("tests/programs/fork200.c")
    one = session("run", program)
    variable = "'kernel::(anonymous namespace)::g_last_pid'"
    out = one.gdb(SUPERVISOR, f"watch {variable}", "continue", "backtrace 3", "continue", "delete", "continue")
    # Before paging is on, the kernel's addresses lead nowhere.
    changes = re.findall(r"Old value = (\S+)\nNew value = (\d+)", out)
    assert len(changes) == 2 and changes[0][0] == "<unreadable>" and changes[1][0] == changes[0][1], out
    assert changes[1][1] != changes[1][0]
    assert "kernel::Task::on_switch_in" in out
    assert "exited normally" in out
    assert one.end()[0] == 0


def test_breaks_in_a_user_program_under_the_kernel(session, compile_guest):
    program = compile_guest("tests/programs/hello.c")
    one = session("run", program)
    out = one.gdb(program, "break main", "continue", "info registers priv", "stepi", "continue")
    assert re.search(r"Breakpoint 1, .*main \(", out)
    assert "prv:0 [User/Application]" in out
    assert "exited normally" in out


def test_a_signal_that_kills_the_program_is_told(session, compile_guest):
    program = compile_guest("tests/programs/abort.c")
    one = session("run", program)
    out = one.gdb(program, "continue")
    assert "Program terminated with signal SIGABRT" in out
    assert one.end()[0] == 134


def test_tcp_ctrl_c_and_a_taken_port(endless):
    """Over TCP, by the raw protocol: a run that would never end is stopped by the byte 3."""
    quire = subprocess.Popen([BUILD / "quire", "bare", "--gdb", "0", endless], stderr=subprocess.PIPE, text=True)
    try:
        port = int(re.search(r"target remote 127\.0\.0\.1:(\d+)", quire.stderr.readline()).group(1))
        taken = subprocess.run([BUILD / "quire", "bare", "--gdb", str(port), endless], capture_output=True, text=True)
        assert taken.returncode == 3
        assert f"127.0.0.1:{port}: Address already in use" in taken.stderr and taken.stderr.count("\n") == 1
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS) as client:
            client.sendall(b"$QStartNoAckMode#b0")
            received = b""
            while b"$OK#9a" not in received:
                received += client.recv(100)
            client.sendall(b"$vCont;c#a8")
            time.sleep(0.3)
            client.sendall(b"\x03")
            reply = client.recv(1000)
            assert reply.startswith(b"$T02thread:1;"), reply
            client.sendall(b"$k#6b")
            assert client.recv(100) == b""
        assert quire.wait(timeout=TIMEOUT_SECONDS) == 130
    finally:
        if quire.poll() is None:
            quire.kill()
        quire.stderr.close()


class Raw:
    """A client of the protocol itself, without acknowledgements."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT_SECONDS)
        self.socket.connect(str(path))
        self.received = b""
        self.ask("QStartNoAckMode")

    def send(self, payload, *, then=b""):
        self.socket.sendall(b"$%s#%02x" % (payload.encode(), sum(payload.encode()) & 0xFF) + then)

    def answer(self):
        while (found := re.search(rb"\$([^#]*)#..", self.received)) is None:
            bytes_read = self.socket.recv(4096)
            assert bytes_read, "the connection has ended"
            self.received += bytes_read
        self.received = self.received[found.end():]
        return found.group(1).decode()

    def ask(self, payload):
        self.send(payload)
        return self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def test_ctrl_c_right_behind_the_resumption_stops(session, endless):
    one = session("bare", endless)
    with Raw(one.socket) as client:
        client.send("vCont;c", then=b"\x03")
        client.socket.settimeout(20)
        assert client.answer().startswith("T02thread:1;")
        client.send("k")
    assert one.end()[0] == 130


def test_who_comes_again_is_told_where_the_guest_is_now(session, tmp_path):
    one = session("bare", assemble(tmp_path, "_start: nop\n1: addi a0, a0, 1\n j 1b\n"))
    with Raw(one.socket) as client:
        start = client.ask("p20")
        assert client.ask("?") == f"T05thread:1;20:{start};"
        assert client.ask("D") == "OK"
    now = start
    while now == start:  # it runs on, but perhaps not at once, and never comes to its start again
        with Raw(one.socket) as client:
            told, now = client.ask("?"), client.ask("p20")
            assert told == f"T05thread:1;20:{now};"
            client.send("D" if now == start else "k")
    assert one.end()[0] == 130


HELD_SECONDS = 3


def test_the_seconds_of_a_run_are_those_of_the_guest(session, bare_program, tmp_path):
    one = session("bare", f"--json={tmp_path / 'run.json'}", bare_program)
    with Raw(one.socket) as client:
        time.sleep(HELD_SECONDS)
        client.ask("vCont;s:1")
        time.sleep(0.5)
        assert client.ask("vCont;c") == "W17"
    assert one.end()[0] == 0o27
    assert 0 < json.loads((tmp_path / "run.json").read_text())["seconds"] < HELD_SECONDS


def test_a_stalled_reader_has_the_timeout_from_when_the_guest_runs(session, tmp_path):
    program = assemble(tmp_path, "_start: li a0, 0x10000000\n li a1, 'x'\n1: sb a1, 0(a0)\n j 1b\n")
    one = session("bare", "--timeout", HELD_SECONDS, program)  # nobody reads its standard output
    with Raw(one.socket) as client:
        time.sleep(HELD_SECONDS + 0.5)
        begin = time.monotonic()
        client.send("vCont;c")
        assert one.quire.wait(timeout=TIMEOUT_SECONDS) == 124
        assert time.monotonic() - begin > HELD_SECONDS - 0.5
    assert "(--timeout)" in one.end()[2]


@pytest.mark.parametrize("address", ["", "x", "70000", "host:", "unix:", "1:2:x"])
def test_bad_addresses_are_usage_errors(address, bare_program):
    done = subprocess.run([BUILD / "quire", "bare", "--gdb", address, bare_program], capture_output=True, text=True)
    assert done.returncode == 2
    assert "is not [HOST:]PORT or unix:PATH" in done.stderr and done.stderr.count("\n") == 1
