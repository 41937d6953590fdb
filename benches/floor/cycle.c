/* The fewest system calls that take a lock and give it back: cycle|fail PATH COUNT, wait PATH MILLISECONDS,
   hold|take|give PATH.

   With -DSAME_CALLS it makes the system calls of update-lock, which knows whose file it removes. What waits and what is
   waited for is a bare flock, whose file stays. */

#include "sys.h"
#include "out.h"

enum { AT_FDCWD = -100, LOCK_EX = 2, LOCK_NB = 4 };
enum { O_WRONLY = 1, O_CREAT = 0100, O_EXCL = 0200, O_CLOEXEC = 02000000 };

#ifdef SAME_CALLS

enum { AT_SYMLINK_NOFOLLOW = 0x100, AT_EMPTY_PATH = 0x1000, STATX_BASIC_STATS = 0x7ff };

static word facts[32];

#ifdef __arm__

static void look_at_file(word file) { call5(STATX, file, (word) "", AT_EMPTY_PATH, STATX_BASIC_STATS, (word)facts); }

static void look_at_path(const char *path)
{
    call5(STATX, AT_FDCWD, (word)path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, (word)facts);
}

#else

static void look_at_file(word file) { call2(FSTAT, file, (word)facts); }

static void look_at_path(const char *path)
{
    call4(NEWFSTATAT, AT_FDCWD, (word)path, (word)facts, AT_SYMLINK_NOFOLLOW);
}

#endif

static word take(const char *path)
{
    call0(GETEUID);
    word file = call4(OPENAT, AT_FDCWD, (word)path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 01644);
    if (file < 0 || call2(FLOCK, file, LOCK_EX | LOCK_NB) < 0)
        return -1;
    look_at_file(file);
    return file;
}

static void give(const char *path, word file)
{
    look_at_path(path);
    call2(FCHMOD, file, 01744);
    call3(UNLINKAT, AT_FDCWD, (word)path, 0);
    call1(CLOSE, file);
}

#else

static word take(const char *path)
{
    word file = call4(OPENAT, AT_FDCWD, (word)path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    return file < 0 || call2(FLOCK, file, LOCK_EX | LOCK_NB) < 0 ? -1 : file;
}

static void give(const char *path, word file)
{
    call3(UNLINKAT, AT_FDCWD, (word)path, 0);
    call1(CLOSE, file);
}

#endif

static int cycle(const char *path, uword count)
{
    unsigned long long start = now();
    while (count--) {
        word file = take(path);
        if (file < 0)
            return 1;
        give(path, file);
    }
    say("took", now() - start);
    return 0;
}

static int fail(const char *path, uword count)
{
    unsigned long long start = now();
    while (count--)
        if (take(path) >= 0)
            return 1;
    say("took", now() - start);
    return 0;
}

static word block(const char *path)
{
    word file = call4(OPENAT, AT_FDCWD, (word)path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0 || call2(FLOCK, file, LOCK_EX) < 0)
        end(1);
    say("held", now());
    return file;
}

static int give_up(word file)
{
    say("releases", now());
    call1(CLOSE, file);
    return 0;
}

static int hold(const char *path)
{
    word file = block(path);
    char byte;
    while (call3(READ, 0, (word)&byte, 1) > 0)
        ;
    return give_up(file);
}

static int wait(const char *path, uword milliseconds)
{
    word file = block(path);
    struct { word seconds, nanoseconds; } time = { 0, (word)milliseconds * 1000000 };
    if (milliseconds)
        call2(NANOSLEEP, (word)&time, 0);
    return give_up(file);
}

static int run(int count, char **arguments, char **environment)
{
    (void)environment;
    if (count < 3)
        return 64;
    const char *path = arguments[2];
    switch (*arguments[1]) {
    case 'c':
        return count > 3 ? cycle(path, number(arguments[3])) : 64;
    case 'f':
        return count > 3 ? fail(path, number(arguments[3])) : 64;
    case 'h':
        return hold(path);
    case 'w':
        return count > 3 ? wait(path, number(arguments[3])) : 64;
    case 't':
        return take(path) < 0;
    case 'g':
        return call3(UNLINKAT, AT_FDCWD, (word)path, 0) < 0;
    }
    return 64;
}
