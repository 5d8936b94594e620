# find, grep, sed, awk and ls over a small tree with all kinds of files; tar, gzip and xz there and back.
set -eu
mkdir -p tree/src/deep tree/doc tree/empty
for n in 1 2 3 4 5 6; do seq $((n * 50)) | sed "s/^/line $n of /" > tree/src/file$n.txt; done
printf 'int main(void) {\n\treturn 0; // page fault\n}\n' > tree/src/deep/main.c
printf 'a page, a frame,\na PAGE FAULT and a trap\n' > tree/doc/notes
ln -s ../src/file1.txt tree/doc/link
ln tree/src/file2.txt tree/doc/hard
mkfifo tree/src/fifo
chmod 750 tree/src/deep; chmod 4711 tree/src/file3.txt; chmod 600 tree/doc/notes
find tree -exec touch -h -d '2024-02-29 12:34:56.789' {} +
touch -d '2025-06-01' tree/src/file6.txt

echo "-- ls"
ls -lR --time-style=full-iso tree | sed 's/^total .*/total/; s/^\(d[^ ]* *[0-9]* *[^ ]* *[^ ]*\) *[0-9]*/\1/'
ls -S --quoting-style=shell tree/src/file*; ls -d tree/*/

echo "-- find"
find tree -type f -size +1k -printf '%p %s %m %n\n' | sort
find tree -newer tree/doc/notes -o -perm -4000 | sort
find tree -name '*.c' -exec wc -lc {} \;
find tree -type d -empty; find tree -type l -printf '%p -> %l\n'; find tree -samefile tree/doc/hard | sort
find tree -regex '.*/file[1-3].*' -print0 | sort -z | xargs -0 -n 2 echo
find tree -depth -name deep -prune -o -maxdepth 1 -print | sort

echo "-- grep"
grep -rniE 'page( fault|,)' tree | sort
grep -c '7$' tree/src/file*.txt; grep -oP '\d+(?=0$)' tree/src/file1.txt | tail -n 2; grep -q absent -r tree || echo "none $?"
grep -w -A 1 -B 1 25 tree/src/file1.txt; grep -vc 5 tree/src/file4.txt; printf 'a\0b\n' | grep -c b

echo "-- sed"
sed -n '2~10p; $=' tree/src/file1.txt
sed -E -e 's/line ([0-9]+) of ([0-9]+)/\2:\1/; 3,5d; /8$/!s/$/./' -e '10q' tree/src/file2.txt
sed -n 'H; ${x; s/\n/,/g; s/page/[&]/gI; p}' tree/doc/notes
sed -i.old 's/0/zero/' tree/src/file1.txt; head -n 10 tree/src/file1.txt | tail -n 1; wc -l < tree/src/file1.txt.old

echo "-- awk"
for awk in mawk gawk; do
  $awk '{ n[$2]++; sum[$2] += $4 } END { for (k = 1; k <= 6; k++) printf "%d %d %.2f\n", k, n[k], sum[k] / n[k] }' tree/src/file[1-6].txt
  $awk -F'[ ,]+' 'BEGIN { x = 2 ^ 40; print x, substr("supervisor", 6), index("trap", "a"), sqrt(2), toupper("sv39"), length("frame") }
    { gsub(/[aeiou]/, "_"); print NR ": " $0; if (split($0, part, " ") > 3) print part[2] } END { print NR; "echo from a pipe" | getline y; print y }' tree/doc/notes
done
gawk 'BEGIN { a["x"] = 3; a["y"] = 1; PROCINFO["sorted_in"] = "@val_num_asc"; for (k in a) print k, a[k]; print strftime("%F", 0, 1); printf "%s\n", gensub(/(b)(c)/, "\\2\\1", "g", "abcabc") }'

echo "-- archives"
tar cf one.tar --sort=name tree; tar tf one.tar | wc -l
gzip -k9 one.tar; xz -k one.tar; gzip -l one.tar.gz | tail -n 1 | mawk '{ print $2 }'
gzip -dc one.tar.gz | cmp - one.tar; xz -dc one.tar.xz | cmp - one.tar; xz -t one.tar.xz
mkdir out; tar xJf one.tar.xz -C out; diff -r --no-dereference -x fifo tree out/tree; tar df one.tar
stat -c '%A %s %h %y %n' out/tree/src/file3.txt out/tree/doc/hard; readlink out/tree/doc/link
tar czf - -C out tree/src/deep | tar tzvf - | mawk '{ print $1, $NF }'
head -c 100 one.tar.gz > cut.gz; gzip -dc cut.gz > /dev/null 2>&1 || echo "cut short: $?"
seq 50000 | gzip -1 | gzip -d | sha256sum; seq 50000 | xz -0 | xz -d | sha256sum
