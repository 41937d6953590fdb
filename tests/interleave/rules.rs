//! What must hold after each step, whoever acts and in whatever order.
//!
//! 1. Who believes that it holds the lock does: the path names its file, and its `flock` is on that. Unless an override has
//!    come since it took a look after its `flock`: it can't know of it before its next look.
//! 2. Of these there is one, or all of them share.
//! 3. Nobody's file is removed by a process of ours but its own. One window is known: an override between a release's look at
//!    the path and its `unlink`.
//! 4. Who ends says the truth: released what was its own to the end, or what was kept for it; lost what was overridden, refused
//!    what somebody had.
//! 5. An override is never broken by who has seen what it took away, and nobody gives way where there was none. The same
//!    window: what an override takes away there passes for released.
//! 6. When all have ended, nothing of ours is left but by a crash, and the next start gets the lock.

use std::hash::{Hash, Hasher};

use crate::abi::Call;
use crate::process::Place;
use crate::scenario::{Choice, Role, Scenario, letter};
use crate::stage::View;
use crate::tracee::End;
use crate::world::{Actor, File, NOBODY, Name};

pub(crate) type Violation = String;

/// The exit codes of `driver/main.rs`.
const RELEASED: End = End::Code(0);
const LOST: End = End::Code(1);
const HELD: End = End::Code(75);
/// `lockfile`'s.
const EXISTS: End = End::Code(73);

/// What has happened so far, as far as the rules care.
#[derive(Hash)]
pub(crate) struct Rules {
    cast: Vec<Role>,
    /// So many of the first ones have held the lock from the start.
    holders: usize,
    actors: Vec<State>,
    was_overridden: bool,
    has_crashed: bool,
    /// The last step was in the known window.
    pub(crate) meets_window: bool,
    broken: Option<Violation>,
}

#[derive(Default)]
struct State {
    /// The file that it has a `flock` on, and whether it has made a call since.
    locked: Option<(Name, bool)>,
    /// What it believes to hold.
    held: Option<Name>,
    /// What it gives back, since its look at the path.
    releases: Option<Name>,
    /// An override took this one away from it, when it could rely on it.
    excused: Option<Name>,
    /// That was while it believed, or before.
    is_lost: bool,
    /// The path named its own file when it looked last, and an override has come since.
    compared: Option<(Name, bool)>,
    has_reason: bool,
    has_made: bool,
    has_ended: bool,
    /// It has seen somebody else's lock.
    has_waited: bool,
    waited_at: Option<u32>,
    /// The path was free when its look began, and nobody has done anything since.
    looks_at_free: bool,
    is_forced_out: bool,
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.locked, self.held, self.releases).hash(hasher);
        (self.excused, self.is_lost).hash(hasher);
        (self.compared, self.has_reason, self.has_made).hash(hasher);
        (self.has_ended, self.has_waited, self.is_forced_out).hash(hasher);
        self.looks_at_free.hash(hasher);
    }
}

