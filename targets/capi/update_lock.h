#ifndef UPDATE_LOCK_H
#define UPDATE_LOCK_H

#include <stddef.h>
#include <stdint.h>

/*
 The lock is free.
 */
#define UPDATE_LOCK_FREE 0

/*
 The Supervisor has the lock, during an update. It gives it back by itself.
 */
#define UPDATE_LOCK_SUPERVISOR 1

/*
 A program that lives has the lock, and uses this library or `update-lock`.
 */
#define UPDATE_LOCK_APP 2

/*
 Such a program has died with the lock. The next acquire by its user or by root takes it over.
 */
#define UPDATE_LOCK_STALE 3

/*
 Anything else is there: another tool's file, a directory, a symbolic link. It stays until somebody removes it.
 */
#define UPDATE_LOCK_FOREIGN 4

/*
 The lock is not in a directory that the Supervisor has mounted: as it seems, this is no balena device.
 */
#define UPDATE_LOCK_UNPROTECTED 1

/*
 The longest path of a lock in bytes, its closing NUL included.
 */
#define UPDATE_LOCK_PATH_CAPACITY 256

/*
 The lock was taken away before it was given back, by an override or by hand: the work that it was for was not protected
 to its end.
 */
#define UPDATE_LOCK_LOST 1

/*
 A lock, in the caller's memory. It needs no preparation, and may be copied or moved while it is held. What is in it is the
 library's own affair; its 384 bytes are the same on each architecture.
 */
struct update_lock {
  /*
   What the lock is held or waited for by: here, since stacks may be short.
   */
  uint64_t state[16];
  /*
   The path of the lock file; empty while the lock isn't held.
   */
  char path[UPDATE_LOCK_PATH_CAPACITY];
};

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 Looks who holds the lock at `path`, without taking it.

 Returns `UPDATE_LOCK_FREE`, `UPDATE_LOCK_SUPERVISOR`, `UPDATE_LOCK_APP`, `UPDATE_LOCK_STALE` or `UPDATE_LOCK_FOREIGN`;
 `-EFAULT`, `-EINVAL` or `-ENAMETOOLONG` for a pointer or a path as for `update_lock_try_acquire()`; else the negative
 errno of a system call that failed.

 # Safety

 `path` is `NULL` or a string.
 */
int update_lock_holder(const char *path);

/*
 Finds the lock of this device and writes its path, with a closing NUL, to `path`, which has room for `size` bytes:
 `UPDATE_LOCK_PATH_CAPACITY` is always enough.

 `environment` is the program's own, `environ` or the third argument of `main()`; `NULL` is an empty one. The path is what
 `UPDATE_LOCK_PATH`, `BALENA_APP_LOCK_PATH` or `RESIN_APP_LOCK_PATH` says, else what belongs to the version in
 `BALENA_SUPERVISOR_VERSION` or `RESIN_SUPERVISOR_VERSION`, else in the first of `/tmp/balena`, `/tmp/resin` and `/data`
 that is a mount point, else in the first of the former two that is there.

 Returns 0; `UPDATE_LOCK_UNPROTECTED` where the lock can be taken, but no Supervisor looks at it, since nothing is mounted
 there and `UPDATE_LOCK_PATH` doesn't name it either; `-ENODEV` where nothing says where the lock is; `-EFAULT` if `path` is
 `NULL`; `-ENAMETOOLONG` if there is too little room for the path, or it is longer than 255 bytes; `-EINVAL` if a
 variable ends in a slash.

 # Safety

 `path` is `NULL` or has room for `size` bytes; `environment` is `NULL` or ends with a `NULL`, and has strings before that.
 */
int update_lock_location(char *path,
                         size_t size,
                         char *const *environment);

/*
 Takes the lock at `path` if nobody has it, or if its holder is dead, and doesn't wait. `lock` must not be held.

 Returns 0; `-EBUSY` if somebody holds the lock, or something else is in its place: `update_lock_holder()` tells who or
 what; `-EPERM` if the effective user is 65534 (`nobody`), whose lock files the Supervisor takes for its own; `-EFAULT`
 if a pointer is `NULL`; `-EINVAL` if the path is empty or ends in a slash; `-ENAMETOOLONG` if it is longer than 255
 bytes; else the negative errno of a system call that failed, such as `-ENOENT` where the directory is missing, or
 `-EACCES` where it can't be written. `lock` isn't held then.

 # Safety

 `lock` is `NULL` or points to a lock, `path` is `NULL` or a string.
 */
int update_lock_try_acquire(struct update_lock *lock,
                            const char *path);

/*
 Takes the lock at `path`, waiting for it for at most that many milliseconds, and giving way to an override. A signal
 neither ends the wait nor stretches it.

 Returns what `update_lock_try_acquire()` does, but `-ETIMEDOUT` for `-EBUSY`.

 # Safety

 As for `update_lock_try_acquire()`.
 */
int update_lock_acquire_timeout(struct update_lock *lock,
                                const char *path,
                                uint32_t milliseconds);

/*
 Takes the lock at `path`, waiting for it as long as it takes.

 Returns what `update_lock_try_acquire()` does, but never `-EBUSY`.

 # Safety

 As for `update_lock_try_acquire()`.
 */
int update_lock_acquire(struct update_lock *lock, const char *path);

/*
 Whether the lock is still there: an override takes it away without a word.

 Returns 1 if it is, 0 if it has been lost; `-EBADF` if `lock` isn't held; `-EFAULT` if it is `NULL`; else the negative
 errno of a system call that failed.

 # Safety

 `lock` is `NULL`, or has been given to an acquire before.
 */
int update_lock_is_held(const struct update_lock *lock);

/*
 Takes a lock again that has been lost, waiting for it for at most that many milliseconds: until the update is over that it
 was taken away for, or for five seconds, if none comes. An acquire would come before that update.

 Returns 0, also if the lock hasn't been lost; `-EBADF` if `lock` isn't held; else what `update_lock_acquire_timeout()`
 does: after a failure `lock` isn't held any more, and what was lost is forgotten.

 # Safety

 As for `update_lock_is_held()`.
 */
int update_lock_retake(struct update_lock *lock,
                       uint32_t milliseconds);

/*
 Gives the lock back. It never removes what somebody else has put in its place.

 Returns 0; `UPDATE_LOCK_LOST` if the lock had been taken away before; `-EBADF` if `lock` isn't held; `-EFAULT` if it is
 `NULL`; else the negative errno of a system call that failed: a file that stays then counts as a dead holder's, and the
 next acquire takes it over. In any case `lock` isn't held any more.

 # Safety

 As for `update_lock_is_held()`.
 */
int update_lock_release(struct update_lock *lock);

/*
 What the negative errno that a function of this library has returned means, in a few words and without a newline.

 Returns a string that is there for ever; never `NULL`.
 */
const char *update_lock_error_text(int error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* UPDATE_LOCK_H */
