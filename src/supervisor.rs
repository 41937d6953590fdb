//! The Supervisor's HTTP API, as far as it is about updates.
//!
//! Sources: the [API's documentation](https://docs.balena.io/reference/supervisor/supervisor-api/), and the Supervisor from
//! 1.0 to 19.0. Each of them takes the key as the query `apikey`; the header `Authorization` came with 1.14 (`ApiKey`) and
//! 11 (`Bearer`). So the query it is. The Supervisor's own log leaves queries out.

use core::fmt;
use core::net::SocketAddr;

use embedded_io::{ErrorKind, Read, Write};

use crate::http::{Answer, Request};
use crate::json::Json;
use crate::{ApiError, TcpStream, address};

/// The longest answer in bytes: its head, or its body.
pub const ANSWER_CAPACITY: usize = 4096;

/// The longest API key in bytes; Supervisors make them of 32 to 64 hexadecimal digits.
const KEY_CAPACITY: usize = 128;

/// How long a call may take, if nothing else is said: a Supervisor that starts on a Pi Zero takes its time.
const TIMEOUT_MS: u64 = 10_000;

/// Where the Supervisor's API is, and the key to it.
#[derive(Clone, Copy)]
pub struct Supervisor<'e> {
    address: SocketAddr,
    /// The address as it was given.
    host: &'e [u8],
    key: &'e [u8],
    timeout_ms: u64,
}

/// What to ask for with [`Supervisor::update`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Update {
    /// Overrides the update locks, of all services.
    pub force: bool,
    /// Breaks off what the Supervisor is at, such as a download, in favour of the newest release.
    pub cancel: bool,
}

/// What the Supervisor does about an [`Update`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UpdateReply {
    /// It looks for an update now.
    Looks,
    /// It does nothing: instant updates are switched off on this device. `force` would make it look.
    Ignores,
}

/// What the Supervisor says about the device.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct DeviceState {
    /// Whether there is an update, or the Supervisor is looking for one.
    pub update_pending: Option<bool>,
    /// Whether it has been downloaded.
    pub update_downloaded: Option<bool>,
    /// Whether it has failed, because of a lock for example.
    pub update_failed: Option<bool>,
    /// The state of the app's first service: `Idle`, `Downloading`, `Installing`, ...
    pub status: Option<Word>,
}

/// A word of the Supervisor's: at most 32 bytes of printable ASCII, without escape sequences; it is cut before anything
/// else.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Word(heapless::Vec<u8, 32>);

impl Word {
    fn new(text: &str) -> Self {
        let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'\\';
        Self(text.bytes().take_while(is_plain).take(32).collect())
    }

    /// The word.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<'e> Supervisor<'e> {
    /// Finds the API by the environment, which `variable` looks up.
    ///
    /// By `BALENA_SUPERVISOR_ADDRESS` and `BALENA_SUPERVISOR_API_KEY`; older Supervisors call them
    /// `RESIN_SUPERVISOR_ADDRESS` and `RESIN_SUPERVISOR_API_KEY`. Without a key it is asked without one: a device in local
    /// mode wants none. An empty variable counts as unset.
    ///
    /// # Errors
    ///
    /// - [`ApiError::NoAddress`]: there is none.
    /// - [`ApiError::InvalidAddress`], [`ApiError::InvalidKey`]: as [`new`](Self::new).
    pub fn find(variable: impl Fn(&'static str) -> Option<&'e [u8]>) -> Result<Self, ApiError> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let address = set("BALENA_SUPERVISOR_ADDRESS").or_else(|| set("RESIN_SUPERVISOR_ADDRESS"));
        let key = set("BALENA_SUPERVISOR_API_KEY").or_else(|| set("RESIN_SUPERVISOR_API_KEY"));
        Self::new(address.ok_or(ApiError::NoAddress)?, key.unwrap_or_default())
    }

    /// The API at an address such as `http://127.0.0.1:48484` or `http://[fd00::1]:48484`, with the key to it.
    ///
    /// # Errors
    ///
    /// - [`ApiError::InvalidAddress`]: it isn't of that form; there is no name resolution.
    /// - [`ApiError::InvalidKey`]: other bytes than ASCII letters and digits, `-`, `.`, `_`, `~`, or more than 128.
    pub fn new(address: &'e [u8], key: &'e [u8]) -> Result<Self, ApiError> {
        let host = address.strip_prefix(b"http://");
        let host = host.map(|host| host.strip_suffix(b"/").unwrap_or(host));
        let host = host.ok_or(ApiError::InvalidAddress)?;
        let address = address::parse(host);
        if key.len() > KEY_CAPACITY || !key.iter().all(is_unreserved) {
            return Err(ApiError::InvalidKey);
        }
        Ok(Self {
            address: address.ok_or(ApiError::InvalidAddress)?,
            host,
            key,
            timeout_ms: TIMEOUT_MS,
        })
    }

    /// The same with another time for each call, from connecting to the end of the answer, in milliseconds.
    #[must_use]
    pub fn with_timeout(self, timeout_ms: u64) -> Self {
        Self { timeout_ms, ..self }
    }

