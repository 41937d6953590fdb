//! The commands and the options: their names, what they do, and their variables, in one table.

use update_lock::fields::fields;
use update_lock_start::{Environment, Line, Text, text};

/// A command: what to do, what to explain, or what an option belongs to. `All` stands for none of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    Run,
    Hold,
    Acquire,
    Release,
    Status,
    Watch,
    Update,
    Doctor,
    All,
}

/// What a command line may begin with: the topics in their order, then what isn't one.
pub(crate) const WORDS: &str =
    "run hold acquire release status watch update doctor help --help -h --version -V";

/// The first of them that asks for help, and the first that asks for the version.
pub(crate) const TOPICS: usize = Topic::All as usize;
pub(crate) const VERSIONS: usize = TOPICS + 3;

impl Topic {
    fn at(place: usize) -> Option<Self> {
        use Topic::{Acquire, Doctor, Hold, Release, Run, Status, Update, Watch};
        const ALL: [Topic; TOPICS] = [Run, Hold, Acquire, Release, Status, Watch, Update, Doctor];
        ALL.get(place).copied()
    }

    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        position(name, WORDS).and_then(Self::at)
    }

    /// The command's name.
    pub(crate) fn name(self) -> Option<&'static [u8]> {
        fields(WORDS.as_bytes(), b' ')
            .take(TOPICS)
            .nth(self as usize)
    }
}

/// The place of `word` among `words`. A `match` would compare byte by byte, with code for each.
#[inline(never)]
pub(crate) fn position(word: &[u8], words: &str) -> Option<usize> {
    fields(words.as_bytes(), b' ').position(|known| known == word)
}

/// Which option; the first ones are switches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    NoWait,
    OrRun,
    Require,
    Group,
    Shared,
    Update,
    Cancel,
    TrustClock,
    Force,
    Json,
    Wait,
    Reason,
    ExitCode,
    OnLost,
    After,
    Open,
    While,
    Every,
    For,
}

/// An option: on the command line, and, all but `--force`, as a variable.
pub(crate) struct Spec {
    pub(crate) key: Key,
    /// A bit for each topic that has it.
    topics: u16,
    /// Its name, and what stands for its value, if it takes one.
    pub(crate) usage: &'static str,
    /// What it does.
    pub(crate) help: Text,
}

impl Spec {
    /// The options of a command.
    pub(crate) fn of(topic: Topic) -> impl Iterator<Item = &'static Self> {
        OPTIONS
            .iter()
            .filter(move |spec| spec.topics & 1 << topic as u8 != 0)
    }

    /// The name, and whether a value belongs to it.
    pub(crate) fn name(&self) -> (&'static [u8], bool) {
        let usage = self.usage.as_bytes();
        match usage.iter().position(|&byte| byte == b' ') {
            Some(end) => (usage.get(..end).unwrap_or_default(), true),
            None => (usage, false),
        }
    }

    /// What its variable says.
    #[inline(never)]
    pub(crate) fn value_in(&self, environment: Environment) -> Option<&'static [u8]> {
        if !self.has_variable() {
            return None;
        }
        let mut variable = Line::string();
        self.add_variable(&mut variable);
        environment.get(variable.as_bytes())
    }

    /// Not where it overrides others: as a variable it would do so in every script.
    pub(crate) fn has_variable(&self) -> bool {
        self.key != Key::Force
    }

    /// Adds the variable's name: the option's in capitals.
    pub(crate) fn add_variable(&self, line: &mut Line) {
        let (name, _) = self.name();
        line.text(text!("UPDATE_LOCK_"));
        let Some(name) = name.strip_prefix(b"--") else {
            line.text(text!("EXIT_CODE")); // the only short one
            return;
        };
        for &byte in name {
            line.bytes(&[if byte == b'-' {
                b'_'
            } else {
                byte.to_ascii_uppercase()
            }]);
        }
    }
}

macro_rules! options {
    ($($key:ident [$($topic:ident)*] $name:literal $help:literal)*) => {
        &[$(Spec {
            key: Key::$key,
            topics: 0 $(| 1 << Topic::$topic as u8)*,
            usage: $name,
            help: text!($help),
        }),*]
    };
}

/// All options but `--lock`, which stands before the command.
const OPTIONS: &[Spec] = options! {
    NoWait [Run Acquire] "--no-wait" "give up when somebody holds the lock"
    Wait [Run Acquire] "--wait T" "give up after T (500ms, 30s, 5m, 2h)"
    OrRun [Run] "--or-run" "then run unprotected, and take the lock later"
    Require [Run] "--require" "fail where there is no balena device"
    After [Run] "--after T" "take the lock when the command has been up for T"
    Open [Run Hold] "--open WINDOW" "don't hold it then: 02:00-04:00, Sat,Sun 22:00-06:00"
    TrustClock [Run Hold] "--trust-clock" "go by a clock that NTP hasn't set, too"
    While [Hold] "--while COMMAND" "hold it only while the shell's COMMAND says 0"
    Every [Hold] "--every T" "run that COMMAND every T (default 90s)"
    OnLost [Run Hold] "--on-lost HOW" "after an override: retake (default), stop, ignore"
    For [Acquire] "--for PID" "release when process PID has ended, not the caller"
    For [Release] "--for PID" "what acquire --shared took for PID, not the caller"
    Shared [Run Acquire] "--shared" "beside others; the last one gives it back"
    Reason [Run Hold Acquire] "--reason TEXT" "why, for people who look at the lock"
    Group [Run] "--group" "signal the command's whole process group"
    ExitCode [Run] "-E CODE" "exit with CODE instead of 69, 74, 75 and 77"
    Force [Release] "--force" "remove what another tool or a dead app has left"
    Update [Release] "--update" "then ask the Supervisor to look for an update"
    Force [Update] "--force" "override the locks of all services"
    Cancel [Update] "--cancel" "break off a download that is under way"
    Json [Status Watch] "--json" "print JSON"
};
