//! The command line and its environment variables, from one table.

use rustix::process::Pid;
use update_lock::decimal;
use update_lock_start::{Args, Environment, Line};

use crate::duration;
use crate::report::USAGE;

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Run,
    Acquire,
    Release,
    Status,
    Doctor,
    Help(Topic),
    Version,
}

/// What to explain, or which command an option belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    All,
    Run,
    Acquire,
    Release,
    Status,
    Doctor,
}

impl Topic {
    fn named(name: &'static [u8]) -> Result<Self, Usage> {
        Ok(match name {
            b"run" => Self::Run,
            b"acquire" => Self::Acquire,
            b"release" => Self::Release,
            b"status" => Self::Status,
            b"doctor" => Self::Doctor,
            _ => return Err(Usage::new("unknown command", name)),
        })
    }

    fn command(self) -> Command {
        match self {
            Self::All => Command::Help(Self::All),
            Self::Run => Command::Run,
            Self::Acquire => Command::Acquire,
            Self::Release => Command::Release,
            Self::Status => Command::Status,
            Self::Doctor => Command::Doctor,
        }
    }
}

/// How long to wait for the lock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    ForEver,
    /// In milliseconds.
    AtMost(u32),
}

/// As long as somebody's probe may look like a holder: no wait, as a person sees it.
const NO_WAIT: Wait = Wait::AtMost(250);

#[derive(Clone, Copy)]
enum Key {
    NoWait,
    Wait,
    OrRun,
    Require,
    Reason,
    Group,
    ExitCode,
    For,
    Force,
    Json,
}

/// An option: on the command line and as a variable.
pub(crate) struct Spec {
    key: Key,
    pub(crate) name: &'static str,
    pub(crate) variable: &'static str,
    /// What stands for its value in the help; empty for a switch.
    pub(crate) value: &'static str,
    topics: &'static [Topic],
    pub(crate) help: &'static str,
}

impl Spec {
    /// The options of a command.
    pub(crate) fn of(topic: Topic) -> impl Iterator<Item = &'static Self> {
        OPTIONS
            .iter()
            .filter(move |spec| spec.topics.contains(&topic))
    }
}

macro_rules! options {
    ($($key:ident [$($topic:ident)*] $name:literal $value:literal $variable:literal $help:literal)*) => {
        &[$(Spec {
            key: Key::$key,
            topics: &[$(Topic::$topic),*],
            name: $name,
            value: $value,
            variable: $variable,
            help: $help,
        }),*]
    };
}

/// All options but `--lock`, which stands before the command.
const OPTIONS: &[Spec] = options! {
    NoWait [Run Acquire] "--no-wait" "" "UPDATE_LOCK_NO_WAIT" "give up when somebody holds the lock"
    Wait [Run Acquire] "--wait" "T" "UPDATE_LOCK_WAIT" "give up after T (500ms, 30s, 5m, 2h)"
    OrRun [Run] "--or-run" "" "UPDATE_LOCK_OR_RUN" "then run unprotected, and take the lock later"
    Require [Run] "--require" "" "UPDATE_LOCK_REQUIRE" "fail where there is no balena device"
    For [Acquire] "--for" "PID" "UPDATE_LOCK_FOR" "release when process PID has ended, not the caller"
    Reason [Run Acquire] "--reason" "TEXT" "UPDATE_LOCK_REASON" "why, for people who look at the lock"
    Group [Run] "--group" "" "UPDATE_LOCK_GROUP" "signal the command's whole process group"
    ExitCode [Run] "-E" "CODE" "UPDATE_LOCK_EXIT_CODE" "exit with CODE instead of 69, 74, 75 and 77"
    Force [Release] "--force" "" "UPDATE_LOCK_FORCE" "remove what another tool or a dead app has left"
    Json [Status] "--json" "" "UPDATE_LOCK_JSON" "print JSON"
};

/// What the command line and the environment ask for.
pub(crate) struct Options {
    pub(crate) command: Command,
    pub(crate) lock: Option<&'static [u8]>,
    pub(crate) wait: Wait,
    pub(crate) or_run: bool,
    pub(crate) require: bool,
    pub(crate) group: bool,
    pub(crate) force: bool,
    pub(crate) json: bool,
    /// Whose life the lock is tied to; else the caller's.
    pub(crate) pid: Option<Pid>,
    pub(crate) reason: &'static [u8],
    pub(crate) exit_code: Option<i32>,
    /// The command to run, and its arguments.
    pub(crate) arguments: Args,
}

/// Why a command line can't be understood.
pub(crate) struct Usage {
    what: &'static str,
    word: &'static [u8],
}

impl Usage {
    fn new(what: &'static str, word: &'static [u8]) -> Self {
        Self { what, word }
    }

    /// One line, and the exit code.
    pub(crate) fn report(&self) -> i32 {
        let mut line = Line::error();
        line.text(self.what);
        if !self.word.is_empty() {
            line.filled(" '%'", self.word);
        }
        line.text("; see 'update-lock help'").end();
        USAGE
    }
}

