"""Random system calls from several processes at once (calls.c), by seeds; the canary's memory, the end and what is left are watched."""

from pathlib import Path

from . import machine

CALLS_A_SLICE = 1500
# What a slice asks for itself: signals every 32 calls, its descriptors and start. Left out of the count.
OWN_SHARE = 0.2
MAX_INSNS_A_CALL = 20_000  # ten times the mean


def hostile_calls(out: Path, seeds, slices: int, say=lambda text: None) -> tuple[int, list[str]]:
    """Returns about how many random calls were made, and all that went wrong."""
    program = machine.compile_program("calls", out)
    calls, complaints = 0, []
    for seed in seeds:
        run = machine.run(program, str(seed), str(slices), str(CALLS_A_SLICE), options=["--seed", str(seed)],
                          max_insns=slices * CALLS_A_SLICE * MAX_INSNS_A_CALL)  # fmt: skip
        complaint = run.complaint()
        if complaint is None and (run.status != 0 or not run.out.startswith("alive")):
            complaint = f"the keeper ended with {run.status}: {' '.join(run.command)}\n{run.out}\n{run.err}"
        if complaint:
            complaints.append(complaint)
            say(complaint)
            continue
        calls += int(run.system_calls * (1 - OWN_SHARE))
        say(f"  seed {seed}: {run.system_calls} system calls, {run.instructions} instructions; {run.out.strip()}")
    return calls, complaints
