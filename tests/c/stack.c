/*
 * What each function takes of the stack at the most: a painted stack tells. Prints a line for each, and plays what makes a
 * call go deep on the lock file that it is given.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <update_lock.h>

#define PAINT 0xa5
#define PAINTED 16384

extern char **environ;

static const char *lock_path;
static char found[UPDATE_LOCK_PATH_CAPACITY];
static char **environment;
static struct update_lock lock, other;
static volatile unsigned char *top;

/* Where the frame of a function that is called from here begins. */
static inline __attribute__((always_inline)) void *stack_pointer(void)
{
    void *pointer;
#if defined __x86_64__
    __asm__ volatile("mov %%rsp, %0" : "=r"(pointer));
#elif defined __i386__
    __asm__ volatile("mov %%esp, %0" : "=r"(pointer));
#elif defined __riscv
    __asm__ volatile("mv %0, sp" : "=r"(pointer));
#else
    __asm__ volatile("mov %0, sp" : "=r"(pointer));
#endif
    return pointer;
}

/* Each notes where the call's arguments and frame begin. */
#define CALL(name, call) static int name(void) { top = stack_pointer(); return call; }

CALL(try_acquire, update_lock_try_acquire(&lock, lock_path))
CALL(try_other, update_lock_try_acquire(&other, lock_path))
CALL(acquire_timeout, update_lock_acquire_timeout(&lock, lock_path, 200))
CALL(acquire, update_lock_acquire(&lock, lock_path))
CALL(is_held, update_lock_is_held(&lock))
CALL(retake, update_lock_retake(&lock, 1000))
CALL(release, update_lock_release(&lock))
CALL(holder, update_lock_holder(lock_path))
CALL(location, update_lock_location(found, sizeof found, environment))
CALL(error_text, *update_lock_error_text(-EBUSY))

enum function { TRY_ACQUIRE, ACQUIRE_TIMEOUT, ACQUIRE, IS_HELD, RETAKE, RELEASE, HOLDER, LOCATION, ERROR_TEXT, FUNCTIONS };

static const char *const names[FUNCTIONS] = {
    "update_lock_try_acquire", "update_lock_acquire_timeout", "update_lock_acquire", "update_lock_is_held",
    "update_lock_retake", "update_lock_release", "update_lock_holder", "update_lock_location", "update_lock_error_text",
};

static size_t deepest[FUNCTIONS];

/* Makes the call on a painted stack, and notes how deep it went. It must come to what is expected. */
static __attribute__((noinline)) void measure(enum function function, int (*call)(void), int expected)
{
    volatile unsigned char *end = stack_pointer();
    volatile unsigned char *byte;
    int outcome;

    for (byte = end - PAINTED; byte < end; byte++)
        *byte = PAINT;
    outcome = call();
    for (byte = end - PAINTED; *byte == PAINT; byte++)
        ;
    /* A function that takes none leaves only what has called it. */
    if (byte < top && (size_t)(top - byte) > deepest[function])
        deepest[function] = top - byte;
    if (outcome != expected) {
        fprintf(stderr, "%s: %d, not %d\n", names[function], outcome, expected);
        exit(1);
    }
}

static pid_t child(void)
{
    pid_t pid = fork();

    if (pid < 0) {
        perror("fork");
        exit(1);
    }
    return pid;
}

/* Leaves the file of a dead holder, with a note in it. */
static void leave_stale(void)
{
    if (child() == 0) {
        int file;

        if (try_acquire() != 0 || (file = open(lock_path, O_WRONLY)) < 0 || write(file, "pid 1\n", 6) != 6)
            _exit(1);
        _exit(0);
    }
    wait(NULL);
}

/* Waits for a child that holds the lock for a moment. */
static void wait_for_child(enum function function, int (*call)(void))
{
    int ready[2];
    char byte;

    if (pipe(ready) != 0)
        exit(1);
    if (child() == 0) {
        if (try_other() != 0 || write(ready[1], "", 1) != 1)
            _exit(1);
        usleep(50000);
        _exit(update_lock_release(&other));
    }
    if (read(ready[0], &byte, 1) != 1)
        exit(1);
    close(ready[0]);
    close(ready[1]);
    measure(function, call, 0);
    measure(IS_HELD, is_held, 1);
    measure(RELEASE, release, 0);
    wait(NULL);
}

static void look_at(void (*make)(void), int expected)
{
    make();
    measure(HOLDER, holder, expected);
    measure(TRY_ACQUIRE, try_acquire, -EBUSY);
    measure(ACQUIRE_TIMEOUT, acquire_timeout, -ETIMEDOUT);
    remove(lock_path);
}

static void make_file(void) { close(open(lock_path, O_CREAT | O_WRONLY, 0644)); }
static void make_directory(void) { mkdir(lock_path, 0755); }
static void make_link(void) { if (symlink("nowhere", lock_path) != 0) exit(1); }

static void find(char **variables, int expected)
{
    environment = variables;
    measure(LOCATION, location, expected);
}

int main(int argc, char **argv)
{
    static char named[UPDATE_LOCK_PATH_CAPACITY + 32];
    char *by_name[] = { "A=B", named, NULL };
    char *by_version[] = { "BALENA_SUPERVISOR_VERSION=9.1.0", NULL };
    size_t i;

    if (argc != 2)
        return 64;
    lock_path = argv[1];
    snprintf(named, sizeof named, "UPDATE_LOCK_PATH=%s", lock_path);

    measure(HOLDER, holder, UPDATE_LOCK_FREE);
    measure(TRY_ACQUIRE, try_acquire, 0);
    measure(HOLDER, holder, UPDATE_LOCK_APP);
    measure(TRY_ACQUIRE, try_other, -EBUSY);
    measure(IS_HELD, is_held, 1);
    remove(lock_path);
    measure(IS_HELD, is_held, 0);
    measure(RELEASE, release, UPDATE_LOCK_LOST);

    for (i = 0; i < 3; i++) {
        int (*const calls[])(void) = { try_acquire, acquire_timeout, acquire };

        leave_stale();
        measure(HOLDER, holder, UPDATE_LOCK_STALE);
        measure(i, calls[i], 0);
        measure(RELEASE, release, 0);
    }
    wait_for_child(ACQUIRE_TIMEOUT, acquire_timeout);
    wait_for_child(ACQUIRE, acquire);

    /* Lost to another holder, and to an override. */
    measure(TRY_ACQUIRE, try_acquire, 0);
    remove(lock_path);
    wait_for_child(RETAKE, retake);
    measure(TRY_ACQUIRE, try_acquire, 0);
    measure(RETAKE, retake, 0);
    remove(lock_path);
    measure(RETAKE, retake, -ETIMEDOUT);

    look_at(make_file, UPDATE_LOCK_FOREIGN);
    look_at(make_directory, UPDATE_LOCK_FOREIGN);
    look_at(make_link, UPDATE_LOCK_FOREIGN);

    find(by_name, 0);
    find(by_version, UPDATE_LOCK_UNPROTECTED);
    measure(ERROR_TEXT, error_text, 's');

    for (i = 0; i < FUNCTIONS; i++)
        printf("%-28s %zu\n", names[i], deepest[i]);
    return 0;
}