impl Options {
    pub(crate) fn parse(mut args: Args, environment: Environment) -> Result<Self, Usage> {
        let _program = args.next();
        let mut options = Self {
            command: Command::Help(Topic::All),
            lock: None,
            wait: Wait::ForEver,
            or_run: false,
            require: false,
            group: false,
            force: false,
            json: false,
            pid: None,
            reason: b"",
            exit_code: None,
            arguments: args,
        };
        let topic = options.parse_command()?;
        let variables = options.parse_variables(topic, environment);
        options.parse_options(topic)?;
        if !matches!(options.command, Command::Help(_)) {
            variables?;
            options.check(topic)?;
        }
        Ok(options)
    }

    /// `[--lock PATH] COMMAND`
    fn parse_command(&mut self) -> Result<Topic, Usage> {
        loop {
            let Some(word) = self.arguments.next() else {
                return Err(Usage::new("no command", b""));
            };
            if let Some(path) = self.value_of("--lock", word)? {
                self.lock = Some(path);
                continue;
            }
            let topic = match word {
                b"help" | b"--help" | b"-h" => {
                    let topic = self.parse_topic()?;
                    self.command = Command::Help(topic);
                    return Ok(Topic::All);
                }
                b"--version" | b"-V" => {
                    self.command = Command::Version;
                    return Ok(Topic::All);
                }
                name => Topic::named(name)?,
            };
            self.command = topic.command();
            return Ok(topic);
        }
    }

    fn parse_topic(&mut self) -> Result<Topic, Usage> {
        match self.arguments.next() {
            None => Ok(Topic::All),
            Some(name) => Topic::named(name),
        }
    }

    fn parse_variables(&mut self, topic: Topic, environment: Environment) -> Result<(), Usage> {
        for spec in Spec::of(topic) {
            match environment.get(spec.variable) {
                None | Some([]) => {}
                Some(value) => self
                    .set(spec, value)
                    .ok_or(Usage::new(spec.variable, value))?,
            }
        }
        Ok(())
    }

    fn parse_options(&mut self, topic: Topic) -> Result<(), Usage> {
        loop {
            let at_word = self.arguments;
            let Some(word) = self.arguments.next() else {
                return Ok(());
            };
            if word == b"--" {
                return Ok(());
            }
            if word == b"--help" || word == b"-h" {
                self.command = Command::Help(topic);
                return Ok(());
            }
            if word.first() != Some(&b'-') {
                self.arguments = at_word;
                return Ok(());
            }
            self.parse_option(topic, word)?;
        }
    }

    fn parse_option(&mut self, topic: Topic, word: &'static [u8]) -> Result<(), Usage> {
        for spec in Spec::of(topic) {
            let value = if spec.value.is_empty() && word == spec.name.as_bytes() {
                Some(&b"1"[..])
            } else {
                self.value_of(spec.name, word)?
            };
            if let Some(value) = value {
                return self.set(spec, value).ok_or(Usage::new(spec.name, value));
            }
        }
        Err(Usage::new("unknown option", word))
    }

    /// The value of the option `name`, if `word` is that option: what follows its `=`, else the next word.
    fn value_of(
        &mut self,
        name: &'static str,
        word: &'static [u8],
    ) -> Result<Option<&'static [u8]>, Usage> {
        match word.strip_prefix(name.as_bytes()) {
            Some([]) => match self.arguments.next() {
                Some(value) => Ok(Some(value)),
                None => Err(Usage::new("no value after", word)),
            },
            Some([b'=', value @ ..]) => Ok(Some(value)),
            _ => Ok(None),
        }
    }

    /// `None` where the value has no meaning.
    fn set(&mut self, spec: &Spec, value: &'static [u8]) -> Option<()> {
        match spec.key {
            Key::NoWait => {
                if switch(value)? {
                    self.wait = NO_WAIT;
                } else if self.wait == NO_WAIT {
                    self.wait = Wait::ForEver;
                }
            }
            Key::Wait => self.wait = Wait::AtMost(duration::parse(value)?),
            Key::OrRun => self.or_run = switch(value)?,
            Key::Require => self.require = switch(value)?,
            Key::Reason => self.reason = value,
            Key::Group => self.group = switch(value)?,
            Key::ExitCode => {
                let code = decimal::parse(value).filter(|&code| code < 256)?;
                self.exit_code = Some(code as i32);
            }
            Key::For => self.pid = Some(pid(value)?),
            Key::Force => self.force = switch(value)?,
            Key::Json => self.json = switch(value)?,
        }
        Some(())
    }

    fn check(&self, topic: Topic) -> Result<(), Usage> {
        let mut rest = self.arguments;
        let next = rest.next();
        match (self.command, next) {
            (Command::Run, None) => Err(Usage::new("run: no command to run", b"")),
            (Command::Run, _) if self.or_run && self.wait == Wait::ForEver => {
                Err(Usage::new("--or-run needs --wait", b""))
            }
            (Command::Run, _) => Ok(()),
            (_, Some(word)) if topic != Topic::All => Err(Usage::new("too many arguments", word)),
            _ => Ok(()),
        }
    }
}

fn pid(value: &[u8]) -> Option<Pid> {
    let number = i32::try_from(decimal::parse(value)?).ok()?;
    Pid::from_raw(number)
}

/// What a switch's value means.
fn switch(value: &[u8]) -> Option<bool> {
    Some(match value {
        b"1" | b"true" | b"yes" => true,
        b"0" | b"false" | b"no" => false,
        _ => return None,
    })
}
