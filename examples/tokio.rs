//! Waiting for the lock in a tokio program, without a thread for it.
//!
//! ```text
//! cargo run --example tokio --features std -- /tmp/updates.lock
//! ```

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use tokio::io::unix::AsyncFd;
use tokio::time::timeout;
use update_lock::{Error, LockPath, Release, UpdateLock, Waiter};

/// Takes the lock; a task that is dropped while it waits has taken nothing.
async fn acquire(path: &LockPath) -> io::Result<UpdateLock> {
    let start = Instant::now();
    let now = || u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut waiter = Waiter::new(path);
    let mut watch: Option<AsyncFd<OwnedFd>> = None;
    loop {
        match waiter.look(now()) {
            Err(Error::Held(_) | Error::GivingWay) => {}
            outcome => return Ok(outcome?),
        }
        if watch.is_none()
            && let Some(descriptor) = waiter.watch()
        {
            let descriptor = descriptor.try_clone_to_owned()?;
            // SAFETY: the descriptor of an `OwnedFd` is the same, and open, until it is dropped.
            watch = Some(unsafe { AsyncFd::register(descriptor) }?);
            continue;
        }
        // Until there are news of the lock, and not only of files beside it, or a look is due anyway.
        while waiter.due(now()) > 0 {
            let due = Duration::from_millis(waiter.due(now()));
            match &watch {
                None => tokio::time::sleep(due).await,
                Some(watch) => {
                    if let Ok(ready) = timeout(due, watch.readable()).await {
                        let is_news = waiter.has_news();
                        ready?.clear_ready();
                        if is_news {
                            break;
                        }
                    }
                }
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let argument = std::env::args().nth(1).ok_or("name the lock file")?;
    let path = LockPath::new(argument.as_bytes())?;
    let waiting = async {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            println!("meanwhile");
        }
    };
    let lock = tokio::select! {
        lock = acquire(&path) => lock?,
        never = waiting => never,
    };
    println!("locked");
    match lock.release()? {
        Release::Released => println!("released"),
        Release::Lost => println!("an override took the lock away"),
    }
    Ok(())
}
