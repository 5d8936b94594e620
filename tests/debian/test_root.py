"""A Debian riscv64 tree as the guest's root: dynamically linked bash and coreutils, as trixie has them."""

import hashlib
import os
import subprocess

import pytest
from .conftest import BUILD, TIMEOUT_SECONDS
from .trees import debian_tree


@pytest.fixture(scope="session")
def tree():
    return debian_tree("tools")


def listing(root):
    """Everything of a tree that a change would show in."""
    return {
        path: (s.st_mode, s.st_size, s.st_mtime_ns, s.st_ctime_ns)
        for folder, _, files in os.walk(root)
        for path in [folder, *(os.path.join(folder, f) for f in files)]
        for s in [os.lstat(path)]
    }


def run(root, script, *options, program="/bin/bash", stdin=b""):
    words = [program, "-c", script] if program == "/bin/bash" else [program, *script]
    return subprocess.run(
        [BUILD / "quire", "run", f"--timeout={TIMEOUT_SECONDS}", "--root", root, *options, *words],
        input=stdin, capture_output=True, timeout=TIMEOUT_SECONDS + 30,
    )  # fmt: skip


SCRIPT = r"""
set -e
echo "pipes: $(printf '%s\n' c a b | sort | tr '\n' ' ' | sed 's/ $//')"
(cd /usr && x=inner && echo "subshell: $PWD $x"); echo "outer: ${x:-none}"
cat <<END | tr a-z A-Z
here $((6 * 7))
END
diff() { local a b; while read -r a <&3 && read -r b <&4; do [ "$a" = "$b" ] || echo "$a|$b"; done 3<"$1" 4<"$2"; }
diff <(echo one; echo two) <(echo one; echo 2)
trap 'echo "trapped TERM"' TERM; kill -TERM $$
sleep 0.1 & wait $!; echo "job: $?"
set +e; timeout 0.2 sleep 5; echo "timeout: $?"; (exit 3); echo "status: $?"
trap 'echo bye' EXIT
"""
OUTPUT = """\
pipes: a b c
subshell: /usr inner
outer: none
HERE 42
two|2
trapped TERM
job: 0
timeout: 124
status: 3
bye
"""


def test_bash_runs_a_script(tree):
    before = listing(tree)
    done = run(tree, SCRIPT)
    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (0, OUTPUT, "")
    assert listing(tree) == before


def test_programs_are_named_by_their_path_in_the_root(tree):
    done = run(tree, ["hello"], program="/usr/bin/echo")
    assert (done.returncode, done.stdout) == (0, b"hello\n")
    done = run(tree, ["hello"], program="/usr/bin/absent")
    assert done.returncode == 3
    assert b"/usr/bin/absent" in done.stderr and b"ENOENT" in done.stderr


def test_writes_are_thrown_away(tree):
    before = listing(tree)
    done = run(tree, "rm -rf /usr/share/doc /var; echo new > /etc/new; mv /etc/debian_version /etc/v; cat /etc/new /etc/v;"
                     " cp -a /etc /etc2; ls -A /usr/share/doc 2>&1; sync")  # fmt: skip
    assert done.stdout.decode().splitlines() == [
        "new", (tree / "etc/debian_version").read_text().strip(),
        "/usr/bin/ls: cannot access '/usr/share/doc': No such file or directory"
        if b"/usr/bin/ls" in done.stdout else "ls: cannot access '/usr/share/doc': No such file or directory",
    ]  # fmt: skip
    assert listing(tree) == before


def test_coreutils_on_real_files(tree):
    sums = run(tree, "cd /usr/bin && sha256sum bash sort ls").stdout.decode()
    for line in sums.splitlines():
        digest, name = line.split()
        assert digest == hashlib.sha256((tree / "usr/bin" / name).read_bytes()).hexdigest()
    assert len(sums.splitlines()) == 3
    done = run(tree, "seq 100000 | sort -r | sha256sum; seq 100000 > /tmp/a; cp /tmp/a /tmp/b; cmp /tmp/a /tmp/b && wc /tmp/b")
    numbers = "".join(f"{n}\n" for n in sorted(map(str, range(1, 100_001)), reverse=True)).encode()
    assert done.stdout.decode().splitlines()[0].split()[0] == hashlib.sha256(numbers).hexdigest()
    assert done.stdout.decode().splitlines()[1].split() == ["100000", "100000", "588895", "/tmp/b"]


