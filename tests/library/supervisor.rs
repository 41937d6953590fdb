use std::collections::BTreeMap;
use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc;

use embedded_io::{Error as _, ErrorKind};
use proptest::prelude::*;
use serde_json::{Value, json};
use update_lock::http::{Answer, Request};
use update_lock::{ApiError, DeviceState, Errno, Supervisor, Update, UpdateReply, Word};

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

/// What is found in an environment of these variables alone.
fn find<'e>(variables: &[(&str, &'e str)]) -> Result<Supervisor<'e>, ApiError> {
    Supervisor::find(|name| {
        let (_, value) = variables.iter().find(|(key, _)| *key == name)?;
        Some(value.as_bytes())
    })
}

#[test]
fn the_environment_says_where_it_is() {
    let new = ("BALENA_SUPERVISOR_ADDRESS", "http://127.0.0.1:48484");
    let old = ("RESIN_SUPERVISOR_ADDRESS", "http://10.114.102.1:80");
    let address = |found: Result<Supervisor<'_>, _>| found.map(|found| found.address().to_string());
    assert_eq!(address(find(&[new])).as_deref(), Ok("127.0.0.1:48484"));
    assert_eq!(address(find(&[old])).as_deref(), Ok("10.114.102.1:80"));
    assert_eq!(address(find(&[old, new])).as_deref(), Ok("127.0.0.1:48484"));
    let empty = ("BALENA_SUPERVISOR_ADDRESS", "");
    assert_eq!(
        address(find(&[old, empty])).as_deref(),
        Ok("10.114.102.1:80")
    );
    assert_eq!(address(find(&[empty])), Err(ApiError::NoAddress));
    assert_eq!(address(find(&[])), Err(ApiError::NoAddress));
}

#[test]
fn the_environment_has_the_key() {
    let api = Api::start(State::default());
    let (right, wrong) = (KEY, "ffff");
    let address = ("RESIN_SUPERVISOR_ADDRESS", &*api.address());
    let new = |key| ("BALENA_SUPERVISOR_API_KEY", key);
    let old = |key| ("RESIN_SUPERVISOR_API_KEY", key);
    for (variables, is_right) in [
        (vec![address, new(right)], true),
        (vec![address, old(right)], true),
        (vec![address, old(wrong), new(right)], true),
        (vec![address, old(right), new("")], true),
        (vec![address, old(right), new(wrong)], false),
        (vec![address], false),
    ] {
        let supervisor = find(&variables).expect("it is found");
        let outcome = supervisor.version().map(drop);
        let expected = if is_right {
            Ok(())
        } else {
            Err(ApiError::Status(401))
        };
        assert_eq!(outcome, expected, "{variables:?}");
    }
}

fn at(address: &str) -> Result<SocketAddr, ApiError> {
    Supervisor::new(address.as_bytes(), b"").map(|supervisor| supervisor.address())
}

#[test]
fn an_address_is_an_ip_literal_with_a_port() {
    for address in [
        "127.0.0.1:48484",
        "0.0.0.0:0",
        "255.255.255.255:65535",
        "[::1]:48484",
        "[fd00::1]:1",
        "[fd00:1:2:3:4:5:6:7]:1",
        "[1::]:1",
        "[1:2::7:8]:1",
        "[1:2:3:4:5:6:7::]:1",
        "[::2:3:4:5:6:7:8]:1",
        "[ABCD::ef01]:1",
    ] {
        let expected = Ok(address.parse().expect("std reads it too"));
        assert_eq!(at(&format!("http://{address}")), expected);
        assert_eq!(at(&format!("http://{address}/")), expected);
    }
    for address in [
        "",
        "127.0.0.1:48484",
        "https://127.0.0.1:48484",
        "http://",
        "http://127.0.0.1",
        "http://127.0.0.1:",
        "http://:48484",
        "http://127.0.0.1:65536",
        "http://127.0.0.1:-1",
        "http://127.0.0.1:48484//",
        "http://127.0.0.1:48484/v1",
        "http://127.0.0.1:48484\r\nX: y",
        "http://user@127.0.0.1:48484",
        "http://127.0.0:48484",
        "http://127.0.0.1.1:48484",
        "http://127.0.0.256:48484",
        "http://localhost:48484",
        "http://::1:48484",
        "http://[]:1",
        "http://[::]:1",
        "http://[:]:1",
        "http://[:::]:1",
        "http://[1]:1",
        "http://[:1]:1",
        "http://[1:]:1",
        "http://[1::2::3]:1",
        "http://[1:2:3:4:5:6:7]:1",
        "http://[1:2:3:4:5:6:7:8:9]:1",
        "http://[1:2:3:4::5:6:7:8]:1",
        "http://[12345::]:1",
        "http://[g::]:1",
        "http://[fe80::1%1]:1",
        "http://[127.0.0.1]:1",
    ] {
        assert_eq!(at(address), Err(ApiError::InvalidAddress), "{address:?}");
    }
}

