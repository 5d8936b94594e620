"""Programs nobody here wrote or built: Debian's own static binaries, with the output they have under qemu-riscv64."""

import re

import pytest
from .cases import CASES


def comparable(text, emulated_tools):
    """Process numbers differ, and so do the places of the applets."""
    text = text.decode(errors="surrogateescape").replace(f"{emulated_tools}/", "/bin/")
    return re.sub(r"\b(pid\W+|tini \()\d+", r"\1N", text)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.program}-{c.name}")
def test_as_under_qemu_user(case, folder, on_quire, on_qemu_user, emulated_tools, made_files):
    for name, content in case.files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        made_files[content](path) if isinstance(content, str) else path.write_bytes(content)

    def command(box):
        return [box if arg == "@BB" else arg.replace("{D}", str(folder)) for arg in case.command()]

    ours = on_quire(case.program, command("/bin/busybox"), case.stdin, case.tools)
    if case.stated:
        assert (ours.status, ours.stdout.decode()) == case.stated
        return
    theirs = on_qemu_user(case.program, command(str(emulated_tools / "busybox")), case.stdin, case.tools)
    assert comparable(ours.stdout, emulated_tools) == comparable(theirs.stdout, emulated_tools)
    assert comparable(ours.stderr, emulated_tools) == comparable(theirs.stderr, emulated_tools)
    assert ours.status == theirs.status
