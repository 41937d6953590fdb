//! The command line and its environment variables.

use rustix::process::Pid;
use update_lock::decimal;
use update_lock_start::{Args, Clock, Environment, Line, Text, now, text};
use update_lock_window::{LocalTime, is_open};

use crate::report::USAGE;
pub(crate) use crate::spec::Key;
use crate::spec::{Spec, TOPICS, Topic, VERSIONS, WORDS, position};
use crate::{duration, windows};

/// What to do with a topic.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Do,
    Explain,
    /// Whatever the topic: print the version.
    Version,
}

/// How long to wait for the lock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    ForEver,
    /// In milliseconds.
    AtMost(u32),
}

/// What to do when the lock is taken away.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnLost {
    Retake,
    Stop,
    Ignore,
}

/// As long as somebody's probe may look like a holder: no wait, as a person sees it.
const NO_WAIT: Wait = Wait::AtMost(250);

/// What the command line and the environment ask for.
pub(crate) struct Options {
    pub(crate) action: Action,
    pub(crate) topic: Topic,
    pub(crate) lock: Option<&'static [u8]>,
    pub(crate) wait: Wait,
    pub(crate) on_lost: OnLost,
    /// For how many milliseconds the command is up before it is protected.
    pub(crate) after: Option<u32>,
    /// When updates may come.
    pub(crate) open: Values,
    /// What `--while` runs, and every how many milliseconds.
    pub(crate) condition: Option<&'static [u8]>,
    pub(crate) every: Option<u32>,
    /// A bit for each switch.
    switches: u32,
    /// A bit for each option that has been set since the variables were read.
    given: u32,
    /// A number for this process, which is no other's: see `nested.rs`.
    pub(crate) token: u32,
    /// Whose life the lock is tied to; else the caller's.
    pub(crate) pid: Option<Pid>,
    pub(crate) reason: &'static [u8],
    pub(crate) exit_code: Option<i32>,
    /// The command to run, and its arguments.
    pub(crate) arguments: Args,
}

/// The values of an option that may be repeated.
pub(crate) struct Values {
    /// The rest are empty.
    pub(crate) values: [&'static [u8]; windows::MOST],
    count: usize,
    /// They come from the variable: the first one of the command line takes their place.
    is_default: bool,
}

impl Values {
    const NONE: Self = Self {
        values: [b""; windows::MOST],
        count: 0,
        is_default: false,
    };

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn is_full(&self) -> bool {
        self.count == windows::MOST
    }

    /// `None` where there are too many.
    fn add(&mut self, value: &'static [u8]) -> Option<()> {
        if core::mem::take(&mut self.is_default) {
            *self = Self::NONE;
        }
        *self.values.get_mut(self.count)? = value;
        self.count += 1;
        Some(())
    }
}

/// Of an option's or a variable's value.
const NO_MEANING: Text = text!(": '%' can't be understood");

impl Options {
    /// What the arguments are, and nothing of what they say.
    pub(crate) fn new(arguments: Args) -> Self {
        Self {
            action: Action::Do,
            topic: Topic::All,
            lock: None,
            wait: Wait::ForEver,
            on_lost: OnLost::Retake,
            after: None,
            open: Values::NONE,
            condition: None,
            every: None,
            switches: 0,
            given: 0,
            token: now(Clock::Monotonic).1,
            pid: None,
            reason: b"",
            exit_code: None,
            arguments,
        }
    }

    /// What the command line and the environment say; an exit code where that can't be understood.
    #[inline(never)] // with a frame of its own: Thumb code reaches less than 1 KiB of it by short instructions
    pub(crate) fn parse(&mut self, environment: Environment) -> Result<(), i32> {
        let _program = self.arguments.next();
        self.parse_command()?;
        // What is only explained needs no variable.
        let topic = match self.action {
            Action::Do => self.topic,
            _ => Topic::All,
        };
        let wrong = self.parse_variables(topic, environment);
        self.open.is_default = true;
        self.given = 0;
        self.parse_options(topic)?;
        if self.action != Action::Do {
            return Ok(());
        }
        match wrong {
            Some((spec, value)) => Err(self.refuse_variable(spec, value)),
            None => {
                self.prefer_given();
                self.check()
            }
        }
    }

