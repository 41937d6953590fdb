//! The Supervisor's API, where somebody else answers, or nobody.

use std::io::{ErrorKind as IoKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use embedded_io::ErrorKind;
use nix::sys::pthread::{pthread_kill, pthread_self};
use nix::sys::signal::{SigSet, Signal};
use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket, sockopt};
use tokio::signal::unix::{SignalKind, signal};
use update_lock::{ApiError, Errno, Supervisor, Update};

use crate::api::KEY;

/// Long enough for anything that is to come to an end by itself.
const PATIENT_MS: u64 = 60_000;

/// Long enough to see that something doesn't.
const HASTY_MS: u64 = 150;

/// A server that takes one connection, reads the request, and does as it likes.
struct Server {
    address: String,
    thread: JoinHandle<()>,
}

impl Server {
    fn start(answer: impl FnOnce(&mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        Self {
            address: format!("http://{}", listener.local_addr().expect("its address")),
            thread: thread::spawn(move || {
                let (mut stream, _) = listener.accept().expect("a connection");
                let mut request: Vec<u8> = vec![];
                while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
                    let mut bytes = [0; 1024];
                    let count = stream.read(&mut bytes).expect("a request");
                    assert_ne!(count, 0, "cut off");
                    request.extend(&bytes[..count]);
                }
                answer(&mut stream);
            }),
        }
    }

    /// Says this, and goes.
    fn saying(answer: &str) -> Self {
        let answer = answer.as_bytes().to_vec();
        Self::start(move |stream| {
            // Who has heard enough may be gone.
            let _ = stream.write_all(&answer);
        })
    }

    /// Says this, and then that again and again.
    fn repeating(start: &'static str, again: &'static str) -> Self {
        Self::start(move |stream| {
            let mut bytes = start.as_bytes().to_vec();
            while stream.write_all(&bytes).is_ok() {
                bytes = again.repeat(100).into_bytes();
            }
        })
    }

    fn supervisor(&self, timeout_ms: u64) -> Supervisor<'_> {
        supervisor(&self.address).with_timeout(timeout_ms)
    }

    fn stop(self) {
        self.thread.join().expect("it ran well");
    }
}

fn supervisor(address: &str) -> Supervisor<'_> {
    Supervisor::new(address.as_bytes(), KEY.as_bytes()).expect("it is valid")
}

/// A port where nobody listens.
fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("http://{}", listener.local_addr().expect("its address"))
}

#[track_caller]
fn assert_fails(answer: &str, error: ApiError) {
    let server = Server::saying(answer);
    assert_eq!(server.supervisor(PATIENT_MS).device(), Err(error));
    server.stop();
}

#[test]
fn nobody_listens() {
    let address = closed_port();
    let error = supervisor(&address).ping().expect_err("nobody is there");
    assert_eq!(error, ApiError::Connect(Errno::CONNREFUSED));
    assert_eq!(
        error.to_string(),
        "cannot connect to the Supervisor: connection refused"
    );
}

#[test]
fn nobody_accepts() {
    let listener = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&listener, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listen(&listener, 0).expect("it listens");
    let address = getsockname(&listener).expect("its address");
    let address = SocketAddrV4::try_from(address).expect("IPv4");
    // The one place in its queue.
    let first = TcpStream::connect(address).expect("a connection");
    let address = format!("http://{address}");
    let supervisor = supervisor(&address).with_timeout(HASTY_MS);
    assert_eq!(supervisor.ping(), Err(ApiError::TimedOut));
    drop(first);
}

#[test]
fn nobody_answers() {
    let server = Server::start(|stream| {
        let mut rest = vec![];
        stream.read_to_end(&mut rest).expect("the client gives up");
    });
    let outcome = server.supervisor(HASTY_MS).ping();
    assert_eq!(outcome, Err(ApiError::TimedOut));
    server.stop();
}

#[test]
fn an_answer_comes_slowly() {
    let server = Server::start(|stream| {
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{\"update_downloaded\": true}" {
            stream.write_all(&[*byte]).expect("it is read");
            thread::sleep(Duration::from_millis(1));
        }
    });
    let state = server.supervisor(PATIENT_MS).device();
    assert_eq!(state.expect("an answer").update_downloaded, Some(true));
    server.stop();
}

/// The deadline is the call's: no single read would ever pass it.
#[test]
fn an_answer_comes_too_slowly() {
    let server = Server::start(|stream| {
        while stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
    });
    let outcome = server.supervisor(HASTY_MS).ping();
    assert_eq!(outcome, Err(ApiError::TimedOut));
    server.stop();
}

#[test]
fn an_answer_never_comes_to_the_point() {
    let server = Server::repeating("", "HTTP/1.1 100 Continue\r\n\r\n");
    let outcome = server.supervisor(HASTY_MS).ping();
    assert_eq!(outcome, Err(ApiError::TimedOut));
    server.stop();
}

#[test]
fn answers_without_an_end() {
    for (start, again, error) in [
        ("HTTP/1.1 200 OK\r\n\r\n", "more", ApiError::TooLong),
        ("HTTP/1.1 200 OK\r\n", "X: y\r\n", ApiError::TooLong),
        ("HTTP/1.1 200 OK\r\nX: ", "y", ApiError::TooLong),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "1\r\nx\r\n",
            ApiError::TooLong,
        ),
        ("", "\r\n", ApiError::TooLong),
        ("HTTP/1.1 401 No\r\n\r\n", "more", ApiError::Status(401)),
    ] {
        let server = Server::repeating(start, again);
        let outcome = server.supervisor(PATIENT_MS).ping();
        assert_eq!(outcome, Err(error), "{start:?} {again:?}");
        server.stop();
    }
}

