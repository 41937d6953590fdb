//! `lockfile`: what the program does when it is called by that name, as procmail's does it.

use core::ffi::CStr;

use update_lock::{Errno, Error, Operation};
use update_lock_start::number::{
    SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2,
};
use update_lock_start::{Args, Line, SignalSet, Signals, Text, complain, say, text};

use crate::semaphore::{Semaphore, remove_by_force};
use crate::{help, report};

const HELP: Text = text!(
    "\
lockfile [OPTION | FILE]...

Creates every FILE or none, as procmail's lockfile; waits while one is there.

  -N    try every N seconds [8]
  -r N  give up after N retries [-1: never]
  -l N  remove a FILE older than N seconds, unless its flock is held
  -s N  then wait N seconds [16]
  -!    swap exit codes 0 and 73

Exit code: 0 done, 64 usage, 69 can't create, 73 is there, 75 signal.

A FILE doesn't hold back the host OS's reboot, and outlives a crash: updates
then wait until somebody removes it. 'update-lock run' does better."
);

/// What ends the wait, or stops it. procmail's goes without the last three, which then leave its files behind.
const SIGNALS: SignalSet = SignalSet::of(&[
    SIGTSTP, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2,
]);

/// Whether the program was called by this name.
pub(crate) fn is_called(mut args: Args) -> bool {
    let name = args.next().unwrap_or_default();
    matches!(name.strip_suffix(b"lockfile"), Some([] | [.., b'/']))
}

/// Creates the files that the command line names; the exit code.
#[inline(never)] // with a frame of its own: Thumb code reaches less than 1 KiB of it by short instructions
pub(crate) fn lockfile(mut args: Args) -> i32 {
    let _name = args.next();
    let mut command = Command {
        args,
        signals: Signals::block(),
        sleep: 8,
        retries: -1,
        limit: 0,
        suspend: 16,
        is_inverted: false,
        files: 0,
    };
    match command.create_rest() {
        Ok(()) if command.is_inverted => report::EXISTS,
        Err(report::EXISTS) if command.is_inverted => 0,
        outcome => outcome.err().unwrap_or(0),
    }
}

/// More files than anybody has, and fewer than the stack has room for.
const MANY: u32 = 4096;

/// The rest of the command line, and what the options before it say. A failure is an exit code: the line for people has
/// been written then.
struct Command {
    args: Args,
    signals: Signals,
    /// Seconds between attempts.
    sleep: i32,
    /// How many more attempts; negative for any number.
    retries: i32,
    /// The age in seconds from which a file is removed; 0 for none.
    limit: i32,
    /// Seconds to wait after that.
    suspend: i32,
    is_inverted: bool,
    files: u32,
}

impl Command {
    /// Creates the files that are left; on a failure none of them is there. Each has its place on the stack, as there is
    /// no allocator.
    fn create_rest(&mut self) -> Result<(), i32> {
        let Some(path) = self.next_file()? else {
            return Ok(());
        };
        let file = self.create(path)?;
        self.create_rest().inspect_err(|_| file.give_back())
    }

    /// Applies the options that stand before the next file.
    fn next_file(&mut self) -> Result<Option<&'static CStr>, i32> {
        while let Some(word) = self.args.next_c_str() {
            match word.to_bytes() {
                [b'-', b'h' | b'?'] => say(HELP),
                [b'-', b'v'] => _ = help::version(),
                [b'-', letters @ ..] => {
                    if self.apply(letters).is_some() {
                        continue;
                    }
                    complain(
                        text!("%: can't be understood; see 'lockfile -h'"),
                        word.to_bytes(),
                    );
                }
                _ => {
                    self.files += 1;
                    if self.files <= MANY {
                        return Ok(Some(word));
                    }
                    complain(text!("%: one file too many"), word.to_bytes());
                }
            }
            return Err(report::USAGE);
        }
        if self.files > 0 {
            return Ok(None);
        }
        complain(text!("lockfile: no FILE; see 'lockfile -h'"), b"");
        Err(report::USAGE)
    }

    /// Applies the options of one word: letters, each with its number, which may be the next word. `None` where they have
    /// no meaning.
    fn apply(&mut self, mut letters: &'static [u8]) -> Option<()> {
        while let [letter, rest @ ..] = letters {
            if *letter == b'!' {
                self.is_inverted = !self.is_inverted;
                letters = rest;
                continue;
            }
            let text = match (letter, rest) {
                (b'r' | b'l' | b's', []) => self.args.next()?,
                (b'r' | b'l' | b's', rest) => rest,
                _ => letters,
            };
            let (number, after) = number(text);
            match letter {
                b'r' => self.retries = number,
                b'l' => self.limit = number,
                _ if number < 0 => return None,
                b's' => self.suspend = number,
                _ if after.len() == text.len() => return None,
                _ => self.sleep = number,
            }
            letters = after;
        }
        Some(())
    }

    /// Creates a file, and waits for that as long as the options say.
    fn create(&mut self, path: &'static CStr) -> Result<Semaphore, i32> {
        loop {
            match Semaphore::create(path) {
                Ok(file) => return Ok(file),
                Err(Errno::EXIST) => {}
                Err(errno) => {
                    report_at(path, Operation::Create, errno);
                    return Err(report::NO_LOCATION);
                }
            }
            let mut pause = self.sleep;
            if self.force(path) {
                pause = self.suspend;
            } else if self.retries == 0 {
                complain(
                    text!("%: it is there already; remove it if nothing needs it"),
                    path.to_bytes(),
                );
                return Err(report::EXISTS);
            } else if self.retries > 0 {
                self.retries -= 1;
            }
            self.pause(path, pause)?;
        }
    }

    /// Removes a file that is too old; whether it did.
    fn force(&self, path: &CStr) -> bool {
        if self.limit == 0 {
            return false;
        }
        match remove_by_force(path, self.limit) {
            Ok(false) => return false,
            Ok(true) => complain(text!("%: too old, removed by force"), path.to_bytes()),
            Err(errno) => {
                report_at(path, Operation::Remove, errno);
                return false;
            }
        }
        true
    }

    /// Lets some seconds pass, or a signal end the wait.
    #[inline(never)]
    fn pause(&self, path: &CStr, seconds: i32) -> Result<(), i32> {
        let mut left = seconds;
        // Never no time at all: an attempt follows.
        let mut interval = 1;
        loop {
            match self
                .signals
                .wait(SIGNALS, Some(interval))
                .map(|signal| signal.number)
            {
                Some(SIGTSTP) => {
                    self.signals.stop();
                    continue;
                }
                Some(signal) if !self.signals.is_ignored(signal) => {
                    Line::error()
                        .filled(text!("%: given up on signal "), path.to_bytes())
                        .number(signal)
                        .end();
                    return Err(report::HELD);
                }
                // Ignored. The second begins anew.
                Some(_) => continue,
                None => {}
            }
            if left == 0 {
                return Ok(());
            }
            left -= 1;
            interval = 1000;
        }
    }
}

/// The number that `text` begins with, and what follows; 0 and all of `text` where there is none.
fn number(text: &[u8]) -> (i32, &[u8]) {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    let mut number = 0;
    let mut rest = digits;
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        // 31 years are enough.
        if number < 100_000_000 {
            number = number * 10 + i32::from(digit - b'0');
        }
        rest = after;
    }
    if rest.len() == digits.len() {
        return (0, text);
    }
    (sign * number, rest)
}

fn report_at(path: &CStr, operation: Operation, errno: Errno) {
    let mut line = Line::error();
    report::describe(
        line.filled(text!("%: "), path.to_bytes()),
        None,
        Error::System { operation, errno },
    );
}