    /// The address and port of the API, as text.
    #[must_use]
    pub fn host(&self) -> &'e [u8] {
        self.host
    }

    /// The address and port of the API.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether there is a Supervisor that answers. It needs no key.
    ///
    /// # Errors
    ///
    /// Any [`ApiError`] but those of [`find`](Self::find).
    pub fn ping(&self) -> Result<(), ApiError> {
        self.connect()?.ping()
    }

    /// Its version, such as `19.0.5`. Supervisors before 7.21 answer with the status 404.
    ///
    /// # Errors
    ///
    /// As [`ping`](Self::ping).
    pub fn version(&self) -> Result<Word, ApiError> {
        self.connect()?.version()
    }

    /// What is pending.
    ///
    /// # Errors
    ///
    /// As [`ping`](Self::ping).
    pub fn device(&self) -> Result<DeviceState, ApiError> {
        self.connect()?.device()
    }

    /// Asks it to look for an update at once, instead of when it is due.
    ///
    /// It answers before it looks: that an update was found, or a lock, is seen by [`device`](Self::device) later.
    ///
    /// # Errors
    ///
    /// As [`ping`](Self::ping).
    pub fn update(&self, update: Update) -> Result<UpdateReply, ApiError> {
        self.connect()?.update(update)
    }

    /// Connects, for one call.
    ///
    /// # Errors
    ///
    /// As [`TcpStream::connect`].
    pub fn connect(&self) -> Result<Connection<'e, TcpStream>, ApiError> {
        let stream = TcpStream::connect(self.address, self.timeout_ms)?;
        Ok(self.over(stream))
    }

    /// For one call over a stream of the caller's, which is connected and watches the time itself.
    pub fn over<S: Read + Write>(&self, stream: S) -> Connection<'e, S> {
        Connection {
            supervisor: *self,
            stream,
        }
    }
}

/// Without the key.
impl fmt::Debug for Supervisor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Supervisor({})", self.address)
    }
}

/// What has no meaning of its own in a URL (RFC 3986, 2.3).
fn is_unreserved(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// A connection to the Supervisor, for one call: it closes the connection after its answer.
#[derive(Debug)]
#[must_use = "nothing has been asked yet"]
pub struct Connection<'e, S> {
    supervisor: Supervisor<'e>,
    stream: S,
}

impl<S: Read + Write> Connection<'_, S> {
    /// As [`Supervisor::ping`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn ping(mut self) -> Result<(), ApiError> {
        // It goes without the key, which it doesn't need.
        self.supervisor.key = b"";
        self.call("GET", "/ping", b"", &mut [0; ANSWER_CAPACITY])?;
        Ok(())
    }

    /// As [`Supervisor::version`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn version(mut self) -> Result<Word, ApiError> {
        let mut buffer = [0; ANSWER_CAPACITY];
        let answer = self.call("GET", "/v2/version", b"", &mut buffer)?;
        let json = Json::parse(answer.body())?;
        json.version.map(Word::new).ok_or(ApiError::NotUnderstood)
    }

    /// As [`Supervisor::device`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn device(mut self) -> Result<DeviceState, ApiError> {
        let mut buffer = [0; ANSWER_CAPACITY];
        let answer = self.call("GET", "/v1/device", b"", &mut buffer)?;
        let json = Json::parse(answer.body())?;
        Ok(DeviceState {
            update_pending: json.update_pending,
            update_downloaded: json.update_downloaded,
            update_failed: json.update_failed,
            status: json.status.map(Word::new),
        })
    }

    /// As [`Supervisor::update`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn update(mut self, update: Update) -> Result<UpdateReply, ApiError> {
        let json: &[u8] = match (update.force, update.cancel) {
            (false, false) => br#"{"force":false,"cancel":false}"#,
            (false, true) => br#"{"force":false,"cancel":true}"#,
            (true, false) => br#"{"force":true,"cancel":false}"#,
            (true, true) => br#"{"force":true,"cancel":true}"#,
        };
        let mut buffer = [0; ANSWER_CAPACITY];
        let answer = self.call("POST", "/v1/update", json, &mut buffer)?;
        Ok(match answer.status() {
            Some(202) => UpdateReply::Ignores,
            _ => UpdateReply::Looks,
        })
    }

    /// Asks, and reads the answer, which is a success.
    fn call<'b>(
        &mut self,
        method: &str,
        path: &str,
        json: &[u8],
        buffer: &'b mut [u8],
    ) -> Result<Answer<'b>, ApiError> {
        step!("supervisor: {=str} {=str}", method, path);
        let request = Request {
            method,
            path,
            host: self.supervisor.host,
            key: self.supervisor.key,
            json,
        };
        let mut unsent = request.write(buffer)?;
        while !unsent.is_empty() {
            match self.stream.write(unsent).map_err(at(ApiError::Write))? {
                0 => return Err(ApiError::Write(ErrorKind::WriteZero)),
                sent => unsent = unsent.get(sent..).unwrap_or_default(),
            }
        }
        self.stream.flush().map_err(at(ApiError::Write))?;
        let mut answer = Answer::new(buffer);
        loop {
            let count = self
                .stream
                .read(answer.space()?)
                .map_err(at(ApiError::Read))?;
            let is_complete = answer.add(count);
            // A refusal is one, whatever becomes of its body.
            match answer.status() {
                Some(status) if !(200..300).contains(&status) => {
                    return Err(ApiError::Status(status));
                }
                _ if is_complete? => return Ok(answer),
                _ => {}
            }
        }
    }
}

/// What went wrong with the stream, for `map_err`.
fn at<E: embedded_io::Error>(error: fn(ErrorKind) -> ApiError) -> impl Fn(E) -> ApiError {
    move |cause| match cause.kind() {
        ErrorKind::TimedOut => ApiError::TimedOut,
        kind => error(kind),
    }
}
