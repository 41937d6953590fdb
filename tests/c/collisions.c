/*
 * A program without a libc that has functions of its own by names that the library needs, too. Should the library call
 * one of them, the program ends with 99.
 */

#include <update_lock.h>

#include "start.h"

void *memcpy(void *to, const void *from, size_t length) { (void)to, (void)from, (void)length; quit(99); }
void *memmove(void *to, const void *from, size_t length) { (void)to, (void)from, (void)length; quit(99); }
void *memset(void *to, int byte, size_t length) { (void)to, (void)byte, (void)length; quit(99); }
int memcmp(const void *one, const void *other, size_t length) { (void)one, (void)other, (void)length; quit(99); }
int bcmp(const void *one, const void *other, size_t length) { (void)one, (void)other, (void)length; quit(99); }
size_t strlen(const char *string) { (void)string; quit(99); }
void abort(void) { quit(99); }
void rust_begin_unwind(void) { quit(99); }
void rust_panic(void) { quit(99); }
void rust_eh_personality(void) { quit(99); }
void start_main(void) { quit(99); }
void __aeabi_memcpy(void) { quit(99); }
void __aeabi_unwind_cpp_pr0(void) { quit(99); }
void __aeabi_unwind_cpp_pr1(void) { quit(99); }

static char variable[] = "UPDATE_LOCK_PATH=updates.lock";
static char *environment[] = { variable, 0 };

static inline int play(void)
{
    struct update_lock lock;
    char path[UPDATE_LOCK_PATH_CAPACITY];
    int error = update_lock_location(path, sizeof path, environment);

    if (error == 0)
        error = update_lock_holder(path);
    if (error == 0)
        error = update_lock_acquire_timeout(&lock, path, 1000);
    if (error == 0)
        error = update_lock_is_held(&lock) - 1;
    if (error == 0)
        error = update_lock_retake(&lock, 0);
    if (error == 0)
        error = update_lock_release(&lock);
    if (error == 0)
        error = *update_lock_error_text(0) != 'u';
    return -error;
}
