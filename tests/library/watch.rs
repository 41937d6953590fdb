use std::fs;
use std::io::Write;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use update_lock::{Errno, Error, Event, Holder, Leave, LockPath, Operation, Release};
use update_lock::{SharedLock, UpdateLock, Waiter, Watch, remove_dead};

use crate::keeper::die;
use crate::peers::{
    Strace, helios_forces, of_child, open_place, removes, supervisor_forces, supervisor_takes,
};
use crate::{Place, until};

const TAKEN: Event = Event::Taken(Holder::App);
const DIED: Event = Event::Taken(Holder::Stale);
const SUPERVISOR: Event = Event::Taken(Holder::Supervisor);
const FOREIGN: Event = Event::Taken(Holder::Foreign { uid: 0 });

/// Longer than anything takes.
const MINUTE: Duration = Duration::from_secs(60);

/// Free, or dead and looked at by a watch just now.
fn acquire(place: &Place) -> UpdateLock {
    UpdateLock::acquire_timeout(&place.path, MINUTE).expect("nobody else wants it")
}

fn release(lock: UpdateLock) {
    assert_eq!(lock.release(), Ok(Release::Released));
}

/// A watch that has looked at a free lock, and its time, at which a new file's maker has had its time.
struct Follower {
    watch: Watch,
    now: u64,
}

impl Follower {
    fn of(place: &Place) -> Self {
        let mut watch = Watch::new(&place.path);
        watch.watch().expect("inotify");
        Self { watch, now: 0 }
    }

    /// All that there is to tell now.
    fn events(&mut self) -> Vec<Event> {
        self.now += 250;
        std::iter::from_fn(|| self.watch.look(self.now).expect("no error")).collect()
    }

    #[track_caller]
    fn tells(&mut self, events: &[Event]) {
        assert_eq!(self.events(), events);
        assert_eq!(self.events(), [], "nothing twice");
    }
}

#[test]
fn a_lock_is_taken_and_freed() {
    let place = Place::new();
    let mut follower = Follower::of(&place);
    follower.tells(&[]);
    let lock = acquire(&place);
    follower.tells(&[TAKEN]);
    release(lock);
    follower.tells(&[Event::Freed]);
}

#[test]
fn the_first_look_tells_who_is_there() {
    let place = open_place();
    let lock = acquire(&place);
    Follower::of(&place).tells(&[TAKEN]);
    release(lock);
    place.make_stale(0o1644);
    Follower::of(&place).tells(&[DIED]);
    release(acquire(&place));
    assert!(supervisor_takes(&place));
    Follower::of(&place).tells(&[SUPERVISOR]);
    removes(&place);
    fs::create_dir(place.file()).expect("mkdir");
    Follower::of(&place).tells(&[FOREIGN]);
}

#[test]
fn an_override_is_a_loss_before_the_supervisor_comes() {
    let place = open_place();
    let _lock = acquire(&place);
    let mut follower = Follower::of(&place);
    follower.tells(&[TAKEN]);
    supervisor_forces(&place);
    follower.tells(&[Event::Lost, SUPERVISOR]);
    removes(&place);
    follower.tells(&[Event::Freed]);
    // Looked at in its midst.
    let _lock = acquire(&place);
    follower.tells(&[TAKEN]);
    removes(&place);
    follower.tells(&[Event::Lost]);
    assert!(supervisor_takes(&place));
    follower.tells(&[SUPERVISOR]);
    removes(&place);
    follower.tells(&[Event::Freed]);
}

#[test]
fn helios_leaves_no_gap() {
    let place = Place::new();
    let _lock = acquire(&place);
    let mut follower = Follower::of(&place);
    follower.tells(&[TAKEN]);
    helios_forces(&place);
    follower.tells(&[Event::Lost, SUPERVISOR]);
    // Once more: its own.
    helios_forces(&place);
    follower.tells(&[Event::Freed, SUPERVISOR]);
    removes(&place);
    follower.tells(&[Event::Freed]);
}

#[test]
fn a_persons_hand_is_a_loss() {
    let place = Place::new();
    let _lock = acquire(&place);
    let mut follower = Follower::of(&place);
    follower.tells(&[TAKEN]);
    fs::rename(place.file(), place.other("away")).expect("mv");
    follower.tells(&[Event::Lost]);
    fs::rename(place.other("away"), place.file()).expect("mv");
    follower.tells(&[TAKEN]);
    removes(&place);
    follower.tells(&[Event::Lost]);
}

/// The end of one holder is told before the next, whatever the two are.
#[test]
fn one_holder_after_the_other_between_two_looks() {
    let place = open_place();
    let first = acquire(&place);
    let mut follower = Follower::of(&place);
    follower.tells(&[TAKEN]);
    release(first);
    let _second = acquire(&place);
    follower.tells(&[Event::Freed, TAKEN]);
    removes(&place);
    let third = acquire(&place);
    follower.tells(&[Event::Lost, TAKEN]);
    release(third);
    assert!(supervisor_takes(&place));
    follower.tells(&[Event::Freed, SUPERVISOR]);
    removes(&place);
    fs::write(place.file(), "another tool's").expect("a file");
    follower.tells(&[Event::Freed, FOREIGN]);
    removes(&place);
    let _fourth = acquire(&place);
    follower.tells(&[Event::Freed, TAKEN]);
}

