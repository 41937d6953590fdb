//! All schedules of a scenario, each state once, and no way round to a state that was there before.
//!
//! A schedule is a list of choices. Each is played from the start, with new processes. Where two schedules have led to the
//! same state, what follows is the same too, since the processes are deterministic: it is explored once, and counted for both.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};
use std::path::Path;

use crate::one_cpu::OneCpu;
use crate::originals::Originals;
use crate::rules::Violation;
use crate::scenario::{Choice, Scenario};
use crate::stage::Stage;
use crate::world::{Actor, World};

/// What an exploration has found.
pub(crate) struct Findings {
    /// All schedules, also those that weren't played to their end since their state was known.
    pub(crate) schedules: u128,
    /// How often processes were started.
    pub(crate) runs: u64,
    pub(crate) states: usize,
    /// At how many points the known window was met.
    pub(crate) windows: u64,
    /// The steps to the first of these.
    pub(crate) window: Option<Vec<String>>,
    pub(crate) failure: Option<Failure>,
}

impl Findings {
    pub(crate) const NONE: Self = Self {
        schedules: 0,
        runs: 0,
        states: 0,
        windows: 0,
        window: None,
        failure: None,
    };

    fn note_window(&mut self, stage: &Stage<'_>) {
        if stage.rules.meets_window {
            self.windows += 1;
            self.window.get_or_insert_with(|| stage.log.clone());
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.runs += other.runs;
        self.states += other.states;
        self.windows += other.windows;
    }
}

impl Display for Findings {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (schedules, states) = (self.schedules, self.states);
        let (runs, windows) = (self.runs, self.windows);
        write!(
            f,
            "{schedules} schedules, {states} states, {runs} runs, {windows} windows"
        )
    }
}

/// A schedule that breaks a rule.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) schedule: Vec<Choice>,
    pub(crate) steps: Vec<String>,
    pub(crate) violation: Violation,
}

/// More steps than any schedule has.
const LONGEST: usize = 300;

struct Node {
    key: u64,
    choices: Vec<Choice>,
    next: usize,
    schedules: u128,
    /// Who acted last, and how often somebody was interrupted who could have gone on.
    last: Option<Actor>,
    preemptions: u32,
}

/// Explores everything; with at most so many preemptions if there is a limit. Ends with the first failure.
pub(crate) fn explore(scenario: &Scenario, programs: &Path, limit: Option<u32>) -> Findings {
    let _one_cpu = OneCpu::take();
    let (mut world, mut originals) = (World::new(), Originals::default());
    let mut findings = Findings::NONE;
    let mut known: HashMap<u64, u128> = HashMap::new();
    let mut path: Vec<Node> = vec![];
    loop {
        findings.runs += 1;
        let mut stage = Stage::new(&mut world, &mut originals, scenario, programs.into());
        let outcome = play(&mut stage, &mut path, &mut known, limit, &mut findings);
        if let Err(violation) = outcome {
            findings.failure = Some(Failure {
                schedule: path.iter().map(|node| node.choices[node.next]).collect(),
                steps: std::mem::take(&mut stage.log),
                violation,
            });
            break;
        }
        drop(stage);
        if !backtrack(&mut path, &mut known, &mut findings.schedules) {
            break;
        }
    }
    findings.states = known.len();
    findings
}

