use std::sync::mpsc;

use update_lock::{ApiError, Supervisor, Update, UpdateReply, Word};

use crate::api::{Api, Asked, KEY, State};

/// An API on a real server, and how it is found.
fn supervisor<'e>(address: &'e str, key: &'e str) -> Supervisor<'e> {
    let environment = |name: &str| match name {
        "BALENA_SUPERVISOR_ADDRESS" => Some(address.as_bytes()),
        "BALENA_SUPERVISOR_API_KEY" => Some(key.as_bytes()),
        _ => None,
    };
    Supervisor::find(environment).expect("it is found")
}

fn asked(method: &str, path: &str, has_key: bool, body: &str) -> Asked {
    Asked {
        method: method.into(),
        path: path.into(),
        has_key,
        body: body.into(),
    }
}

#[test]
fn a_ping_needs_no_key() {
    let api = Api::start(State::default());
    supervisor(&api.address(), KEY).ping().expect("an answer");
    assert_eq!(api.asked(), [asked("GET", "/ping", false, "")]);
}

#[test]
fn an_update_is_asked_for() {
    let api = Api::start(State::default());
    let address = api.address();
    let supervisor = supervisor(&address, KEY);
    let mut expected = vec![];
    for (force, cancel, body) in [
        (false, false, r#"{"force":false,"cancel":false}"#),
        (false, true, r#"{"force":false,"cancel":true}"#),
        (true, false, r#"{"force":true,"cancel":false}"#),
        (true, true, r#"{"force":true,"cancel":true}"#),
    ] {
        let reply = supervisor.update(Update { force, cancel });
        assert_eq!(reply, Ok(UpdateReply::Looks));
        expected.push(asked("POST", "/v1/update", true, body));
    }
    assert_eq!(api.asked(), expected);
}

#[test]
fn a_forced_update_is_told_from_others() {
    let api = Api::start(State::default());
    let (tell, told) = mpsc::channel();
    api.on_update(move |force| tell.send(force).expect("it is waited for"));
    let address = api.address();
    for force in [false, true, false] {
        let update = Update {
            force,
            ..Update::default()
        };
        let reply = supervisor(&address, KEY).update(update);
        assert_eq!(reply, Ok(UpdateReply::Looks));
        assert_eq!(told.try_recv(), Ok(force));
    }
}

#[test]
fn instant_updates_may_be_switched_off() {
    let api = Api::start(State {
        instant_updates: false,
        ..State::default()
    });
    let address = api.address();
    let supervisor = supervisor(&address, KEY);
    assert_eq!(
        supervisor.update(Update::default()),
        Ok(UpdateReply::Ignores)
    );
    let force = Update {
        force: true,
        ..Update::default()
    };
    assert_eq!(supervisor.update(force), Ok(UpdateReply::Looks));
}

#[test]
fn the_version_is_told() {
    let api = Api::start(State::default());
    let version = supervisor(&api.address(), KEY).version();
    assert_eq!(version.expect("an answer").as_bytes(), b"19.0.5");
    assert_eq!(api.asked(), [asked("GET", "/v2/version", true, "")]);
}

#[test]
fn what_is_pending_is_told() {
    let api = Api::start(State::default());
    let address = api.address();
    for bits in 0..8 {
        let [pending, downloaded, failed] = [bits & 1 > 0, bits & 2 > 0, bits & 4 > 0];
        for status in [None, Some("Idle"), Some("Awaiting handover")] {
            api.set(State {
                status,
                pending,
                downloaded,
                failed,
                ..State::default()
            });
            let state = supervisor(&address, KEY).device().expect("an answer");
            assert_eq!(state.update_pending, Some(pending));
            assert_eq!(state.update_downloaded, Some(downloaded));
            assert_eq!(state.update_failed, Some(failed));
            let told = state.status.as_ref().map(Word::as_bytes);
            assert_eq!(told, status.map(str::as_bytes));
        }
    }
}

#[test]
fn a_wrong_key_is_refused() {
    let api = Api::start(State::default());
    let address = api.address();
    for key in ["", "0123", "ffffffffffffffffffffffffffffffff"] {
        let supervisor = supervisor(&address, key);
        let refused = ApiError::Status(401);
        assert_eq!(supervisor.version(), Err(refused));
        assert_eq!(supervisor.device(), Err(refused));
        assert_eq!(supervisor.update(Update::default()), Err(refused));
        assert_eq!(supervisor.ping(), Ok(()));
    }
}