    /// Says what is wrong: `subject`, and `template` with `word` for its `%`; the exit code.
    #[inline(never)]
    fn refuse(&self, subject: &[u8], template: Text, word: &[u8]) -> i32 {
        let mut line = Line::error();
        line.bytes(subject).filled(template, word);
        line.text(text!("; see 'update-lock help"));
        if let Some(name) = self.topic.name() {
            line.text(text!(" ")).bytes(name);
        }
        line.text(text!("'")).end();
        USAGE
    }

    fn refuse_variable(&self, spec: &Spec, value: &[u8]) -> i32 {
        let mut variable = Line::string();
        spec.add_variable(&mut variable);
        self.refuse(variable.as_bytes(), NO_MEANING, value)
    }

    /// Of two options that exclude each other, one on the command line wins over one that a variable sets.
    fn prefer_given(&mut self) {
        let waits = self.is_given(Key::Wait) || self.is_given(Key::NoWait);
        if self.after.is_none() || self.wait == Wait::ForEver || waits == self.is_given(Key::After)
        {
            return;
        }
        if waits {
            self.after = None;
        } else {
            self.wait = Wait::ForEver;
            self.switches &= !(1 << Key::OrRun as u32);
        }
    }

    /// Whether an option is on the command line.
    fn is_given(&self, key: Key) -> bool {
        self.given & 1 << key as u32 != 0
    }

    /// Whether a switch is on.
    pub(crate) fn has(&self, switch: Key) -> bool {
        self.switches & 1 << switch as u32 != 0
    }

    /// Whether the lock is given back now and then.
    pub(crate) fn has_windows(&self) -> bool {
        !self.open.is_empty()
    }

    /// `[--lock PATH] COMMAND`
    fn parse_command(&mut self) -> Result<(), i32> {
        loop {
            let Some(word) = self.arguments.next() else {
                return Err(self.refuse(b"", text!("no command"), b""));
            };
            if let Some(path) = self.value_of(b"--lock", word)? {
                self.lock = Some(path);
                continue;
            }
            match position(word, WORDS) {
                Some(VERSIONS..) => self.action = Action::Version,
                Some(TOPICS..) => {
                    self.action = Action::Explain;
                    if let Some(name) = self.arguments.next() {
                        self.topic = self.topic_named(name)?;
                    }
                }
                _ => self.topic = self.topic_named(word)?,
            }
            return Ok(());
        }
    }

    fn topic_named(&self, name: &[u8]) -> Result<Topic, i32> {
        Topic::named(name).ok_or_else(|| self.refuse(b"", text!("unknown command '%'"), name))
    }

    /// An option whose variable has no meaning, and its value, if there is one.
    fn parse_variables(
        &mut self,
        topic: Topic,
        environment: Environment,
    ) -> Option<(&'static Spec, &'static [u8])> {
        Spec::of(topic).find_map(|spec| {
            let value = spec
                .value_in(environment)
                .filter(|value| !value.is_empty())?;
            self.set(spec, value).is_none().then_some((spec, value))
        })
    }

    fn parse_options(&mut self, topic: Topic) -> Result<(), i32> {
        loop {
            let at_word = self.arguments;
            match self.arguments.next() {
                None | Some(b"--") => return Ok(()),
                Some(word) if position(word, "--help -h").is_some() => {
                    self.action = Action::Explain;
                    self.topic = topic;
                    return Ok(());
                }
                Some(word @ [b'-', ..]) => self.parse_option(topic, word)?,
                Some(_) => {
                    self.arguments = at_word;
                    return Ok(());
                }
            }
        }
    }