#[test]
fn a_death_is_told_and_an_adoption() {
    let place = Place::new();
    let mut follower = Follower::of(&place);
    follower.tells(&[]);
    let lock = acquire(&place);
    follower.tells(&[TAKEN]);
    die(lock);
    assert!(follower.watch.has_news(), "the close of its file");
    follower.tells(&[DIED]);
    let adopter = acquire(&place);
    follower.tells(&[TAKEN]);
    die(adopter);
    assert!(!follower.watch.has_news(), "it was open for reading only");
    follower.tells(&[DIED]);
    // As by `release --force`, and then by hand.
    assert_eq!(remove_dead(&place.path), Ok(Some(Holder::Stale)));
    follower.tells(&[Event::Freed]);
    die(acquire(&place));
    follower.events();
    removes(&place);
    follower.tells(&[Event::Lost]);
}

#[test]
fn the_members_of_a_shared_lock_are_one_holder() {
    let place = Place::new();
    let join = || SharedLock::try_acquire(&place.path).expect("shared");
    let mut follower = Follower::of(&place);
    follower.tells(&[]);
    let (first, second) = (join(), join());
    follower.tells(&[TAKEN]);
    assert_eq!(first.leave(), Ok(Leave::Left));
    follower.tells(&[]);
    assert_eq!(second.leave(), Ok(Leave::Released));
    follower.tells(&[Event::Freed]);
}

#[test]
fn who_came_and_went_between_two_looks_is_missed() {
    let place = Place::new();
    let mut follower = Follower::of(&place);
    follower.tells(&[]);
    release(acquire(&place));
    assert!(follower.watch.has_news());
    follower.tells(&[]);
}

/// Its maker may not have come to its `flock` yet.
#[test]
fn the_flock_of_a_new_file_is_left_alone() {
    let place = Place::new();
    let mut watch = Watch::new(&place.path);
    assert_eq!(watch.look(0), Ok(None));
    place.make_stale(0o1644);
    assert_eq!(watch.look(5), Ok(Some(TAKEN)));
    assert_eq!((watch.look(254), watch.due(254)), (Ok(None), 1));
    // It never came: it is dead.
    assert_eq!(watch.look(255), Ok(Some(DIED)));
    assert_eq!(watch.due(255), 1000);
}

#[test]
fn what_is_untold_is_due() {
    let place = Place::new();
    let first = acquire(&place);
    let mut watch = Watch::new(&place.path);
    assert_eq!((watch.due(7), watch.look(7)), (0, Ok(Some(TAKEN))));
    assert_eq!((watch.due(7), watch.look(7)), (1000, Ok(None)));
    watch.watch().expect("inotify");
    assert_eq!(watch.due(7), 0, "what came before the watch");
    release(first);
    let second = acquire(&place);
    assert_eq!(watch.look(8), Ok(Some(Event::Freed)));
    assert_eq!(watch.due(8), 0);
    // It was there at that look.
    release(second);
    assert_eq!(watch.look(8), Ok(Some(TAKEN)));
    assert_eq!(watch.look(8), Ok(Some(Event::Freed)));
    assert_eq!((watch.look(8), watch.due(8)), (Ok(None), 1000));
}

fn has_events(watch: &mut Watch) -> bool {
    let watch = watch.watch().expect("inotify");
    let mut events = [PollFd::new(watch, PollFlags::POLLIN)];
    poll(&mut events, PollTimeout::ZERO).expect("poll") > 0
}

#[test]
fn looks_of_watches_and_waiters_are_no_news() {
    let place = Place::new();
    let _lock = acquire(&place);
    let mut watches = [0; 3].map(|_| Watch::new(&place.path));
    let mut waiter = Waiter::new(&place.path);
    waiter.watch().expect("inotify");
    for watch in &mut watches {
        watch.watch().expect("inotify");
        assert_eq!(watch.look(0), Ok(Some(TAKEN)));
    }
    for _ in 0..3 {
        for watch in &mut watches {
            assert_eq!(watch.look(1000), Ok(None));
        }
        assert!(waiter.look(0).is_err());
    }
    fs::write(place.other("updates.lock.other"), "").expect("a file");
    assert!(!waiter.has_news());
    for watch in &mut watches {
        assert!(has_events(watch), "of the file beside it");
        assert!(!watch.has_news());
        assert!(!has_events(watch), "it has been read");
    }
}

#[test]
fn an_error_is_told() {
    let place = Place::new();
    fs::write(place.other("file"), "").expect("a file");
    let path = LockPath::try_from(place.other("file/updates.lock").as_path()).expect("a path");
    let error = Error::System {
        operation: Operation::Open,
        errno: Errno::NOTDIR,
    };
    assert_eq!(Watch::new(&path).look(0), Err(error));
    assert_eq!(Watch::new(&path).wait(Duration::MAX), Err(error));
}

