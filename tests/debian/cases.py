"""What the Debian programs are asked to do. qemu-riscv64 running the same binary says what comes of it, but for the
few cases that state it: there that emulator's execve, which the host does, changes the outcome."""

import dataclasses


def numbers(count, seed=1):
    """The same pseudo-random numbers everywhere (a 32-bit linear congruential generator)."""
    values = []
    for _ in range(count):
        seed = (seed * 1664525 + 1013904223) & 0xFFFF_FFFF
        values.append(seed >> 8)
    return values


WORDS = "walk table leaf entry page frame fault copy write read map share trap hart supervisor user".split()
TEXT = "".join(
    f"{n % 977:03d} {WORDS[n % 16]} {WORDS[n // 16 % 16]} {n % 10007}\n" for n in numbers(3000)
).encode()
BINARY = b"".join(n.to_bytes(3, "little") for n in numbers(50_000, 7))  # 150 kB that does not compress


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    program: str
    script: str = ""  # given to a shell with -c
    args: tuple[str, ...] = ()  # {D}: the case's directory; @BB: busybox
    stdin: bytes = b""
    files: dict = dataclasses.field(default_factory=dict, hash=False)  # contents, or the name of what a fixture makes
    tools: tuple[str, ...] = ()  # further programs, their paths in variables: e2fsck in $E2FSCK
    stated: tuple[int, str] | None = None  # status and output

    def command(self):
        if not self.script:
            return list(self.args)
        return [*(["sh"] if self.program == "busybox" else []), "-c", self.script]


T = {"text": TEXT}
B = {"binary": BINARY}
TREE = "mkdir -p t/a/b t/c; seq 100 > t/a/hundred; echo x > t/a/b/x; : > t/c/empty; ln -s ../a/hundred t/c/link; "