#[test]
fn a_key_never_changes_the_request() {
    let address = b"http://127.0.0.1:48484";
    let mut bytes = vec![];
    for byte in 0..=255 {
        match Supervisor::new(address, &[b'0', byte]) {
            Ok(_) => bytes.push(byte),
            Err(error) => assert_eq!(error, ApiError::InvalidKey),
        }
    }
    let allowed = "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
    assert_eq!(str::from_utf8(&bytes), Ok(allowed));
    assert!(Supervisor::new(address, &[b'0'; 128]).is_ok());
    let error = Supervisor::new(address, &[b'0'; 129]).expect_err("too long");
    assert_eq!(error, ApiError::InvalidKey);
}

#[test]
fn it_is_asked_by_ipv6_too() {
    let listener = std::net::TcpListener::bind("[::1]:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("its address"));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut request = [0; 1024];
        let count = io::Read::read(&mut stream, &mut request).expect("a request");
        io::Write::write_all(&mut stream, b"HTTP/1.1 200 OK\r\n\r\n").expect("it is read");
        String::from_utf8_lossy(&request[..count]).into_owned()
    });
    assert_eq!(supervisor(&address, KEY).ping(), Ok(()));
    let request = server.join().expect("it ran well");
    let host = address.strip_prefix("http://").expect("a URL");
    assert!(
        request.contains(&format!("\r\nHost: {host}\r\n")),
        "{request}"
    );
}

/// A stream in memory, which takes and gives as many bytes at once as it likes.
struct Stream {
    at_once: usize,
    answer: Vec<u8>,
    request: Vec<u8>,
    error: Option<ErrorKind>,
}

impl Stream {
    fn answering(body: &str) -> Self {
        Self {
            at_once: usize::MAX,
            answer: format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .into(),
            request: vec![],
            error: None,
        }
    }
}

impl embedded_io::ErrorType for Stream {
    type Error = ErrorKind;
}

impl embedded_io::Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        let count = self.at_once.min(buffer.len()).min(self.answer.len());
        if let (0, Some(error)) = (count, self.error) {
            return Err(error);
        }
        buffer[..count].copy_from_slice(&self.answer[..count]);
        self.answer.drain(..count);
        Ok(count)
    }
}

