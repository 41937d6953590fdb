"""The locks of PyPI, by the words of benches/src/verbs.rs: pypi.py NAME VERB PATH [COUNT]."""

import sys
import time

name, verb, path, *rest = sys.argv[1:]


class Lockfile:
    """PyPI lockfile."""

    def __init__(self):
        import lockfile
        from lockfile.linklockfile import LinkLockFile

        self.refusal = lockfile.AlreadyLocked
        self.lock = LinkLockFile(path, threaded=False)

    def take(self):
        self.lock.acquire(timeout=0)

    def wait(self):
        self.lock.acquire()

    def give(self):
        self.lock.release()


class Filelock:
    """PyPI filelock."""

    def __init__(self):
        import filelock

        self.refusal = filelock.Timeout
        self.lock = filelock.FileLock(path)

    def take(self):
        self.lock.acquire(timeout=0)

    def wait(self):
        self.lock.acquire()

    def give(self):
        self.lock.release()


class Portalocker:
    """PyPI portalocker."""

    def __init__(self):
        import portalocker

        self.refusal = portalocker.AlreadyLocked
        self.now = portalocker.Lock(path, fail_when_locked=True, timeout=0)
        self.later = portalocker.Lock(path, timeout=1e9)
        self.lock = self.now

    def take(self):
        self.now.acquire()

    def wait(self):
        self.lock = self.later
        self.lock.acquire()

    def give(self):
        self.lock.release()


def say(word, value):
    print(word, value, flush=True)


def repeat(attempt):
    count = int(rest[0])
    attempt()
    start = time.perf_counter_ns()
    for _ in range(count):
        attempt()
    say("took", time.perf_counter_ns() - start)


def hold(take, until):
    take()
    say("held", time.monotonic_ns())
    until()
    say("releases", time.monotonic_ns())
    lock.give()


def cycle():
    lock.take()
    lock.give()


def fail():
    try:
        lock.take()
    except lock.refusal:
        return
    sys.exit("the lock should be held")


lock = {"lockfile": Lockfile, "filelock": Filelock, "portalocker": Portalocker}[name]()
{
    "cycle": lambda: repeat(cycle),
    "fail": lambda: repeat(fail),
    "hold": lambda: hold(lock.take, sys.stdin.read),
    "wait": lambda: hold(lock.wait, lambda: time.sleep(int(rest[0]) / 1000)),
}[verb]()