BUSYBOX = [
    Case("sort", "busybox", args=("sort", "-k2,2", "-k4,4nr", "-u", "text"), files=T),
    Case("sort-stdin", "busybox", args=("sort", "-n"), stdin=TEXT),
    Case("sed", "busybox", args=("sed", "-n", "-E", r"s/^([0-9]+) (\w+) (\w+)/\3-\2:\1/; /fault/{N;s/\n/|/;p}", "text"), files=T),
    Case("awk", "busybox", "awk '{n[$2]++; s[$2]+=$4; q+=sqrt($4)} END {for (k in n) print k, n[k], s[k]/n[k]; printf \"%.6f\\n\", q}' text | sort", files=T),
    Case("grep", "busybox", args=("grep", "-E", "-n", "-i", "(PAGE|frame) .*7$", "text"), files=T),
    Case("grep-nothing", "busybox", args=("grep", "absent", "text"), files=T),
    Case("find", "busybox", TREE + "find t -type f -size +0 | sort; find t -type l"),
    Case("find-exec", "busybox", TREE + "find t -name '*n*' -exec wc -c {} + | sort",
         stated=(0, "      292 t/a/hundred\n      292 t/c/link\n      584 total\n")),
    Case("tar-gzip", "busybox", TREE + "tar cf - t | gzip -9 > t.tgz; rm -r t; tar xzf t.tgz; find t | sort; cat t/c/link | tail -n 2; gunzip < t.tgz | tar tf - | sort"),
    Case("gzip-binary", "busybox", "gzip -c binary | gunzip | cmp - binary && echo same", files=B),
    Case("bzip2", "busybox", "bzip2 -k text; bunzip2 -c text.bz2 | cmp - text && ls text* ", files=T),
    Case("digests", "busybox", "for d in md5sum sha1sum sha256sum sha512sum sha3sum crc32; do $BB $d text binary; done", files=T | B),
    Case("dd", "busybox", "dd if=binary of=out bs=777 skip=3 seek=5 count=40 2>/dev/null; wc -c out; sha256sum out; dd if=out bs=1 skip=3880 count=20 2>/dev/null | od -An -tx1", files=B),
    Case("od", "busybox", "od -c text | head -n 5; od -An -td2 -N64 -j100 binary; hexdump -C binary | tail -n 4; xxd -l 40 binary", files=T | B),
    Case("bc", "busybox", args=("bc", "-l"), stdin=b"2^300\nscale=60\n4*a(1)\nsqrt(2)\ndefine f(n) { if (n<2) return n; return f(n-1)+f(n-2); }\nf(15)\nobase=16\n2^64-1\n"),
    Case("dc", "busybox", args=("dc",), stdin=b"40k 2v p 2 100^ p 17 5 ~ f 3 2 7 | p\n"),
    Case("wc", "busybox", args=("wc", "text", "binary"), files=T | B),
    Case("seq-factor", "busybox", "seq -w 1 7 40; factor 18446744073709551615 1000000007 1000000016000000063"),
    Case("diff-patch", "busybox", "sed 's/fault/FAULT/; 20d' text > new; diff -u text new | sed 1,2d > p; wc -l p; head -n 20 p; (echo '--- text'; echo '+++ text'; cat p) | patch -p0 && cmp text new && echo equal", files=T),
    Case("cpio", "busybox", TREE + "find t | sort | cpio -o -H newc > a 2>/dev/null; mkdir o; cd o; cpio -id < ../a 2>/dev/null; find . | sort; cpio -t < ../a 2>/dev/null"),
    Case("encodings", "busybox", "base64 binary | tail -n 2; base64 binary | base64 -d | cmp - binary; uuencode n < text | uudecode -o back; cmp back text && echo same", files=T | B),
    Case("text-tools", "busybox", "cut -d' ' -f2,3 text | tr a-z A-Z | sort | uniq -c | sort -rn | head -n 5 | tee kept | nl; rev kept | tac; paste kept kept | expand -t 20 | fold -w 30; head -n 3 text | xargs -n 2 echo", files=T),
    Case("ed", "busybox", args=("ed", "-p", ">", "text"), stdin=b"1,5p\n3s/ /_/g\n3\n/fault/\n$=\nw copy\nq\n", files=T),
    Case("sh-functions", "busybox", "fib() { if [ $1 -lt 2 ]; then echo $1; else echo $(( $(fib $(($1-1))) + $(fib $(($1-2))) )); fi; }; fib 9; set -- a 'b c' d; for x; do echo \"<$x>\"; done; case abc in a*) echo a;; esac; echo ${1:-no}${9:-default}; printf '%05d|%-6s|%x\\n' 42 hi 255"),
    Case("sh-here", "busybox", "x=5; cat <<A | sed 's/^/> /'\nvalue $x $((x*x)) $(echo nested)\nA\ncat <<'B'\nraw $x\nB\nexec 3>f; echo three >&3; exec 3>&-; cat < f; (exit 9); echo $?"),
    Case("sh-jobs", "busybox", "for i in 1 2 3 4 5; do (sleep 0.0$i; exit $i) & p=\"$p $!\"; done; for q in $p; do wait $q; echo $?; done; trap 'echo caught' TERM; (kill -TERM $$) & wait; sleep 0.05; echo end"),
    Case("sh-killed", "busybox", "sleep 100 & kill -9 $!; wait $! 2> /dev/null; echo $?; kill -SEGV $$"),
    Case("timeout", "busybox", "timeout 0.1 sleep 9; echo $?; timeout -s KILL 0.1 sleep 9; echo $?; timeout 9 echo in time",
         stated=(0, "143\n137\nin time\n")),
    Case("sh-exit", "busybox", "trap 'echo leaving' EXIT; false || exit 42"),
    Case("fifo", "busybox", "mkfifo f; (seq 2000 > f) & awk '{s+=$1} END {print s, NR}' f; wait; rm f; ls"),
    Case("pipes-long", "busybox", "seq 20000 | cat | cat | cat | tail -n +19998 | cat; yes | head -n 100000 | wc -c"),
    Case("files", "busybox", "umask 022; echo 12345 > f; chmod 640 f; ln f g; ln -s f s; stat -c '%n %s %a %h %F' f g s; readlink s; test -L s && test f -ef g && echo linked; mkdir d; mv g d/h; cp -a d e; ls -R; truncate -s 1M big; du -k f; wc -c big; touch -d @86400 f; stat -c %Y f; date -u -r f; rm -rf d e; echo *"),
    Case("date", "busybox", "date -u -d @1700000000 '+%Y-%m-%d %H:%M:%S %a %b %j'; date -u -d '2024-02-29 12:00' +%s; cal 2 2024"),
    Case("devices", "busybox", "head -c 4096 /dev/zero | sha1sum; head -c 100 /dev/urandom | wc -c; echo lost > /dev/null; cat /dev/null | wc -c; echo x > /dev/full; echo $?; ls -l /dev/null | cut -c1-10"),
    Case("limits-errors", "busybox", "cat absent; echo $?; cd absent; mkdir a/b/c; rmdir .; rm absent; ls absent; absent_command; echo $?; ./text; echo $?; cat < absent; echo last", files=T),
    Case("ar", "busybox", "for i in 1 2 3; do seq $i > m$i; done; echo '!<arch>' > l.a; for i in 1 2 3; do printf '%-16s%-12s%-6s%-6s%-8s%-10s`\\n' m$i/ 0 0 0 644 $(wc -c < m$i); cat m$i; [ $((i % 2)) = 1 ] && [ $i != 2 ] || :; done >> l.a; ar t l.a; echo $?"),
    Case("cmp-strings", "busybox", "cp text a; printf X | dd of=a bs=1 seek=1000 conv=notrunc 2>/dev/null; cmp text a; echo $?; strings -n 6 binary | head -n 5", files=T | B),
]  # fmt: skip

