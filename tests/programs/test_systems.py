"""Some test programs under Debian's Linux on our board: they say there what they say on the supervisor (`./x programs`)."""

from . import systems
from .program import PROGRAMS, compile_program

NAMES = ["hello", "cow", "guards", "map_grow", "map_kinds", "map_move", "map_programs", "vma_list", "advice", "futexes", "sysv_shm",
         "jobs", "exec", "stack_limit", "efault", "signals"]  # fmt: skip


def test_linux_on_the_same_board_agrees(tmp_path):
    chosen = {p.name: p for p in PROGRAMS if p.name in NAMES}
    answers = systems.on_linux([("static", compile_program(p, "static", tmp_path)) for p in chosen.values()], tmp_path)
    assert sorted(answers) == sorted(("static", name) for name in NAMES)
    for (_, name), answer in answers.items():
        assert answer.status == chosen[name].status, (name, answer)
        if chosen[name].stated is not None:
            assert answer.stdout.decode() == chosen[name].stated.decode(), name
