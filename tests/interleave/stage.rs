//! One run of a scenario: who acts in it, what can happen next, and what happens.

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use nix::errno::Errno;

use crate::abi::{Call, Kind};
use crate::originals::Originals;
use crate::peer::Peer;
use crate::process::{Place, Process};
use crate::rules::{Rules, Violation};
use crate::scenario::{Choice, Exclusive, Role, Scenario, letter};
use crate::world::{Actor, Byte, File, NOBODY, Name, World};

/// What there is to see of the lock.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct View {
    pub(crate) file: Option<File>,
    pub(crate) flocks: Vec<(Name, Actor, bool)>,
    pub(crate) bytes: Vec<(Name, Actor, Byte)>,
}

enum Player {
    Process(Process),
    Peer(Peer),
}

pub(crate) struct Stage<'w> {
    world: &'w mut World,
    originals: &'w mut Originals,
    scenario: &'w Scenario,
    programs: PathBuf,
    players: Vec<Player>,
    /// How often anything about the lock changed, and how often when each actor acted last.
    changes: u32,
    seen: Vec<u32>,
    view: View,
    pub(crate) rules: Rules,
    pub(crate) log: Vec<String>,
}

impl<'w> Stage<'w> {
    pub(crate) fn new(
        world: &'w mut World,
        originals: &'w mut Originals,
        scenario: &'w Scenario,
        programs: PathBuf,
    ) -> Self {
        world.clear();
        world.has_bytes = scenario.cast.contains(&Role::AcquireShared);
        if let Some(mode) = scenario.stale {
            world.make_stale(mode);
        }
        let cast = scenario.cast.iter().enumerate();
        let players = cast.map(|(actor, &role)| {
            if role.is_process() {
                let tracee = originals.fork(actor, role, &programs, world);
                Player::Process(Process::new(tracee, role, world))
            } else {
                Player::Peer(Peer::new(role, actor))
            }
        });
        let players: Vec<_> = players.collect();
        let mut stage = Self {
            seen: vec![0; players.len()],
            players,
            world,
            originals,
            scenario,
            programs,
            changes: 0,
            view: View::default(),
            rules: Rules::new(scenario),
            log: vec![],
        };
        stage.view.file = stage.world.at_path();
        stage
    }

    /// Everything that can happen next.
    pub(crate) fn choices(&self) -> Vec<Choice> {
        let mut choices = vec![];
        for (actor, player) in self.players.iter().enumerate() {
            match player {
                Player::Peer(peer) if !peer.is_done => choices.push(Choice::Step(actor)),
                Player::Peer(_) => {}
                Player::Process(process) => self.choices_of(actor, process, &mut choices),
            }
        }
        choices
    }

    fn choices_of(&self, actor: Actor, process: &Process, choices: &mut Vec<Choice>) {
        let has_news = self.changes > self.seen[actor];
        match process.place {
            Place::Ended(_) => return,
            Place::Call(_) => choices.push(Choice::Step(actor)),
            Place::Again(_) | Place::Wait | Place::Idle => {
                if has_news {
                    choices.push(Choice::Step(actor));
                }
                // With news it would look, and look in time.
                if !has_news && self.may_time_pass(actor, process.place) {
                    choices.push(Choice::Time(actor));
                }
            }
        }
        if self.scenario.mortal.contains(&actor) {
            choices.push(Choice::Crash(actor));
        }
    }

    /// A probe ends within a quarter of a second, and a forced Supervisor comes within five.
    fn may_time_pass(&self, actor: Actor, place: Place) -> bool {
        let is_peer = |is: fn(&Peer) -> bool| {
            let mut players = self.players.iter();
            players.any(|player| matches!(player, Player::Peer(peer) if !peer.is_done && is(peer)))
        };
        // A look has the `flock` for a moment, as a probe has.
        let looks = |&(_, actor, _): &(_, Actor, _)| {
            [Role::Release, Role::Lockfile].contains(&self.scenario.cast[actor])
        };
        let is_probed = is_peer(Peer::is_probing) || self.view.flocks.iter().any(looks);
        let is_forced = is_peer(Peer::is_forcing);
        match place {
            Place::Again(_) => !is_probed,
            _ => !is_probed && !is_forced && !self.rules.has_waited(actor, self.changes),
        }
    }