BASH = [
    Case("arrays", "bash", "a=(3 1 2); a+=(x); declare -A m=([k]=v [two words]=w); echo ${#a[@]} ${a[@]:1:2} ${!m[@]} ${m[two words]}; unset 'a[1]'; echo ${!a[@]}; printf '%s,' \"${a[@]/x/y}\"; echo ${a[-1]^^}"),
    Case("subshells", "bash", "x=1; (x=2; (x=3; echo $x); echo $x); echo $x; for i in {1..20}; do (echo $((i*i))); done | while read -r n; do ((s+=n)); echo $s; done | $BB tail -n 1; echo ${PIPESTATUS[@]}"),
    Case("process-substitution", "bash", "while read -r l; do echo \"[$l]\"; done < <(for i in 1 2 3; do echo line $i; done); exec 5< <(echo five); read -u 5 y; echo $y"),
    Case("coprocess", "bash", "coproc { while read -r l; do echo \"got $l\"; done; }; echo one >&${COPROC[1]}; read -r a <&${COPROC[0]}; echo two >&${COPROC[1]}; read -r b <&${COPROC[0]}; echo $a, $b"),
    Case("traps", "bash", "trap 'echo usr1' USR1; trap 'echo chld' CHLD; trap 'echo bye $?' EXIT; kill -USR1 $$; (exit 3); wait; set -e; false; echo never"),
    Case("regex-strings", "bash", "s='virtual address 0x3fffffe000'; [[ $s =~ (0x[0-9a-f]+) ]] && echo ${BASH_REMATCH[1]} $((BASH_REMATCH[1] >> 12)); echo ${s//[aeiou]/_} ${#s} ${s: -5} ${s%% *}; printf '%q %.3f %08x\\n' \"a b'c\" 3.14159 48879"),
    Case("mapfile", "bash", "mapfile -t l < text; echo ${#l[@]}; for ((i=0; i<${#l[@]}; i+=500)); do echo \"$i ${l[i]}\"; done; n=0; for x in \"${l[@]}\"; do [[ $x == *fault*page* ]] && ((n++)); done; echo $n", files=T),
    Case("recursion", "bash", "f() { (( $1 == 0 )) && return 0; f $(($1-1)); }; f 500 && echo deep; ack() { if (($1==0)); then r=$(($2+1)); elif (($2==0)); then ack $(($1-1)) 1; else ack $1 $(($2-1)); ack $(($1-1)) $r; fi; }; ack 2 4; echo $r"),
    Case("redirections", "bash", "exec 3>&1 4>err; { echo out; echo err >&2; } 2>&4 >&3; cat() { while IFS= read -r l; do echo \"$l\"; done; }; exec 4>&-; cat < err; cat <<< 'here string'; echo a > f; echo b >> f; cat < f; set -C; echo c > f; echo $?; read -t 0.05 z < /dev/zero; echo $?"),
    Case("external", "bash", "$BB seq 10 | $BB tail -n 3; $BB sh -c 'exit 5'; echo $?; x=$($BB expr 6 \\* 7); echo $x; $BB sleep 0.01 & wait $!; echo $?; exec $BB echo replaced"),
    Case("killed", "bash", "kill -KILL $$"),
    Case("wait-n", "bash", "for i in 3 1 2; do (read -t 0.$i < /dev/tty; : ; for ((j=0;j<i*3000;j++)); do :; done; exit $i) 2>/dev/null & done; s=0; for k in 1 2 3; do wait -n; ((s+=$?)); done; echo $s; jobs | while read l; do echo $l; done"),
    Case("script-stdin", "bash", args=("-s", "first", "second"), stdin=b'echo "$# $1 $2"\nread -r line\nthis is read\necho "<$line>"\nexit 17\n'),
]  # fmt: skip