def test_the_whole_tree_is_seen(tree):
    """Names, sizes and link targets of every file, as the host sees them."""
    done = run(tree, r"find / \( -path /proc -o -path /dev -o -path /sys \) -prune -o \( -type f -o -type l \) -printf '%P\t%y\t%s\t%l\n' | LC_ALL=C sort")
    theirs = []
    for folder, folders, files in os.walk(tree):
        for name in files + [f for f in folders if os.path.islink(os.path.join(folder, f))]:
            path = os.path.join(folder, name)
            link = os.readlink(path) if os.path.islink(path) else ""
            theirs.append("\t".join([os.path.relpath(path, tree), "l" if link else "f", str(os.lstat(path).st_size), link]))
    assert done.stdout.decode().splitlines() == sorted(theirs, key=str.encode)


def test_tar_and_gzip_round_trip(tree):
    done = run(tree, "cd /tmp && tar czf t.tgz -C / etc usr/lib/os-release && mkdir x && tar xzf t.tgz -C x && "
                     "(cd / && find etc -type f | sort | xargs sha256sum) > 1 && (cd x && find etc -type f | sort | xargs sha256sum) > 2 && "
                     "cmp 1 2 && wc -l < 1")  # fmt: skip
    assert done.returncode == 0, done.stderr
    files = sum(os.path.isfile(p) and not os.path.islink(p) for p in (os.path.join(d, f) for d, _, fs in os.walk(tree / "etc") for f in fs))
    assert int(done.stdout) == files


def test_a_writable_root_is_written(tree, tmp_path):
    copy = tmp_path / "root"
    subprocess.run(["cp", "-a", tree, copy], check=True)
    done = run(f"{copy}:rw", "echo made > /etc/made && mkdir -p /srv/a/b && ln -s ../made /srv/a/link && rm /etc/issue && "
                             "chmod 600 /etc/made && printf x >> /etc/debian_version && tar cf /srv/t.tar /etc && exit 5")  # fmt: skip
    assert (done.returncode, done.stderr) == (5, b"tar: Removing leading `/' from member names\n")
    assert (copy / "etc/made").read_text() == "made\n"
    assert (copy / "etc/made").stat().st_mode & 0o777 == 0o600
    assert os.readlink(copy / "srv/a/link") == "../made"
    assert not (copy / "etc/issue").exists()
    assert (copy / "etc/debian_version").read_text().endswith("x")
    names = subprocess.run(["tar", "tf", copy / "srv/t.tar"], capture_output=True, text=True, check=True).stdout
    assert "etc/made" in names.splitlines()


def test_shares_beside_the_root(tree, tmp_path):
    (tmp_path / "in").write_text("".join(f"{n}\n" for n in range(5000)))
    done = run(tree, "cd /mnt/s && sort -rn in > out && tail -n 1 out && mv out moved && ln moved hard && rm in && "
                     "dd if=moved of=moved bs=1 seek=3 conv=notrunc count=2 status=none; stat -c '%h %s' hard",
               "--share", f"{tmp_path}:/mnt/s:rw")  # fmt: skip
    assert done.stderr == b""
    assert done.stdout.decode().splitlines()[:2] == ["0", "2 23890"]
    expected = "".join(f"{n}\n" for n in reversed(range(5000)))
    assert (tmp_path / "moved").read_text() == expected[:3] + expected[:2] + expected[5:]
    assert (tmp_path / "hard").stat().st_nlink == 2
    assert not (tmp_path / "in").exists()


def test_df_finds_the_mounts(tree):
    done = run(tree, "df --output=source,target / /dev/shm | tail -n +2")
    assert done.stdout.decode().split() == ["quire.root", "/", "tmpfs", "/dev/shm"], done.stderr


def test_runs_repeat(tree):
    def digest():
        done = run(tree, "find /etc | wc -l; sha256sum /usr/bin/sort; ls -lR /etc > /tmp/l; rm -r /var", "--digest", "--json")
        assert done.returncode == 0, done.stderr
        return done.stdout, [w for w in done.stderr.decode().split('"') if len(w) == 16 or "icount" in w][:4], done.stderr

    first, second = digest(), digest()
    of_the_clock = ("seconds", "mips", "_ns")
    strip = lambda text: [
        w for w in text.decode().replace(",", "\n").split("\n") if not any(name in w for name in of_the_clock)
    ]
    assert first[0] == second[0]
    assert strip(first[2]) == strip(second[2])
