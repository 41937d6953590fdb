//! Who holds the lock, and whose files are never touched.

use rustix::fs::{Mode, chown, mkdir, symlink};
use rustix::process::{Uid, geteuid};
use rustix::thread::set_thread_res_uid;
use update_lock::{Error, Holder, UpdateLock, status};

use crate::bench::Bench;
use crate::failure::{Outcome, ensure, need_root};

checks![
    a_free_lock_has_no_holder,
    another_tools_file_is_foreign,
    a_directory_is_foreign,
    a_symbolic_link_is_foreign_and_not_followed,
    helioss_file_is_the_supervisors,
    nobodys_file_is_the_supervisors,
    nobody_gets_no_lock,
];

/// Whom the Supervisor creates its files as.
fn nobody() -> Uid {
    Uid::from_raw(65534)
}

/// It is `holder`'s, and no attempt to take the lock changes anything about it.
fn is_held_by(bench: &Bench, holder: Holder) -> Outcome {
    let before = bench.inode()?;
    let found = status(&bench.path)?.map(|status| status.holder);
    ensure(found == Some(holder), "the status says so")?;
    let refusal = UpdateLock::try_acquire(&bench.path).err();
    ensure(refusal == Some(Error::Held(holder)), "so does the refusal")?;
    ensure(bench.inode()? == before, "it is still there")
}

fn foreign() -> Holder {
    Holder::Foreign {
        uid: geteuid().as_raw(),
    }
}

fn a_free_lock_has_no_holder(bench: &Bench) -> Outcome {
    ensure(status(&bench.path)?.is_none(), "it is free")
}

fn another_tools_file_is_foreign(bench: &Bench) -> Outcome {
    bench.put(&bench.path, Mode::RUSR, b"0")?;
    is_held_by(bench, foreign())
}

fn a_directory_is_foreign(bench: &Bench) -> Outcome {
    mkdir(bench.path.as_c_str(), Mode::RWXU)?;
    is_held_by(bench, foreign())
}

fn a_symbolic_link_is_foreign_and_not_followed(bench: &Bench) -> Outcome {
    symlink(bench.other.as_c_str(), bench.path.as_c_str())?;
    is_held_by(bench, foreign())?;
    let target = rustix::fs::stat(bench.other.as_c_str());
    ensure(target.is_err(), "what it names has not been made")
}

fn helioss_file_is_the_supervisors(bench: &Bench) -> Outcome {
    bench.put_supervisors()?;
    is_held_by(bench, Holder::Supervisor)
}

fn nobodys_file_is_the_supervisors(bench: &Bench) -> Outcome {
    need_root()?;
    bench.put(&bench.path, Mode::RUSR, b"0")?;
    chown(bench.path.as_c_str(), Some(nobody()), None)?;
    is_held_by(bench, Holder::Supervisor)
}

fn nobody_gets_no_lock(bench: &Bench) -> Outcome {
    need_root()?;
    set_thread_res_uid(nobody(), nobody(), nobody())?;
    let refusal = UpdateLock::try_acquire(&bench.path).err();
    ensure(refusal == Some(Error::Nobody), "it is refused")
}
