/*
 * A program that does what it is told, a line each, and answers with a line: what the function returned. So that who tells it
 * sees what happens in between.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <update_lock.h>

extern char **environ;

static struct update_lock lock;

/* All that a NULL can be passed to, in one line. */
static void pass_null(void)
{
    printf("%d %d %d %d %d %d %d %d %d %d %d\n",
           update_lock_try_acquire(NULL, "updates.lock"),
           update_lock_try_acquire(&lock, NULL),
           update_lock_acquire_timeout(NULL, "updates.lock", 0),
           update_lock_acquire_timeout(&lock, NULL, 0),
           update_lock_acquire(NULL, "updates.lock"),
           update_lock_acquire(&lock, NULL),
           update_lock_is_held(NULL),
           update_lock_retake(NULL, 0),
           update_lock_release(NULL),
           update_lock_holder(NULL),
           update_lock_location(NULL, 1, environ));
}

static void locate(size_t size, char **environment)
{
    char path[UPDATE_LOCK_PATH_CAPACITY];
    int outcome = update_lock_location(path, size, environment);

    printf("%d %s\n", outcome, outcome < 0 ? update_lock_error_text(outcome) : path);
}

static void obey(const char *command, const char *argument)
{
    if (strcmp(command, "try") == 0)
        printf("%d\n", update_lock_try_acquire(&lock, argument));
    else if (strcmp(command, "timeout") == 0)
        printf("%d\n", update_lock_acquire_timeout(&lock, argument, 100));
    else if (strcmp(command, "acquire") == 0)
        printf("%d\n", update_lock_acquire(&lock, argument));
    else if (strcmp(command, "held") == 0)
        printf("%d\n", update_lock_is_held(&lock));
    else if (strcmp(command, "retake") == 0)
        printf("%d\n", update_lock_retake(&lock, strtoul(argument, NULL, 10)));
    else if (strcmp(command, "release") == 0)
        printf("%d\n", update_lock_release(&lock));
    else if (strcmp(command, "holder") == 0)
        printf("%d\n", update_lock_holder(argument));
    else if (strcmp(command, "location") == 0)
        locate(UPDATE_LOCK_PATH_CAPACITY, environ);
    else if (strcmp(command, "nowhere") == 0)
        locate(UPDATE_LOCK_PATH_CAPACITY, NULL);
    else if (strcmp(command, "short") == 0)
        locate(strtoul(argument, NULL, 10), environ);
    else if (strcmp(command, "text") == 0)
        printf("%s\n", update_lock_error_text(atoi(argument)));
    else if (strcmp(command, "scribble") == 0)
        printf("%p\n", memset(&lock, 0x55, sizeof lock));
    else if (strcmp(command, "null") == 0)
        pass_null();
    else
        exit(64);
}

int main(void)
{
    char line[1024];

    while (fgets(line, sizeof line, stdin)) {
        char *argument = strchr(line, ' ');

        line[strcspn(line, "\n")] = 0;
        if (argument)
            *argument++ = 0;
        obey(line, argument ? argument : "");
        fflush(stdout);
    }
    return 0;
}
