"""A hundredth of `./x soak`: hostile system calls, malformed executables, allocations that fail, and code without end."""

from . import allocations, generated_code, hostile_calls, hostile_files


def test_random_calls_from_several_processes_harm_nobody(tmp_path):
    calls, complaints = hostile_calls.hostile_calls(tmp_path, seeds=[100], slices=160)
    assert not complaints, complaints[0]
    assert calls > 150_000


def test_malformed_executables_give_an_errno_or_a_process_that_ends(tmp_path):
    executed, complaints = hostile_files.hostile_files(tmp_path, seeds=[100], count=200)
    assert not complaints, complaints[0]
    assert executed == 200


def test_each_failing_allocation_is_survived(tmp_path):
    """Of the first 2,000 every hundredth, once and for good, of frames and of the heap."""
    failures = [f"{n}{form}" for n in range(20, 2000, 100) for form in ("", "+")]
    failures += [f"heap:{n}{form}" for n in range(60, 6000, 600) for form in ("", "+")]
    outcomes, complaints = allocations.fail_each(tmp_path, failures)
    assert not complaints, complaints[0]
    # They did fail: it was seen in most of the runs, as an errno or as a process that was killed.
    assert outcomes["nothing is to be seen"] < len(failures) / 4


def test_failing_allocations_lose_nothing_of_a_root_by_9p(tmp_path):
    """Those of the first look-ups, where what cannot be given back to the server would be in the next one's way."""
    failures = [*(f"heap:{n}" for n in range(1, 60)), *(f"{n}" for n in range(1, 120, 4))]
    _, complaints = allocations.fail_each(tmp_path, failures, files=allocations.Files.BY_9P)
    assert not complaints, complaints[0]


def test_code_that_is_generated_without_end_takes_bounded_memory_that_is_never_writable_and_executable(tmp_path):
    outcome, complaints = generated_code.generated_code(tmp_path, generated_code.SHORT, lambda looks: len(looks) < 6)
    assert not complaints, complaints[0]
    assert outcome.looks[-1].made == 6 * generated_code.SHORT.functions