    fn parse_option(&mut self, topic: Topic, word: &'static [u8]) -> Result<(), i32> {
        for spec in Spec::of(topic) {
            let (name, has_value) = spec.name();
            let value = if !has_value && word == name {
                Some(&b"1"[..])
            } else {
                self.value_of(name, word)?
            };
            if let Some(value) = value {
                return self.set(spec, value).ok_or_else(|| {
                    let template = match spec.key {
                        Key::Open if self.open.is_full() => text!(": more than eight"),
                        _ => NO_MEANING,
                    };
                    self.refuse(name, template, value)
                });
            }
        }
        Err(self.refuse(b"", text!("unknown option '%'"), word))
    }

    /// The value of the option `name`, if `word` is that option: what follows its `=`, else the next word.
    fn value_of(&mut self, name: &[u8], word: &'static [u8]) -> Result<Option<&'static [u8]>, i32> {
        match word.strip_prefix(name) {
            Some([]) => match self.arguments.next() {
                Some(value) => Ok(Some(value)),
                None => Err(self.refuse(name, text!(": no value"), b"")),
            },
            Some([b'=', value @ ..]) => Ok(Some(value)),
            _ => Ok(None),
        }
    }

    /// `None` where the value has no meaning.
    fn set(&mut self, spec: &Spec, value: &'static [u8]) -> Option<()> {
        self.given |= 1 << spec.key as u32;
        match spec.key {
            Key::Wait => self.wait = Wait::AtMost(duration::parse(value)?),
            Key::Reason => self.reason = value,
            Key::ExitCode => {
                let code = decimal::parse(value).filter(|&code| code < 256)?;
                self.exit_code = Some(code as i32);
            }
            Key::OnLost => {
                self.on_lost = match value {
                    b"retake" => OnLost::Retake,
                    b"stop" => OnLost::Stop,
                    b"ignore" => OnLost::Ignore,
                    _ => return None,
                };
            }
            Key::After => self.after = Some(duration::parse(value)?),
            Key::Open => {
                is_open(value, LocalTime::default())?;
                self.open.add(value)?;
            }
            Key::While => self.condition = Some(value),
            Key::Every => {
                self.every = Some(duration::parse(value).filter(|&every| every > 0)?);
            }
            Key::For => self.pid = Some(pid(value)?),
            key => {
                let bit = 1 << key as u32;
                let is_on = switch(value)?;
                self.switches = if is_on {
                    self.switches | bit
                } else {
                    self.switches & !bit
                };
                if key == Key::NoWait {
                    if is_on {
                        self.wait = NO_WAIT;
                    } else if self.wait == NO_WAIT {
                        self.wait = Wait::ForEver;
                    }
                }
            }
        }
        Some(())
    }

    fn check(&self) -> Result<(), i32> {
        let next = { self.arguments }.next();
        let is_on = |switch| self.is_given(switch) && self.has(switch);
        let template = match (self.topic, next) {
            (Topic::Run, None) => text!("no command to run"),
            (Topic::Run, _) if self.has(Key::OrRun) && self.wait == Wait::ForEver => {
                text!("--or-run needs --wait")
            }
            (Topic::Run, _) if self.after.is_some() && self.wait != Wait::ForEver => {
                text!("--after waits beside the command: leave --wait out")
            }
            // A variable says it of a device, and of commands below one that has windows, which have none.
            _ if is_on(Key::TrustClock) && !self.has_windows() => {
                text!("--trust-clock needs --open")
            }
            _ if self.every.is_some() && self.condition.is_none() => {
                text!("--every needs --while")
            }
            (Topic::Run, _) | (_, None) => return Ok(()),
            _ => text!("too many arguments: '%'"),
        };
        Err(self.refuse(b"", template, next.unwrap_or_default()))
    }
}

fn pid(value: &[u8]) -> Option<Pid> {
    let number = i32::try_from(decimal::parse(value)?).ok()?;
    Pid::from_raw(number)
}

/// What a switch's value means.
fn switch(value: &[u8]) -> Option<bool> {
    position(value, "0 no false 1 yes true").map(|place| place > 2)
}