/// Plays what `path` says, and goes on to the end or to a state that is known.
fn play(
    stage: &mut Stage,
    path: &mut Vec<Node>,
    known: &mut HashMap<u64, u128>,
    limit: Option<u32>,
    findings: &mut Findings,
) -> Result<(), Violation> {
    stage.prepare()?;
    let (mut last, mut preemptions) = (None, 0);
    for node in path.iter() {
        let choice = node.choices[node.next];
        (last, preemptions) = after(node, choice);
        stage.take(choice)?;
    }
    // The last of these is new.
    findings.note_window(stage);
    loop {
        if path.len() > LONGEST {
            return Err("this has no end".into());
        }
        let mut key = stage.key();
        if limit.is_some() {
            key ^= hash(&(last, preemptions));
        }
        if let Some(start) = path.iter().position(|node| node.key == key) {
            // What follows is explored from there.
            return match is_fair(&path[start..]) {
                true => Err("they go round for ever".into()),
                false => Ok(()),
            };
        }
        let count = known.get(&key).copied();
        let mut choices = if count.is_some() {
            vec![]
        } else {
            stage.choices()
        };
        let mut node = Node {
            key,
            choices: vec![],
            next: 0,
            schedules: count.unwrap_or(0),
            last,
            preemptions,
        };
        if let Some(limit) = limit {
            node.choices.clone_from(&choices);
            choices.retain(|&choice| after(&node, choice).1 <= limit);
        }
        node.choices = choices;
        if node.choices.is_empty() {
            if count.is_none() {
                node.schedules = 1;
                path.push(node);
                // Its number isn't taken for a choice.
                let outcome = stage.end();
                if outcome.is_err() {
                    path.pop();
                }
                return outcome;
            }
            path.push(node);
            return Ok(());
        }
        let choice = node.choices[0];
        (last, preemptions) = after(&node, choice);
        path.push(node);
        stage.take(choice)?;
        findings.note_window(stage);
    }
}

/// Whether all that can go on in a cycle do so in it: no scheduler lets somebody wait for ever, as any other cycle would. Of
/// cycles that lead through a known state, nothing is said.
fn is_fair(cycle: &[Node]) -> bool {
    let taken: Vec<_> = cycle.iter().map(|node| node.choices[node.next]).collect();
    let mut offered = cycle.iter().flat_map(|node| &node.choices);
    offered.all(|choice| matches!(choice, Choice::Crash(_)) || taken.contains(choice))
}

/// Who has acted last after this choice, and the preemptions until then.
fn after(node: &Node, choice: Choice) -> (Option<Actor>, u32) {
    let actor = choice.actor();
    let could_go_on = node
        .last
        .is_some_and(|last| node.choices.contains(&Choice::Step(last)));
    let is_preemption = node.last != Some(actor) && could_go_on;
    (Some(actor), node.preemptions + u32::from(is_preemption))
}

/// To the next choice that hasn't been tried; `false` where there is none.
fn backtrack(path: &mut Vec<Node>, known: &mut HashMap<u64, u128>, total: &mut u128) -> bool {
    let mut schedules = 0;
    while let Some(node) = path.last_mut() {
        node.schedules += schedules;
        if node.next + 1 < node.choices.len() {
            node.next += 1;
            return true;
        }
        schedules = node.schedules;
        known.insert(node.key, schedules);
        path.pop();
    }
    *total = schedules;
    false
}

fn hash(what: &impl std::hash::Hash) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// Plays one schedule, as far as it can be followed, and the rest of it in turn.
pub(crate) fn replay(
    scenario: &Scenario,
    programs: &Path,
    schedule: &[Choice],
) -> Result<(), Failure> {
    let (mut world, mut originals) = (World::new(), Originals::default());
    let mut stage = Stage::new(&mut world, &mut originals, scenario, programs.into());
    let mut outcome = stage.prepare();
    let mut rest = schedule.iter().copied();
    while outcome.is_ok() {
        if stage.log.len() > 2 * LONGEST {
            outcome = Err("this has no end".into());
            break;
        }
        let choices = stage.choices();
        let Some(&first) = choices.first() else {
            outcome = stage.end();
            break;
        };
        let choice = rest.next().filter(|choice| choices.contains(choice));
        outcome = stage.take(choice.unwrap_or(first));
    }
    outcome.map_err(|violation| Failure {
        schedule: schedule.to_vec(),
        steps: std::mem::take(&mut stage.log),
        violation,
    })
}