    /// Lets it happen.
    pub(crate) fn take(&mut self, choice: Choice) -> Result<(), Violation> {
        let actor = choice.actor();
        let before = std::mem::take(&mut self.view);
        let stand_in = Player::Peer(Peer::new(self.scenario.cast[actor], actor));
        let mut player = std::mem::replace(&mut self.players[actor], stand_in);
        let made = match &mut player {
            Player::Peer(peer) => {
                let text = peer.step(self.world);
                self.say(actor, text);
                if peer.is_broken {
                    self.rules.override_failed(self.world.at_path());
                }
                None
            }
            Player::Process(process) => self.process(actor, process, choice),
        };
        self.players[actor] = player;
        self.view = self.look(actor, &before);
        self.tell(&before, made.as_ref());
        if self.view != before {
            self.changes += 1;
        }
        // Its own change is no news.
        self.seen[actor] = self.changes;
        let place = match &self.players[actor] {
            Player::Process(process) => Some((process.place, process.believes)),
            Player::Peer(_) => None,
        };
        self.rules
            .check(choice, made, place, &before, &self.view, self.changes)
    }

    /// Tells those with a watch what has happened.
    fn tell(&mut self, before: &View, made: Option<&Call>) {
        let name = |view: &View| view.file.as_ref().map(|file| file.name);
        let event = match (name(before), name(&self.view)) {
            (old, new) if old == new => made
                .map(|call| call.name)
                .filter(|name| ["close", "fchmod", "utimensat"].contains(name)),
            (None, _) => Some("come"),
            (_, None) => Some("gone"),
            _ => Some("replaced"),
        };
        for player in &mut self.players {
            if let Player::Process(process) = player {
                event.into_iter().for_each(|event| process.hears(event));
            }
        }
    }

    fn process(&mut self, actor: Actor, process: &mut Process, choice: Choice) -> Option<Call> {
        let mut made = None;
        match (choice, process.place) {
            (Choice::Crash(_), _) => {
                process.crash();
                self.say(actor, "is killed".into());
            }
            (Choice::Step(_), Place::Call(_) | Place::Again(_)) => {
                let step = process.step(self.world);
                if step.call.creates() && step.answer >= 0 {
                    self.world.names_new(actor);
                }
                self.say(actor, describe(&step.call, step.answer));
                process.go_on(self.world);
                made = Some(step.call);
            }
            (Choice::Step(_), Place::Wait | Place::Idle) => {
                process.look_again(self.world, 1);
                self.say(actor, "looks again".into());
            }
            (_, Place::Wait | Place::Idle) => {
                process.look_again(self.world, 10_000);
                self.say(actor, "looks again after 10 s".into());
            }
            _ => {
                process.lose_patience(self.world);
                self.say(actor, "tries again until its patience ends".into());
            }
        }
        if process.believes {
            self.say(actor, "HOLDS, as it believes".into());
        }
        if let Place::Ended(end) = process.place {
            self.say(actor, format!("ends: {end:?}"));
        }
        made
    }

    fn say(&mut self, actor: Actor, text: String) {
        let mut line = String::new();
        let letter = letter(actor);
        let _ = write!(line, "{letter} {:?}: {text}", self.scenario.cast[actor]);
        self.log.push(line);
    }

    /// After something that this actor did: nobody else's locks have changed.
    fn look(&self, actor: Actor, before: &View) -> View {
        let (own, bytes) = match &self.players[actor] {
            Player::Process(process) => (process.flocks(self.world), process.bytes(self.world)),
            Player::Peer(peer) => (peer.flock(self.world).into_iter().collect(), vec![]),
        };
        View {
            file: self.world.at_path(),
            flocks: with_those_of(actor, own, &before.flocks),
            bytes: with_those_of(actor, bytes, &before.bytes),
        }
    }