#[test]
fn a_thread_is_told_each_event_when_it_comes() {
    let place = open_place();
    let (sender, told) = channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut watch = Watch::new(&place.path);
            let sender = sender;
            while let Ok(Some(event)) = watch.wait(MINUTE) {
                sender.send(event).expect("it is awaited");
                if event == FOREIGN {
                    break;
                }
            }
        });
        let told = || told.recv().expect("an event");
        let lock = acquire(&place);
        assert_eq!(told(), TAKEN);
        supervisor_forces(&place);
        assert_eq!((told(), told()), (Event::Lost, SUPERVISOR));
        assert_eq!(lock.release(), Ok(Release::Lost));
        removes(&place);
        assert_eq!(told(), Event::Freed);
        let lock = acquire(&place);
        assert_eq!(told(), TAKEN);
        die(lock);
        assert_eq!(told(), DIED);
        let lock = acquire(&place);
        assert_eq!(told(), TAKEN);
        helios_forces(&place);
        assert_eq!((told(), told()), (Event::Lost, SUPERVISOR));
        drop(lock);
        removes(&place);
        assert_eq!(told(), Event::Freed);
        fs::write(place.file(), "the end").expect("a file");
        assert_eq!(told(), FOREIGN);
    });
}

#[test]
fn a_wait_ends_with_its_time() {
    let place = Place::new();
    let mut watch = Watch::new(&place.path);
    assert_eq!(watch.wait(Duration::ZERO), Ok(None));
    assert_eq!(watch.wait(Duration::from_millis(1)), Ok(None));
    let lock = acquire(&place);
    assert_eq!(watch.wait(Duration::ZERO), Ok(Some(TAKEN)));
    release(lock);
    assert_eq!(watch.wait(Duration::ZERO), Ok(Some(Event::Freed)));
    assert_eq!(watch.wait(Duration::ZERO), Ok(None));
}

/// All that a watch tells while `change` goes on.
fn told_during(place: &Place, change: impl FnOnce()) -> Vec<Event> {
    let mut watch = Watch::new(&place.path);
    assert_eq!(watch.wait(Duration::ZERO), Ok(None));
    thread::scope(|scope| {
        let follower = scope.spawn(|| {
            let mut events = vec![];
            loop {
                let event = watch.wait(MINUTE).expect("no error");
                events.push(event.expect("no end"));
                if events.last() == Some(&FOREIGN) {
                    return events;
                }
            }
        });
        change();
        fs::write(place.file(), "the end").expect("a file");
        follower.join().expect("no panic")
    })
}

/// No maker of a file is ever seen without its `flock`, and no release is a loss.
#[test]
fn releases_are_no_losses() {
    let place = Place::new();
    let events = told_during(&place, || {
        for _ in 0..2000 {
            release(acquire(&place));
        }
    });
    let (last, rest) = events.split_last().expect("events");
    assert_eq!(*last, FOREIGN);
    for pair in rest.chunks(2) {
        assert_eq!(pair, [TAKEN, Event::Freed]);
    }
}

#[test]
fn losses_are_no_releases() {
    let place = Place::new();
    let events = told_during(&place, || {
        for _ in 0..2000 {
            let lock = acquire(&place);
            fs::remove_file(place.file()).expect("by force");
            assert_eq!(lock.release(), Ok(Release::Lost));
        }
    });
    let (last, rest) = events.split_last().expect("events");
    assert_eq!(*last, FOREIGN);
    for pair in rest.chunks(2) {
        assert_eq!(pair, [TAKEN, Event::Lost]);
    }
}

/// By its looks, ten times a second.
#[test]
fn a_watch_without_inotify_tells_the_same() {
    if let Some(path) = of_child() {
        let mut watch = Watch::new(&path);
        let mut told = fs::File::create_new(format!("{}.told", path_text(&path))).expect("a file");
        loop {
            let event = watch.wait(MINUTE).expect("no error").expect("no end");
            assert!(watch.watch().is_none());
            writeln!(told, "{event:?}").expect("a file");
            if event == FOREIGN {
                return;
            }
        }
    }
    let place = open_place();
    let lock = acquire(&place);
    let test = "watch::a_watch_without_inotify_tells_the_same";
    let strace = Strace::start(&place, test, "-e inject=inotify_init1:error=EMFILE");
    let mut all = String::new();
    let mut tells = |events: &str| {
        all += events;
        let told = place.other("updates.lock.told");
        until(events, || {
            fs::read_to_string(&told).is_ok_and(|told| told == all)
        });
    };
    tells("Taken(App)\n");
    supervisor_forces(&place);
    tells("Lost\nTaken(Supervisor)\n");
    removes(&place);
    tells("Freed\n");
    drop(lock);
    let lock = acquire(&place);
    tells("Taken(App)\n");
    die(lock);
    tells("Taken(Stale)\n");
    release(acquire(&place));
    tells("Freed\n");
    fs::write(place.file(), "the end").expect("a file");
    tells("Taken(Foreign { uid: 0 })\n");
    strace.until_passed();
}

fn path_text(path: &LockPath) -> &str {
    std::str::from_utf8(path.as_bytes()).expect("text")
}
