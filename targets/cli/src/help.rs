//! `help` and `--version`.

use update_lock_start::{Line, Text, say, text};

use crate::spec::{Spec, Topic};

const ALL: Text = text!(
    "\
update-lock: holds back balena updates and reboots while a command runs

  update-lock [--lock PATH] run [OPTION...] [--] COMMAND...
        runs COMMAND under the lock
  update-lock [--lock PATH] hold [OPTION...]
        holds the lock until a signal ends that
  update-lock [--lock PATH] acquire [OPTION...]
        takes the lock for the rest of a script
  update-lock [--lock PATH] release [OPTION...]
        gives back what acquire has taken
  update-lock [--lock PATH] status [--json]
        says who holds the lock
  update-lock [--lock PATH] watch [--json]
        prints a line for each change of the lock
  update-lock update [--force] [--cancel]
        asks the Supervisor to look for an update
  update-lock [--lock PATH] doctor
        says whether a lock protects an app here
  update-lock help [COMMAND]
        explains COMMAND and its options
  update-lock --version

PATH is the lock file; else UPDATE_LOCK_PATH, BALENA_APP_LOCK_PATH, or what
the Supervisor's version or the directories say.

A lock that is always held stops all updates for ever, the one that mends the
app too: hold it for as long as a critical job takes."
);

const RUN: Text = text!(
    "\
update-lock run [OPTION...] [--] COMMAND...

Waits for the lock, runs COMMAND, gives the lock back. Fit to be PID 1.
Where there is no balena device it warns, and runs COMMAND all the same."
);

const RUN_CODES: Text = text!(
    "
Exit code: COMMAND's own; 128+N if signal N ended it; 126 or 127 if it could
not be run; 64 usage, 69 no lock here, 74 I/O, 75 held, 77 not allowed."
);

const HOLD: Text = text!(
    "\
update-lock hold [OPTION...]

Holds the lock until a signal ends that: a service of its own, which holds back
the updates of its whole release. Useful with --open or --while.
Exit code: 128+N for signal N; 0 below a run that holds it; 64 usage, 69 no
lock here, 74 I/O, 75 lost with --on-lost stop, 77 not allowed."
);

const ACQUIRE: Text = text!(
    "\
update-lock acquire [OPTION...]

Waits for the lock and leaves it to a keeper, which holds it until 'update-lock
release', or until the process that called acquire has ended.
Exit code: 0 held, 64 usage, 69 no lock here, 74 I/O, 75 held by somebody, 77
not allowed; 128+N if signal N ended the wait."
);

const RELEASE: Text = text!(
    "\
update-lock release [OPTION...]

Has the keeper of 'update-lock acquire' give the lock back, and waits for that.
Exit code: 0 done, or nothing of acquire's there; 75 held by another app."
);

const STATUS: Text = text!(
    "\
update-lock status [OPTION...]

Says who holds the lock. Exit code: 0 free, 75 held."
);

const WATCH: Text = text!(
    "\
update-lock watch [OPTION...]

Prints a line for each change: taken, freed, lost. The first says who holds the
lock, if anybody does. Exit code: 128+N when signal N ends it."
);

const UPDATE: Text = text!(
    "\
update-lock update [OPTION...]

Asks the Supervisor to look for an update now: a lock that is free again it may
notice after 15 minutes only. The service needs the label
io.balena.features.supervisor-api.
Exit code: 0 it looks, 69 no API here, 74 no answer, 75 it ignores that or
finds a lock, 77 not allowed."
);

const DOCTOR: Text = text!(
    "\
update-lock doctor

Says whether a lock protects an app here, and else what to do about it.
Exit code: 0 it does, 69 no lock here, 74 I/O, 75 another tool's file is there,
77 not allowed."
);

/// Explains the program or one of its commands.
pub(crate) fn help(topic: Topic) -> i32 {
    let (text, codes) = match topic {
        Topic::All => (ALL, None),
        Topic::Run => (RUN, Some(RUN_CODES)),
        Topic::Hold => (HOLD, None),
        Topic::Acquire => (ACQUIRE, None),
        Topic::Release => (RELEASE, None),
        Topic::Status => (STATUS, None),
        Topic::Watch => (WATCH, None),
        Topic::Update => (UPDATE, None),
        Topic::Doctor => (DOCTOR, None),
    };
    say(text);
    let mut separator = text!("\n");
    for spec in Spec::of(topic) {
        let mut line = Line::output();
        line.text(separator)
            .text(text!("  "))
            .bytes(spec.usage.as_bytes());
        line.text(text!("\n        ")).text(spec.help);
        if spec.has_variable() {
            spec.add_variable(line.text(text!(" [")));
            line.text(text!("]"));
        }
        line.end();
        separator = text!("");
    }
    if let Some(codes) = codes {
        say(codes);
    }
    0
}

/// Prints the version.
pub(crate) fn version() -> i32 {
    say(text!(concat!("update-lock ", env!("CARGO_PKG_VERSION"))));
    0
}