    /// Everything that the further course depends on.
    pub(crate) fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.view.hash(&mut hasher);
        self.rules.hash(&mut hasher);
        for (actor, player) in self.players.iter().enumerate() {
            match player {
                Player::Process(process) => {
                    process.hash(self.world, &mut hasher);
                    let has_waited = self.rules.has_waited(actor, self.changes);
                    (self.changes > self.seen[actor], has_waited).hash(&mut hasher);
                }
                Player::Peer(peer) => peer.hash(&mut hasher),
            }
        }
        hasher.finish()
    }

    /// Brings those who hold the lock from the start to that.
    pub(crate) fn prepare(&mut self) -> Result<(), Violation> {
        for actor in 0..self.scenario.holders {
            while !self.believes(actor) {
                self.take(Choice::Step(actor))?;
            }
        }
        Ok(())
    }

    fn believes(&self, actor: Actor) -> bool {
        matches!(&self.players[actor], Player::Process(process) if process.believes)
    }

    /// After everything: what has been left, and whether the next start gets the lock.
    pub(crate) fn end(&mut self) -> Result<(), Violation> {
        let places = self.players.iter().map(|player| match player {
            Player::Process(process) => Some(process.place),
            Player::Peer(_) => None,
        });
        let places: Vec<_> = places.collect();
        self.rules.check_end(&self.view, &places)?;
        let Some(file) = &self.view.file else {
            return Ok(());
        };
        let maker = file.name.maker;
        if maker != NOBODY && !self.scenario.cast[maker].is_ours() {
            // Its owner or a person removes it one day.
            return Ok(());
        }
        for player in &mut self.players {
            if let Player::Process(process) = player {
                process.crash();
            }
        }
        let next = self.scenario.cast.len();
        let tracee = self
            .originals
            .fork(next, Exclusive, &self.programs, self.world);
        let mut process = Process::new(tracee, Exclusive, self.world);
        let mut has_held = false;
        while !matches!(process.place, Place::Ended(_)) {
            if let Place::Call(_) = process.place {
                let step = process.step(self.world);
                self.log.push(format!(
                    "next start {next}: {}",
                    describe(&step.call, step.answer)
                ));
                process.go_on(self.world);
            } else {
                process.lose_patience(self.world);
            }
            has_held |= process.believes;
        }
        if has_held && self.world.at_path().is_none() {
            return Ok(());
        }
        Err("the next start doesn't get the lock".into())
    }
}

/// This actor's locks, and what the others had before.
fn with_those_of<T: Copy>(
    actor: Actor,
    own: Vec<(Name, T)>,
    before: &[(Name, Actor, T)],
) -> Vec<(Name, Actor, T)> {
    let others = before.iter().filter(|&&(_, other, _)| other != actor);
    let own = own.into_iter().map(|(name, lock)| (name, actor, lock));
    let mut locks: Vec<_> = others.copied().chain(own).collect();
    locks.sort_by_key(|&(_, actor, _)| actor);
    locks
}

fn describe(call: &Call, answer: i64) -> String {
    let what = match (call.kind, call.name) {
        (Kind::OfPath, "openat") if call.creates() => "the lock's path, O_CREAT|O_EXCL".into(),
        (Kind::OfPath, _) => "the lock's path".into(),
        (_, "flock") => format!("{}, {}", call.descriptor(), flock_name(call.arguments[1])),
        (_, "fcntl") if call.looks_for_byte() => format!("{}, is it locked?", call.descriptor()),
        (_, "fcntl") => format!("{}, lock a byte", call.descriptor()),
        (_, "fchmod") => format!("{}, {:o}", call.descriptor(), call.arguments[1]),
        _ => call.descriptor().to_string(),
    };
    let answer = if answer < 0 {
        format!("{:?}", Errno::from_raw(-answer as i32))
    } else {
        answer.to_string()
    };
    format!("{}({what}) = {answer}", call.name)
}

fn flock_name(how: u64) -> &'static str {
    match how & 15 {
        5 => "LOCK_SH",
        6 => "LOCK_EX",
        _ => "LOCK_UN",
    }
}