impl embedded_io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        let count = self.at_once.min(bytes.len());
        if let (0, Some(error)) = (count, self.error) {
            return Err(error);
        }
        self.request.extend(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

const ANYWHERE: &str = "http://127.0.0.1:48484";

fn device(body: &str) -> Result<DeviceState, ApiError> {
    supervisor(ANYWHERE, KEY)
        .over(Stream::answering(body))
        .device()
}

#[test]
fn any_stream_will_do() {
    let body = r#"{"update_pending":true}"#;
    let mut requests = vec![];
    for at_once in [1, 7, usize::MAX] {
        let mut stream = Stream {
            at_once,
            ..Stream::answering(body)
        };
        let state = supervisor(ANYWHERE, KEY).over(&mut stream).device();
        assert_eq!(state.expect("an answer").update_pending, Some(true));
        requests.push(stream.request);
    }
    let start = format!("GET /v1/device?apikey={KEY} HTTP/1.1\r\nHost: 127.0.0.1:48484\r\n");
    assert!(requests[0].starts_with(start.as_bytes()));
    assert!(requests.iter().all(|request| *request == requests[0]));
}

#[test]
fn a_streams_errors_are_kept() {
    let fail = |at_once, error| {
        let stream = Stream {
            at_once,
            error,
            answer: vec![],
            request: vec![],
        };
        supervisor(ANYWHERE, KEY).over(stream).ping()
    };
    let reset = ErrorKind::ConnectionReset;
    assert_eq!(fail(0, Some(reset)), Err(ApiError::Write(reset)));
    assert_eq!(fail(1, Some(reset)), Err(ApiError::Read(reset)));
    assert_eq!(fail(0, None), Err(ApiError::Write(ErrorKind::WriteZero)));
    assert_eq!(fail(1, None), Err(ApiError::CutOff));
    for at_once in [0, 1] {
        assert_eq!(
            fail(at_once, Some(ErrorKind::TimedOut)),
            Err(ApiError::TimedOut)
        );
    }
}

#[test]
fn any_order_nulls_and_unknown_members_are_taken() {
    let mut full = DeviceState::default();
    full.update_pending = Some(true);
    full.update_failed = Some(false);
    for body in [
        r#"{"update_pending":true,"update_failed":false}"#,
        r#" { "update_failed" : false , "update_pending" : true } "#,
        r#"{"update_failed":false,"update_downloaded":null,"status":null,"update_pending":true}"#,
        r#"{"a":{"update_pending":false,"b":[{}, "]", "}"]},"update_failed":false,"c":[],"update_pending":true}"#,
        r#"{"a":"\"update_pending\":false,\\","update_failed":false,"d":-1.5e9,"update_pending":true}"#,
        "{\"status\":null,\r\n\t\"update_pending\":true,\"update_failed\":false}",
    ] {
        assert_eq!(device(body).as_ref(), Ok(&full), "{body}");
    }
    assert_eq!(device("{}"), Ok(DeviceState::default()));
}

#[test]
fn what_is_no_such_json_is_not_understood() {
    for body in [
        r#"{"update_pending":"true"}"#,
        r#"{"update_pending":1}"#,
        r#"{"update_pending":tru}"#,
        r#"{"update_pending":}"#,
        r#"{"update_pending"}"#,
        r#"{"update_pending":true"#,
        r#"{"update_pending":true,}"#,
        r#"{"update_pending":true "status":"Idle"}"#,
        r#"{"status":7}"#,
        r#"{"status":"Idle}"#,
        r#"{"a":{"b":[}"#,
        r#"{true:true}"#,
        r#"[{"update_pending":true}]"#,
        r#"{"update_pending":true}x"#,
        "true",
        "",
    ] {
        assert_eq!(device(body), Err(ApiError::NotUnderstood), "{body}");
    }
    for body in ["{}", r#"{"version":null}"#, r#"{"version":19}"#] {
        let version = supervisor(ANYWHERE, KEY)
            .over(Stream::answering(body))
            .version();
        assert_eq!(version, Err(ApiError::NotUnderstood), "{body}");
    }
}

/// However deep it goes, the stack doesn't.
#[test]
fn members_may_be_nested_but_not_for_ever() {
    for (depth, expected) in [(31, Ok(Some(true))), (1900, Err(ApiError::NotUnderstood))] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let state = device(&format!(r#"{{"a":{nested},"update_failed":true}}"#));
        assert_eq!(state.map(|state| state.update_failed), expected);
    }
}

#[test]
fn a_long_status_is_cut() {
    let state = device(&json!({ "status": "x".repeat(1000) }).to_string());
    let status = state.expect("an answer").status.expect("a status");
    assert_eq!(status.as_bytes(), [b'x'; 32]);
}

/// Any JSON, nested.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    /// As `std` understands it.
    #[test]
    fn any_address_is_stds(text in "(\\[[0-9af:]{1,12}\\]|[0-9.]{3,9}|\\[([0-9af]{0,2}:){2,8}[0-9af]?\\]):[0-9]{1,3}") {
        let address = at(&format!("http://{text}")).ok();
        match text.parse::<SocketAddr>().ok() {
            // IPv6 in zeros alone, or a leading zero in IPv4, is a matter of taste.
            None if text.contains('.') => {}
            Some(stds) if stds == SocketAddr::from(([0_u16; 8], stds.port())) => {}
            stds => prop_assert_eq!(address, stds),
        }
    }

    #[test]
    fn each_ipv6_address_is_read(segments: [u16; 8], mask: u8, port: u16) {
        let mut segments = segments;
        for (index, segment) in segments.iter_mut().enumerate() {
            if mask >> index & 1 == 1 {
                *segment = 0;
            }
        }
        prop_assume!(segments[..5] != [0; 5]);
        let address = SocketAddr::from((segments, port));
        prop_assert_eq!(at(&format!("http://{address}")), Ok(address));
    }

    #[test]
    fn among_any_members(
        flags: [Option<bool>; 3],
        status in prop::option::of("[ -!#-\\[\\]-~]{0,32}"),
        others in prop::collection::btree_map(any::<String>(), values(), 0..8),
        is_pretty: bool,
    ) {
        let mut members: BTreeMap<String, Value> = others;
        let [pending, downloaded, failed] = flags;
        members.insert("update_pending".into(), pending.into());
        members.insert("update_downloaded".into(), downloaded.into());
        members.insert("update_failed".into(), failed.into());
        members.insert("status".into(), status.clone().into());
        let value: Value = members.into_iter().collect();
        let body = if is_pretty { format!("{value:#}") } else { value.to_string() };
        prop_assume!(body.len() <= update_lock::ANSWER_CAPACITY);
        let state = device(&body).expect("it is JSON");
        prop_assert_eq!(state.update_pending, pending);
        prop_assert_eq!(state.update_downloaded, downloaded);
        prop_assert_eq!(state.update_failed, failed);
        prop_assert_eq!(state.status.as_ref().map(Word::as_bytes), status.as_ref().map(String::as_bytes));
    }

    #[test]
    fn any_body_is_understood_or_not(body in prop_oneof![any::<String>(), "[{}\\[\\]\",:\\\\tfn0 ]{0,40}"]) {
        let _ = device(&body);
    }

    #[test]
    fn what_cuts_json_off_is_no_json(value in values()) {
        let body = json!({ "a": value, "update_pending": true }).to_string();
        prop_assume!(body.len() <= update_lock::ANSWER_CAPACITY);
        for (end, _) in body.char_indices() {
            prop_assert_eq!(device(&body[..end]), Err(ApiError::NotUnderstood));
        }
    }
}

/// One of each kind, with what becomes of it.
fn errors() -> Vec<(ApiError, io::ErrorKind, ErrorKind)> {
    use io::ErrorKind as Io;
    let embedded = [
        (ApiError::NoAddress, Io::NotFound, ErrorKind::NotFound),
        (
            ApiError::InvalidAddress,
            Io::InvalidInput,
            ErrorKind::InvalidInput,
        ),
        (
            ApiError::InvalidKey,
            Io::InvalidInput,
            ErrorKind::InvalidInput,
        ),
        (
            ApiError::Connect(Errno::CONNREFUSED),
            Io::ConnectionRefused,
            ErrorKind::ConnectionRefused,
        ),
        (
            ApiError::Connect(Errno::HOSTUNREACH),
            Io::HostUnreachable,
            ErrorKind::Other,
        ),
        (
            ApiError::Connect(Errno::PERM),
            Io::PermissionDenied,
            ErrorKind::PermissionDenied,
        ),
        (ApiError::TimedOut, Io::TimedOut, ErrorKind::TimedOut),
        (
            ApiError::Write(ErrorKind::BrokenPipe),
            Io::BrokenPipe,
            ErrorKind::BrokenPipe,
        ),
        (
            ApiError::Read(ErrorKind::ConnectionReset),
            Io::ConnectionReset,
            ErrorKind::ConnectionReset,
        ),
        (
            ApiError::CutOff,
            Io::ConnectionAborted,
            ErrorKind::ConnectionAborted,
        ),
        (ApiError::NotHttp, Io::InvalidData, ErrorKind::InvalidData),
        (ApiError::TooLong, Io::InvalidData, ErrorKind::InvalidData),
        (
            ApiError::Status(401),
            Io::PermissionDenied,
            ErrorKind::PermissionDenied,
        ),
        (ApiError::Status(404), Io::NotFound, ErrorKind::NotFound),
        (ApiError::Status(423), Io::Other, ErrorKind::Other),
        (ApiError::Status(302), Io::Other, ErrorKind::Other),
        (ApiError::Status(500), Io::Other, ErrorKind::Other),
        (
            ApiError::NotUnderstood,
            Io::InvalidData,
            ErrorKind::InvalidData,
        ),
    ];
    embedded.to_vec()
}

#[test]
fn each_error_has_its_kinds_and_a_text() {
    for (error, io_kind, kind) in errors() {
        assert_eq!(error.kind(), kind, "{error:?}");
        let converted = io::Error::from(error);
        assert_eq!(converted.kind(), io_kind, "{error:?}");
        let errno = error.errno().map(|errno| errno.raw_os_error());
        assert_eq!(converted.raw_os_error(), errno, "{error:?}");
        if errno.is_none() {
            assert_eq!(converted.to_string(), error.to_string(), "the text is kept");
        }
        assert!(!error.as_str().is_empty());
        assert!(error.to_string().starts_with(error.as_str()), "{error}");
        assert!(error.source().is_none());
    }
    let odd = ApiError::Connect(Errno::INVAL).to_string();
    assert!(odd.ends_with(": errno 22"), "{odd}");
}

/// Of all that a caller may print, whatever has gone wrong.
#[test]
fn the_key_is_in_no_output() {
    let mut outputs = vec![];
    for (error, ..) in errors() {
        let converted = io::Error::from(error);
        outputs.push(format!(
            "{error} {error:?} {error:#?} {converted} {converted:?}"
        ));
    }
    let secret = "5ec2e7";
    for body in [format!(r#"{{"status":{secret}}}"#), secret.to_string()] {
        let stream = Stream::answering(&body);
        let error = supervisor(ANYWHERE, secret).over(stream).device();
        outputs.push(format!("{error:?}"));
    }
    for key in [
        secret.to_string(),
        format!("{secret}\r\n"),
        secret.repeat(50),
    ] {
        match Supervisor::new(ANYWHERE.as_bytes(), key.as_bytes()) {
            Ok(supervisor) => outputs.push(format!("{supervisor:?} {supervisor:#?}")),
            Err(error) => outputs.push(format!("{error:?} {error}")),
        }
    }
    let api = Api::start(State::default());
    let address = api.address();
    let connection = supervisor(&address, secret).connect().expect("it is there");
    outputs.push(format!("{connection:?} {connection:#?}"));
    outputs.push(format!("{:?}", connection.device()));
    let request = Request {
        method: "GET",
        path: "/ping",
        host: b"",
        key: secret.as_bytes(),
        json: b"",
    };
    outputs.push(format!("{request:?} {request:#?}"));
    let mut buffer = [0; 512];
    request.write(&mut buffer).expect("it fits");
    outputs.push(format!("{:?}", Answer::new(&mut buffer)));
    for output in outputs {
        assert!(!output.contains(secret), "{output}");
    }
}
