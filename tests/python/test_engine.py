"""Which engine runs a machine: chosen in Python, on the command line and by the environment; seen by nothing else."""

import ctypes
import json
import resource
import subprocess

import pytest
import quire

from .conftest import SANITIZED

FORKING = r"""
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  double sum = 0;
  for (int i = 1; i < 20000; i++) sum += 1.0 / i;
  if (fork() == 0) return 3;
  int status;
  wait(&status);
  printf("%.6f %d\n", sum, WEXITSTATUS(status));
  return 0;
}
"""


def invoke(quire_command, *words, **options):
    return subprocess.run([str(quire_command), *map(str, words)], capture_output=True, text=True, timeout=120, **options)


def test_results_do_not_depend_on_the_engine(compile_c):
    program = compile_c(FORKING)
    interpreted, translated = (quire.run(program, engine=engine) for engine in ("interp", "jit"))
    assert translated.stdout == interpreted.stdout == b"10.480678 3\n"
    assert translated.digest == interpreted.digest
    assert translated.stats == interpreted.stats
    assert (interpreted.config["engine"], translated.config["engine"]) == ("interp", "jit")


def test_a_snapshot_of_one_engine_goes_on_in_the_other(compile_c, tmp_path):
    saved = tmp_path / "middle.qs"
    with quire.Machine.supervisor(engine="interp") as m:
        m.spawn([compile_c(FORKING)])
        m.run(max_insns=300_000)
        m.snapshot().save(saved)
        m.run(max_insns=1_000_000)
        expected = m.digest
    with quire.Machine.supervisor(engine="jit") as m:
        m.restore(quire.Snapshot.load(saved))
        m.run(max_insns=1_000_000)
        assert m.digest == expected


def test_the_command_says_what_its_engine_did(quire_command, compile_c):
    done = invoke(quire_command, "run", "--engine", "jit,threshold=2", "--stats", "--json", compile_c(FORKING))
    assert done.returncode == 0, done.stderr
    assert "engine        jit: " in done.stderr
    facts = json.loads(done.stderr[done.stderr.index("{") :])
    assert facts["config"]["engine"] == "jit"
    assert facts["engine"]["links"] > 100
    assert facts["engine"]["blocks_built"] > 100


def test_the_environment_chooses_where_nothing_else_does(quire_command, compile_c, monkeypatch):
    monkeypatch.delenv("QUIRE_ENGINE", raising=False)
    with quire.Machine.supervisor() as m:
        assert m.config["engine"] == "jit"
    monkeypatch.setenv("QUIRE_ENGINE", "interp")
    with quire.Machine.supervisor() as m:
        assert m.config["engine"] == "interp"
    with quire.Machine.supervisor(engine="jit") as m:
        assert m.config["engine"] == "jit"
    monkeypatch.setenv("QUIRE_ENGINE", "quick")
    done = invoke(quire_command, "run", compile_c(FORKING))
    assert done.returncode == 2
    assert done.stderr == "quire: the environment variable QUIRE_ENGINE: 'quick' is no engine; there are 'auto', 'interp' and 'jit'\n"


@pytest.mark.parametrize(
    "spec, problem",
    [
        ("fast", "'fast' is no engine; there are 'auto', 'interp' and 'jit'"),
        ("jit,threshold=255", "'threshold=255' in the engine 'jit,threshold=255' is none of"),
        ("jit,code=3M", "3145728 bytes are no room for translated code: give 2M to 1G, in steps of 2M"),
        ("jit,off=f+vector", "the translator has no 'vector' to turn off; there are i, m, a, f, d, c, "),
        ("auto,off=", "the translator has no '' to turn off; there are i, "),
        ("jit,", "'' in the engine 'jit,' is none of"),
        ("interp,threshold=3", "'threshold=3' in the engine 'interp,threshold=3' is the translator's; 'interp' has no settings"),
    ],
)
def test_impossible_engines_are_usage_errors(quire_command, compile_c, spec, problem):
    done = invoke(quire_command, "run", "--engine", spec, compile_c(FORKING))
    assert done.returncode == 2
    assert done.stderr.startswith(f"quire: {problem}")
    with pytest.raises(quire.UsageError, match="engine|room|turn off"):
        quire.Machine.supervisor(engine=spec)


