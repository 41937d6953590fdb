"""The same by PyPI's `lockfile`, which appends `.lock` to the path that it is given."""

import sys

from lockfile import AlreadyLocked, LockFile

lock = LockFile(sys.argv[1].removesuffix(".lock"))
try:
    lock.acquire(timeout=-1)
except AlreadyLocked:
    sys.exit(75)
with open("taken", "w") as taken:
    taken.write("taken\n")
sys.stdin.read()
lock.release()
