# A history with branches, a merge, a conflict, a tag, a stash, gc and a clone.
set -eu
git init -q -b main repository
cd repository
for n in 1 2 3 4 5 6; do
  seq $((n * 40)) > numbers
  mkdir -p "deep/$n"
  echo "content $n" > "deep/$n/file"
  git add -A
  git commit -qm "commit $n"
done
git mv deep/1/file deep/1/moved
git rm -q deep/2/file
git commit -qam "move and remove"
git checkout -q -b side HEAD~3
echo "side" > side; sed -i '1s/.*/first by side/' numbers; git add -A; git commit -qm "on the side"
git checkout -q main
sed -i '1s/.*/first by main/' numbers; git commit -qam "on main"
git merge -q side -m "merge" > /dev/null 2>&1 || git diff --name-only --diff-filter=U
seq 240 > numbers; git add numbers; git commit -qm "merged"
git tag -a -m "a tag" v1
echo changed >> numbers; git stash -q; git stash pop -q; git checkout -q numbers
git log --oneline --graph --decorate
git diff --stat HEAD~2 HEAD
git blame -s numbers | head -n 3
git reflog expire --expire=now --all
git gc -q --prune=now --aggressive
git count-objects -v | grep -E 'count|in-pack|packs|garbage'
git fsck --full --strict
git show --stat --format='%H %an %s' HEAD^2
git cat-file --batch-check --batch-all-objects | sort | tail -n 3
cd ..
git clone -q repository clone
cd clone
git rev-parse HEAD
git log --format=%T | sort | head -n 3