impl Rules {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let cast = &scenario.cast;
        Self {
            cast: cast.clone(),
            holders: scenario.holders,
            actors: cast.iter().map(|_| State::default()).collect(),
            was_overridden: false,
            has_crashed: false,
            meets_window: false,
            broken: None,
        }
    }

    /// Whether its patience has ended since anything changed.
    pub(crate) fn has_waited(&self, actor: Actor, changes: u32) -> bool {
        self.actors[actor].waited_at == Some(changes)
    }

    /// A forced Supervisor found this file at the path that it had just freed.
    pub(crate) fn override_failed(&mut self, file: Option<File>) {
        let Some(maker) = file.map(|file| file.name.maker) else {
            return;
        };
        if maker != NOBODY && self.cast[maker].is_process() && self.actors[maker].is_forced_out {
            self.broken = Some(format!("{} broke the override", letter(maker)));
        }
    }

    pub(crate) fn check(
        &mut self,
        choice: Choice,
        made: Option<Call>,
        place: Option<(Place, bool)>,
        before: &View,
        after: &View,
        changes: u32,
    ) -> Result<(), Violation> {
        let actor = choice.actor();
        if let Some(broken) = self.broken.take() {
            return Err(broken);
        }
        self.meets_window = false;
        self.removal(actor, before, after)?;
        if let Choice::Crash(_) = choice {
            self.has_crashed = true;
        }
        if let Some((place, believes)) = place {
            self.progress(choice, actor, made, believes, before, after, changes);
            if matches!(choice, Choice::Step(_)) && made.is_none() {
                // It has been woken up: a look begins here.
                self.actors[actor].looks_at_free = after.file.is_none();
            }
            self.judge(actor, place, after)?;
        }
        for (other, state) in self.actors.iter_mut().enumerate() {
            state.looks_at_free &= other == actor || before == after;
        }
        for (actor, state) in self.actors.iter_mut().enumerate() {
            state.has_reason |= has_reason(&self.cast, state, actor, after);
        }
        self.believers(after)
    }

    /// Rule 3, and who loses by it.
    fn removal(&mut self, actor: Actor, before: &View, after: &View) -> Result<(), Violation> {
        let Some(file) = &before.file else {
            return Ok(());
        };
        let name = file.name;
        if after.file.as_ref().map(|file| file.name) == Some(name) {
            return Ok(());
        }
        let state = &self.actors[actor];
        if self.cast[actor].is_process() {
            let mut others = before.flocks.iter().filter(|&&(locked, other, _)| {
                locked == name && other != actor && other != NOBODY && self.cast[other].is_process()
            });
            let other = others.next().map(|&(_, other, _)| other);
            let is_foreign = name.maker != NOBODY && !self.cast[name.maker].is_ours();
            if other.is_none() && !is_foreign {
                return Ok(());
            }
            if let Some((_, true)) = state.compared {
                self.meets_window = true;
                self.overridden(actor, name, false);
                return Ok(());
            }
            let whose = other.unwrap_or(name.maker);
            return Err(format!(
                "{} removes the file of {}",
                letter(actor),
                letter(whose)
            ));
        }
        if name.maker != actor {
            let is_released = self.actors.iter().any(|state| state.releases == Some(name));
            self.meets_window |= is_released;
            self.overridden(actor, name, is_released);
        }
        Ok(())
    }

    fn overridden(&mut self, by: Actor, name: Name, is_released: bool) {
        self.was_overridden = true;
        let is_forced = self.cast[by] == Role::ForcedSupervisor;
        for state in &mut self.actors {
            if let Some((locked, true)) = state.locked
                && locked == name
            {
                state.excused = Some(name);
            }
            if state.held == Some(name) {
                state.is_lost = true;
            }
            if let Some((compared, is_overridden)) = &mut state.compared
                && *compared == name
            {
                *is_overridden = true;
            }
            state.is_forced_out |= is_forced && state.has_waited && !is_released;
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn progress(
        &mut self,
        choice: Choice,
        actor: Actor,
        made: Option<Call>,
        believes: bool,
        before: &View,
        after: &View,
        changes: u32,
    ) {
        let state = &mut self.actors[actor];
        let mut flocks = after.flocks.iter();
        let locked = flocks.find(|&&(_, other, _)| other == actor);
        let locked = locked.map(|&(name, ..)| name);
        state.locked = match (locked, state.locked) {
            (Some(name), Some((old, _))) if name == old => Some((name, true)),
            (locked, _) => locked.map(|name| (name, false)),
        };
        if let Some(call) = made {
            if call.creates() {
                state.has_made |= after.file.as_ref().is_some_and(|f| f.name.maker == actor);
            }
            let named = before.file.as_ref().map(|file| file.name);
            if ["newfstatat", "statx", "fstat"].contains(&call.name)
                && named.is_some()
                && named == state.locked.map(|(name, _)| name)
            {
                state.compared = named.map(|name| (name, false));
            }
        }
        if believes {
            // A release looks anew.
            state.compared = None;
            if state.held.is_none() {
                state.held = state.locked.map(|(name, _)| name);
            }
        } else {
            state.releases = state.held.take().or(state.releases);
        }
        if let Choice::Time(_) = choice {
            state.waited_at = Some(changes);
        }
    }

    /// Rule 4, and the half of 5.
    fn judge(&mut self, actor: Actor, place: Place, view: &View) -> Result<(), Violation> {
        let kept = self.kept(view);
        let was_overridden = self.was_overridden;
        let state = &mut self.actors[actor];
        if place == Place::Wait {
            let gives_way = state.looks_at_free && state.has_waited && !was_overridden;
            let mut cast = self.cast.iter();
            let is_ours = cast.all(|role| [Role::Exclusive, Role::Waiting].contains(role));
            // The close of what it made, and another one adopted, can hide the release of that.
            let is_clear = is_ours && !state.has_made && !self.has_crashed;
            if !state.has_reason || gives_way && is_clear {
                return Err(format!("{} waits for nobody", letter(actor)));
            }
            state.has_waited = true;
        }
        let Place::Ended(end) = place else {
            return Ok(());
        };
        if std::mem::replace(&mut state.has_ended, true) {
            return Ok(());
        }
        let it = letter(actor);
        if end == RELEASED
            && self.cast[actor] == Role::Release
            && let Some(keeper) = kept
        {
            return Err(format!("{it} is done, but {} keeps it", letter(keeper)));
        }
        match end {
            // It ends with its command's code, and says so on stderr; of a keeper nobody hears.
            RELEASED
                if state.is_lost
                    && self.cast[actor] != Role::Run
                    && !self.cast[actor].leaves_keeper() =>
            {
                Err(format!("{it} hasn't noticed its loss"))
            }
            LOST if !was_overridden => Err(format!("{it} has lost what nobody took away")),
            HELD if !state.has_reason => Err(format!("{it} is refused, but nobody holds it")),
            RELEASED | LOST | HELD | End::Signal(_) => Ok(()),
            EXISTS if self.cast[actor] == Role::Lockfile => Ok(()),
            End::Code(code) => Err(format!("{it} ends with {code}")),
        }
    }

    /// Whose keeper has kept the lock from the start.
    fn kept(&self, view: &View) -> Option<Actor> {
        let named = view.file.as_ref().map(|file| file.name);
        (0..self.holders).find(|&actor| {
            self.cast[actor].leaves_keeper() && named.is_some() && self.actors[actor].held == named
        })
    }

    /// Rules 1 and 2.
    fn believers(&self, view: &View) -> Result<(), Violation> {
        let mut holders = vec![];
        for (actor, state) in self.actors.iter().enumerate() {
            let it = letter(actor);
            let Some(held) = state.held else {
                continue;
            };
            let named = view.file.as_ref().map(|file| file.name);
            if held.maker != NOBODY && !self.cast[held.maker].is_ours() {
                let owner = letter(held.maker);
                return Err(format!("{it} believes to hold the file of {owner}"));
            }
            let flock = view
                .flocks
                .iter()
                .find(|&&(name, other, _)| (name, other) == (held, actor));
            match flock {
                Some(&(.., is_exclusive)) if named == Some(held) => holders.push(is_exclusive),
                _ if state.excused == Some(held) => {}
                Some(_) => return Err(format!("{it} believes to hold a file without a name")),
                None => return Err(format!("{it} believes to hold it, without a flock")),
            }
        }
        if holders.len() > 1 && holders.contains(&true) {
            return Err("two hold it".into());
        }
        Ok(())
    }

    /// Rule 6.
    pub(crate) fn check_end(&self, view: &View, places: &[Option<Place>]) -> Result<(), Violation> {
        let mut idle = places.iter().zip(&self.cast).enumerate();
        let of_release = |(_, (place, role)): &(_, (&Option<Place>, &Role))| {
            **place == Some(Place::Idle) && **role == Role::Release
        };
        if let Some((actor, _)) = idle.clone().find(of_release) {
            return Err(format!("{} waits for ever", letter(actor)));
        }
        // A keeper that nobody has asked.
        let is_kept = idle.any(|(_, (&place, _))| place == Some(Place::Idle));
        let Some(file) = &view.file else {
            return Ok(());
        };
        let maker = file.name.maker;
        let is_peers = maker != NOBODY && !self.cast[maker].is_ours();
        // Two probes in exactly the wrong moments make the last member of a shared hold leave it.
        let hosts = self.cast.iter().filter(|&&role| role == Role::Host).count();
        let is_known = hosts > 1 && self.cast.iter().any(|role| role.shares());
        if is_peers || is_kept || self.has_crashed || maker == NOBODY || is_known {
            return Ok(());
        }
        Err(format!("the file of {} is left", letter(maker)))
    }
}

/// Whether anybody stands in the way of this actor: a file of somebody else's, or a `flock`. A probe of what it made itself is
/// no reason.
fn has_reason(cast: &[Role], state: &State, actor: Actor, view: &View) -> bool {
    let is_foreign = view.file.as_ref().is_some_and(|file| {
        let maker = file.name.maker;
        maker != NOBODY && !cast[maker].is_ours()
    });
    let mut flocks = view.flocks.iter();
    is_foreign
        || flocks.any(|&(_, other, _)| {
            other != actor && (other == NOBODY || cast[other].is_process() || !state.has_made)
        })
}