def test_a_group_that_is_off_is_done_by_calls(compile_c):
    program = compile_c(FORKING)
    whole, without = (quire.run(program, engine=engine) for engine in ("jit", "jit,off=d+f"))
    assert without.digest == whole.digest and without.stdout == whole.stdout
    assert without.stats.engine.calls_by["float"] > whole.stats.engine.calls_by["float"] + 50_000


def test_the_engine_counts_what_it_does(compile_c, quire_command):
    program = compile_c(FORKING)
    engine = quire.run(program, engine="jit,threshold=2").stats.engine
    assert engine.name == "jit" and engine.instead == ""
    assert sum(engine.calls_by.values()) == engine.calls > 0
    assert sum(engine.dropped_by.values()) == engine.blocks_dropped + engine.blocks_remade
    assert engine.blocks_built > 100 and engine.links > 100 and engine.cold_jumps > 100
    assert 0 < engine.translate_ns < engine.run_ns and 0 < engine.outside_ns < engine.run_ns
    facts = json.loads(invoke(quire_command, "run", "--engine", "jit,threshold=2", "--json", program).stderr)
    assert {*facts["engine"], "name"} == set(engine.__slots__)
    assert facts["engine"]["blocks_built"] > 100
    interpreted = quire.run(program, engine="interp").stats.engine
    assert interpreted.name == "interp" and interpreted.calls == interpreted.run_ns == 0 < interpreted.blocks_built


def test_auto_is_the_translator_or_says_why_not(quire_command, compile_c):
    program = compile_c(FORKING)
    done = invoke(quire_command, "run", "--engine", "auto", "--stats", program)
    assert done.stdout == "10.480678 3\n"
    assert "engine        jit: " in done.stderr
    with quire.Machine.supervisor(engine="auto") as m:
        assert m.config["engine"] == "jit"

    if SANITIZED:
        return

    def preexec():
        """Room for the machine, and not for a gigabyte of code."""
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    done = invoke(quire_command, "run", "--engine", "auto,code=1G", "--stats", program, preexec_fn=preexec)
    assert (done.returncode, done.stdout) == (0, "10.480678 3\n")
    assert "engine        interp: " in done.stderr
    assert "no translator: the host gives the translator no memory to run code from" in done.stderr
    done = invoke(quire_command, "run", "--engine", "jit,code=1G", program, preexec_fn=preexec)
    assert done.returncode == 3


def test_what_sees_every_instruction_is_the_same_by_both_engines(compile_c):
    """The translator has the interpreter stand in for it, from the next instruction on and back again."""

    def seen(engine):
        with quire.Machine.supervisor(engine=engine) as m:
            m.spawn([compile_c(FORKING)])
            m.run(max_insns=300_000)
            pcs = []
            hook = m.on.insn()(lambda event: pcs.append(event.pc))
            m.run(max_insns=5_000)
            hook.remove()
            m.run(max_insns=300_000)
            return pcs, m.icount, m.digest

    assert seen("jit") == seen("interp")


def test_a_host_without_memory_for_code_says_so(quire_command, compile_c):
    """Where what was writable cannot become executable, as some systems are set up: prctl(PR_SET_MDWE)."""

    def preexec():
        ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)

    done = invoke(quire_command, "run", "--engine", "jit", compile_c(FORKING), preexec_fn=preexec)
    if done.returncode == 0:
        pytest.skip("this host's kernel has no PR_SET_MDWE (Linux 6.3)")
    assert done.returncode == 3
    assert "no memory to run code from" in done.stderr and "use the engine 'interp'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