#[test]
fn a_head_of_100_kb() {
    let value = "v".repeat(100_000);
    assert_fails(
        &format!("HTTP/1.1 200 OK\r\nX: {value}\r\nContent-Length: 2\r\n\r\n{{}}"),
        ApiError::TooLong,
    );
    let lines = "X-Header: value\r\n".repeat(6000);
    assert_fails(
        &format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 2\r\n\r\n{{}}"),
        ApiError::TooLong,
    );
}

#[test]
fn the_length_is_wrong() {
    for (length, error) in [
        ("1", ApiError::NotUnderstood),
        ("3", ApiError::CutOff),
        ("5000", ApiError::TooLong),
        ("-2", ApiError::NotHttp),
        ("two", ApiError::NotHttp),
        ("2\r\nContent-Length: 3", ApiError::NotHttp),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}");
        assert_fails(&format!("{head}\r\n\r\n{{}}"), error);
    }
}

#[test]
fn the_answer_is_cut_off() {
    for answer in [
        "",
        "HTTP/1.1 ",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    ] {
        assert_fails(answer, ApiError::CutOff);
    }
}

#[test]
fn something_else_answers() {
    assert_fails("SSH-2.0-OpenSSH_9.2p1\r\n", ApiError::NotHttp);
    for body in ["", "OK", "[]", "null", "{", "<html></html>", "{}{}"] {
        assert_fails(
            &format!("HTTP/1.1 200 OK\r\n\r\n{body}"),
            ApiError::NotUnderstood,
        );
    }
}

#[test]
fn a_status_that_is_no_success() {
    for (status, words) in [
        (401, "does not accept the API key"),
        (404, "too old"),
        (423, "finds an update lock"),
        (500, "refused"),
        (503, "refused"),
        (302, "redirect"),
    ] {
        for rest in [
            "Content-Length: 0\r\n\r\n",
            "Content-Length: 12\r\n\r\nUnauthorized",
            // All that is needed is there.
            "Content-Length: 100000\r\n\r\n{",
            "Transfer-Encoding: chunked\r\n\r\nz",
            "Location: http://127.0.0.1:1/\r\n\r\n",
        ] {
            let server = Server::saying(&format!("HTTP/1.1 {status} Reason\r\n{rest}"));
            let outcome = server.supervisor(PATIENT_MS).update(Update::default());
            let error = outcome.expect_err("no success");
            assert_eq!(error.status(), Some(status), "{rest:?}: {error:?}");
            let text = error.to_string();
            assert!(text.contains(words), "{text}");
            assert!(text.ends_with(&format!("(HTTP status {status})")), "{text}");
            server.stop();
        }
    }
}

#[test]
fn the_connection_is_reset() {
    let server = Server::start(|stream| {
        sockopt::set_socket_linger(stream, Some(Duration::ZERO)).expect("it is a socket");
    });
    let outcome = server.supervisor(PATIENT_MS).ping();
    assert_eq!(outcome, Err(ApiError::Read(ErrorKind::ConnectionReset)));
    server.stop();
}

#[test]
fn writing_to_who_is_gone_raises_no_signal() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGPIPE);
    signals.thread_block().expect("a signal mask");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let mut stream = update_lock::TcpStream::connect(address, PATIENT_MS).expect("a connection");
    drop(listener.accept().expect("it has come"));
    let error = loop {
        if let Err(error) = embedded_io::Write::write(&mut stream, b"anybody?") {
            break error;
        }
    };
    let gone = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
    assert!(
        matches!(error, ApiError::Write(kind) if gone.contains(&kind)),
        "{error:?}"
    );
    let error = embedded_io::Write::write(&mut stream, b"nobody?");
    assert_eq!(error, Err(ApiError::Write(ErrorKind::BrokenPipe)));
    let status = std::fs::read_to_string("/proc/thread-self/status").expect("/proc");
    let pending = status
        .lines()
        .find_map(|line| line.strip_prefix("SigPnd:\t"));
    assert_eq!(
        pending,
        Some("0000000000000000"),
        "even an ignored one shows if blocked"
    );
}

#[test]
fn signals_neither_end_nor_stretch_a_call() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let _guard = runtime.enter();
    let _handler = signal(SignalKind::user_defined1()).expect("a handler");
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    let caller = pthread_self();
    let signals = thread::spawn(move || {
        while !IS_OVER.load(Ordering::Relaxed) {
            pthread_kill(caller, Signal::SIGUSR1).expect("it is there");
            thread::sleep(Duration::from_micros(200));
        }
    });

    let server = Server::start(|stream| {
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" {
            thread::sleep(Duration::from_millis(2));
            stream.write_all(&[*byte]).expect("it is read");
        }
    });
    let outcome = server.supervisor(PATIENT_MS).ping();
    server.stop();
    let silent = Server::start(|stream| {
        let end = stream.read(&mut [0]).map_err(|error| error.kind());
        assert!(matches!(end, Ok(0) | Err(IoKind::ConnectionReset)));
    });
    let late = silent.supervisor(HASTY_MS).ping();
    silent.stop();
    IS_OVER.store(true, Ordering::Relaxed);
    signals.join().expect("it ran well");
    assert_eq!(outcome, Ok(()));
    assert_eq!(late, Err(ApiError::TimedOut));
}
