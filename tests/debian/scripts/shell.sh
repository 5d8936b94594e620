# What a shell asks of a system: pipes, subshells, here-documents, process substitution, traps, job control.
set -u

echo "-- pipes"
seq 1 1000 | sort -r | head -n 300 | tail -n 1
printf '%s\n' pear apple fig | sort | tr '\n' ' ' | sed 's/ $/\n/'
true | false | (exit 3); echo "${PIPESTATUS[@]}"
yes 2>/dev/null | head -n 2000 | wc -l
set -o pipefail; false | true; echo "pipefail $?"; set +o pipefail
(sleep 0.05; echo late) | cat

echo "-- subshells"
x=outer
(x=inner; cd /; echo "$x $PWD $BASH_SUBSHELL"; (echo "$BASH_SUBSHELL"; exit 4); echo $?)
echo "$x ${PWD##*/}" | sed 's/ .*//'
y=$(echo $(echo $(echo nested))); echo "$y"
total=0; for n in {1..10}; do total=$((total + $(echo "$n" | (read -r v; echo $((v * v)))))); done; echo $total

echo "-- here-documents"
cat <<END | tr a-z A-Z
sum $((6 * 7)) of $x $(echo and command)
END
cat <<'END'
raw $x $(not run)
END
cat <<-END
	tabs go
END
read -r a b <<< "here string"; echo "$b $a"

echo "-- process substitution"
diff <(seq 1 5) <(seq 1 6) | tail -n 1
paste -d: <(printf 'a\nb\n') <(printf '1\n2\n') <(printf 'x\ny\n')
mkfifo done; exec 9<> done
exec 8> >(sed "s/^/> /"; echo ready >&9); seq 3 >&8; exec 8>&-; read -r -u 9 word; echo "$word"
rm done

echo "-- traps"
trap 'echo "usr1"' USR1; kill -USR1 $$; kill -USR1 $BASHPID
(trap 'echo "child term"; exit 5' TERM; kill -TERM $BASHPID; echo never); echo $?
f() { trap 'echo "return from $FUNCNAME"' RETURN; :; }; f
(trap 'echo "err $?"' ERR; false; exit 2); echo $?
bash -c 'trap "echo bye" EXIT; exit 6'; echo $?
trap '' INT; kill -INT $$; echo "ignored"; trap - INT
trap "echo interrupted" ALRM; (sleep 0.05; kill -ALRM $$; sleep 0.05) & wait $!; s=$?; wait $!; [ $s -gt 128 ] || [ $s = 0 ] && echo waited
trap 'n=$((${n:-0} + 1))' CHLD; for i in 1 2 3; do /usr/bin/env true 2>/dev/null || true; done; trap - CHLD

echo "-- job control"
set -m
mkfifo hold
cat hold > /dev/null & first=$!
(exit 7) & second=$!
wait $second; echo "second $?"
read -r _ _ _ _ group _ < /proc/$first/stat; [ "$group" = "$first" ] && echo "a group of its own"
kill -STOP %cat
while ! jobs -s | grep -q Stopped; do sleep 0.01; done
jobs | sed 's/  */ /g'
kill -CONT %cat; while jobs -s | grep -q Stopped; do sleep 0.01; done
jobs | sed 's/  */ /g'
: > hold; wait $first; echo "first $?"
for i in 3 1 2; do (exit $i) & done; s=0; for i in 1 2 3; do wait -n; s=$((s + $?)); done; echo "sum $s"
sleep 100 & kill -KILL $!; wait $! 2>/dev/null; echo "killed $?"
coproc { while read -r line; do echo "<$line>"; done; }
echo ping >&"${COPROC[1]}"; read -r answer <&"${COPROC[0]}"; echo "$answer"
exec {COPROC[1]}>&-; wait "$COPROC_PID"; echo "coprocess $?"
timeout 0.1 sleep 5; echo "timeout $?"
