# The same by procmail's `lockfile`, and `rm`.
lockfile -r0 "$1" || exit 75
echo taken >taken
cat
rm -f "$1"