ZSH = [
    Case("sorting", "zsh", "emulate zsh; a=(30 1 200 x b); print -l ${(on)a} ${(Oa)a}; print ${(j:-:)a} ${(U)a[5]} $#a ${a[(r)2*]}"),
    Case("floats", "zsh", "print $(( 1.0/3 )) $(( 2**0.5 )) $(( 22/7. )) $((16#ff)); printf '%.10f %g %e\\n' 1e-7 1e20 12345.678"),
    Case("globs", "zsh", "for i in 1 2 3; do print $i > f$i.txt; done; : > empty; print *.txt f<2->.txt *(.L0) ; setopt extendedglob; print ^*.txt; [[ abc = (#i)ABC ]] && print same"),
    Case("loops", "zsh", "integer s=0; for ((i=0; i<20000; i++)); do (( s += i ^ 5 )); done; print $s; repeat 3 print -n r; print; print ${(l:8::0:)s}"),
    Case("substitution", "zsh", "while read -r x; do print \"<$x>\"; done < <(print -l p q r); print $(<text) | { read -r a b c; print $a $b }; print -- ${$(</dev/null):-none}", files=T),
]  # fmt: skip

MANY = (
    "i=0; while [ $i -lt 500 ]; do i=$((i+1)); done; echo $i; f() { local v=$1; echo \"<$v>\"; }; f 'a b'; "
    "x=$(echo sub | while read -r l; do echo \"$l.$l\"; done); echo $x; (exit 4); echo $?; echo ${x%%.*} ${#x}; "
    "trap 'echo usr' USR1; kill -USR1 $$; echo text > f; read -r y < f; echo $y; [ -s f ] && echo size; "
    "for k in 3 1 2; do echo $k; done | { n=0; while read -r q; do n=$((n*10+q)); done; echo $n; }; exit 23"
)
SHELLS = [
    Case("posix", "mksh-musl", MANY),
    Case("posix", "mksh-klibc", MANY),
    Case("posix", "lksh", MANY),
    Case("posix", "bash", MANY),
    Case("posix", "zsh", MANY),
    Case("posix", "busybox", MANY),
    Case("external", "mksh-musl", "$BB seq 5 | $BB sort -r; $BB sh -c 'kill -TERM $$'; echo $?; exec $BB printf '%s\\n' end"),
    Case("builtins", "sash", stdin=b"-mkdir d\n-echo one two\n-touch d/f\n-ls d\n-cp text d/copy\n-cmp text d/copy\n-chmod 600 d/f\n-grep fault text\nexit\n", args=("-q",), files={"text": TEXT[:2000]}),
]  # fmt: skip

INITS = [
    Case("status", "tini", args=("-s", "--", "@BB", "sh", "-c", "echo under; exit 7")),
    Case("signalled", "tini", args=("-s", "--", "@BB", "sh", "-c", "kill -TERM $$")),
    Case("orphans", "tini", args=("-s", "--", "@BB", "sh", "-c", "(sleep 0.01 &) ; sleep 0.1; echo done")),
    Case("help", "tini", args=("-h",)),
    Case("absent", "tini", args=("-s", "--", "/absent/program")),
    Case("version", "catatonit", args=("--version",)),
    Case("version", "cdebootstrap", args=("--version",)),
    Case("help", "cdebootstrap", args=("--help",)),
    Case("bad-option", "cdebootstrap", args=("--no-such-option",)),
]  # fmt: skip

ARCHIVES = [
    Case("usage", "dar", args=("-h",)),
    Case("copy", "dar-cp", args=("binary", "out"), files=B),
    Case("version", "ldconfig", args=("--version",)),
    Case("help", "ldconfig", args=("--help",)),
    Case("scan", "ldconfig", args=("-n", "-v", "{D}/lib"), files={"lib/libone.so.1.2": "library", "lib/libtwo.so": b"no library"}),
    Case("no-cache", "ldconfig", args=("-p", "-C", "{D}/absent")),
    Case("version", "gpgv", args=("--version",)),
    Case("signature", "gpgv", args=("--keyring", "{D}/keyring", "signed"), files={"keyring": "Debian's keyring", "signed": "Debian's release file"}),
    Case("changed", "gpgv", args=("--keyring", "{D}/keyring", "signed"), files={"keyring": "Debian's keyring", "signed": "changed release file"}),
    Case("no-signature", "gpgv", args=("--keyring", "./text", "text"), files=T),
]  # fmt: skip

DISKS = [
    Case("clean", "e2fsck", args=("-fn", "disk"), files={"disk": "ext2"}),
    Case("repair", "e2fsck", args=("-fy", "disk"), files={"disk": "damaged ext2"}),
    Case("after-repair", "busybox", "$E2FSCK -fy disk > /dev/null 2>&1; echo $?; $E2FSCK -fn disk > /dev/null 2>&1; echo $?", files={"disk": "damaged ext2"}, tools=("e2fsck",)),
    Case("no-disk", "e2fsck", args=("-fn", "text"), files=T),
]  # fmt: skip

CASES = DISKS + BUSYBOX + BASH + ZSH + SHELLS + INITS + ARCHIVES
