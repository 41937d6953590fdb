/* Takes the lock and gives it back, without a libc: what the C library costs at the least. */

#include <update_lock.h>

#include "start.h"

#ifndef LOCK_PATH
#define LOCK_PATH "/tmp/balena/updates.lock"
#endif

static struct update_lock lock;

START
void _start(void)
{
    int error = update_lock_try_acquire(&lock, LOCK_PATH);
    quit(error ? -error : update_lock_release(&lock));
}
