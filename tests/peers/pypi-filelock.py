"""The same by PyPI's `filelock`, whose file stays."""

import sys

from filelock import FileLock, Timeout

lock = FileLock(sys.argv[1])
try:
    lock.acquire(blocking=False)
except Timeout:
    sys.exit(75)
with open("taken", "w") as taken:
    taken.write("taken\n")
sys.stdin.read()
lock.release()
