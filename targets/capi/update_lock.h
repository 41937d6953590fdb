#ifndef UPDATE_LOCK_H
#define UPDATE_LOCK_H

#include <stddef.h>
#include <stdint.h>

/*
 The longest path of a lock in bytes, its closing NUL included.
 */
#define UPDATE_LOCK_PATH_CAPACITY 256

/*
 A lock that is held, in the caller's memory. All of it is for the library alone.
 */
struct update_lock {
  /*
   The lock file's device.
   */
  uint64_t device;
  /*
   The lock file's inode.
   */
  uint64_t inode;
  /*
   The descriptor that has the `flock`.
   */
  int file;
  /*
   The `inotify` descriptor that a wait has left, or -1.
   */
  int watch;
  /*
   The path of the lock file; empty while the lock isn't held.
   */
  uint8_t path[UPDATE_LOCK_PATH_CAPACITY];
};

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 Takes the lock if nobody has it, or if its holder is dead.
 */
int update_lock_try_acquire(struct update_lock *lock, const char *path);

/*
 Takes the lock, waiting for it for at most that many milliseconds.
 */
int update_lock_acquire_timeout(struct update_lock *lock, const char *path, uint32_t milliseconds);

/*
 Gives the lock back.
 */
int update_lock_release(struct update_lock *lock);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* UPDATE_LOCK_H */
