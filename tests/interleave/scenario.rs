//! Who acts, from where on, and in which order: as text, so that it can be kept.

use std::fmt::{self, Display, Formatter};

use crate::world::Actor;

/// Somebody who has to do with the lock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Role {
    /// The driver: the lock taken and given back.
    Exclusive,
    /// The same with a share of it.
    Shared,
    /// The same by a waiter.
    Waiting,
    /// The program: `run --no-wait` of a command that ends at once.
    Run,
    /// The program: `acquire --no-wait`, and from its `fork` on the keeper.
    Acquire,
    /// The same with `--shared`.
    AcquireShared,
    /// The program: `release`, of what one of these has left.
    Release,
    /// The program by its other name: `lockfile -r0 -l1`, which removes an old file.
    Lockfile,
    /// The Supervisor takes the lock once, and gives it back.
    Supervisor,
    /// The same under an override.
    ForcedSupervisor,
    Helios,
    ForcedHelios,
    /// helios takes the lock, and dies.
    DyingHelios,
    /// Another tool takes the lock, whose file is its own alone, and gives it back.
    Tool,
    /// A person removes the file.
    Person,
    /// The host's reboot check looks once.
    Host,
}

pub(crate) use Role::{
    Acquire, AcquireShared, DyingHelios, Exclusive, ForcedHelios, ForcedSupervisor, Helios, Host,
    Lockfile, Person, Release, Run, Shared, Supervisor, Tool, Waiting,
};

pub(crate) const PROCESSES: [Role; 8] = [
    Exclusive,
    Shared,
    Waiting,
    Run,
    Acquire,
    AcquireShared,
    Release,
    Lockfile,
];
pub(crate) const PEERS: [Role; 8] = [
    Supervisor,
    ForcedSupervisor,
    Helios,
    ForcedHelios,
    DyingHelios,
    Tool,
    Person,
    Host,
];

impl Role {
    /// Whether it is a process of ours.
    pub(crate) fn is_process(self) -> bool {
        PROCESSES.contains(&self)
    }

    /// Whether it leaves the lock to a keeper.
    pub(crate) fn leaves_keeper(self) -> bool {
        [Acquire, AcquireShared].contains(&self)
    }

    /// Whether it shares the lock.
    pub(crate) fn shares(self) -> bool {
        [Shared, AcquireShared].contains(&self)
    }

    /// Whether its file is an update lock of ours.
    pub(crate) fn is_ours(self) -> bool {
        self.is_process() && self != Lockfile
    }

    /// Whether it is the program, not the driver.
    pub(crate) fn is_program(self) -> bool {
        self.is_process() && ![Exclusive, Shared, Waiting].contains(&self)
    }

    /// What the driver is to do.
    pub(crate) fn argument(self) -> &'static str {
        match self {
            Shared => "shared",
            Waiting => "waiting",
            _ => "exclusive",
        }
    }
}

/// Who acts, and from where on.
///
/// `stale: Exclusive! Host`: on a dead holder's file; the first may be killed at any step. `free: Shared* Shared*`: they hold
/// the lock already.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// The mode of a dead holder's file that is there.
    pub(crate) stale: Option<u32>,
    pub(crate) cast: Vec<Role>,
    /// So many of the first ones hold the lock already.
    pub(crate) holders: usize,
    /// Who may be killed at any step.
    pub(crate) mortal: Vec<Actor>,
}

const STARTS: [(&str, Option<u32>); 3] = [
    ("free", None),
    ("stale", Some(0o1644)),
    // It died in its release.
    ("released", Some(0o1744)),
];

impl Scenario {
    /// # Panics
    ///
    /// If it isn't one.
    pub(crate) fn parse(text: &str) -> Self {
        let (start, cast) = text.split_once(": ").expect("a start and a cast");
        let start = STARTS.iter().find(|(name, _)| *name == start);
        let mut scenario = Self {
            stale: start.expect("a start").1,
            cast: vec![],
            holders: 0,
            mortal: vec![],
        };
        for (actor, word) in cast.split(' ').enumerate() {
            let name = word.trim_end_matches(['*', '!']);
            let mut roles = PROCESSES.into_iter().chain(PEERS);
            let role = roles.find(|role| format!("{role:?}") == name);
            scenario.cast.push(role.expect("a role"));
            if word.contains('*') {
                scenario.holders = actor + 1;
            }
            if word.contains('!') {
                scenario.mortal.push(actor);
            }
        }
        scenario
    }
}

impl Display for Scenario {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let start = STARTS.iter().find(|(_, mode)| *mode == self.stale);
        write!(f, "{}:", start.expect("a start").0)?;
        for (actor, role) in self.cast.iter().enumerate() {
            let star = if actor < self.holders { "*" } else { "" };
            let mortal = if self.mortal.contains(&actor) {
                "!"
            } else {
                ""
            };
            write!(f, " {role:?}{star}{mortal}")?;
        }
        Ok(())
    }
}

/// What can happen next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Choice {
    /// `A`: one step.
    Step(Actor),
    /// `A~`: its patience ends.
    Time(Actor),
    /// `A!`: it is killed.
    Crash(Actor),
}

impl Choice {
    pub(crate) fn actor(self) -> Actor {
        let (Self::Step(actor) | Self::Time(actor) | Self::Crash(actor)) = self;
        actor
    }
}

/// Choices as text: `A A B A~ B!`.
pub(crate) fn to_text(schedule: &[Choice]) -> String {
    let words = schedule.iter().map(|choice| {
        let end = match choice {
            Choice::Step(_) => "",
            Choice::Time(_) => "~",
            Choice::Crash(_) => "!",
        };
        format!("{}{end}", letter(choice.actor()))
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Choices of text.
///
/// # Panics
///
/// If these are none.
pub(crate) fn of_text(text: &str) -> Vec<Choice> {
    let choices = text.split_whitespace().map(|word| {
        let actor = usize::from(word.as_bytes()[0] - b'A');
        match word.get(1..) {
            Some("~") => Choice::Time(actor),
            Some("!") => Choice::Crash(actor),
            _ => Choice::Step(actor),
        }
    });
    choices.collect()
}

/// An actor's name in a schedule.
pub(crate) fn letter(actor: Actor) -> char {
    char::from(b'A' + actor as u8)
}
