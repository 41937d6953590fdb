//! A stand-in for the Supervisor's HTTP API, on a server of a library that isn't ours.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The key that it takes; 32 hexadecimal digits, as Supervisors make them.
pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";

/// What it says about the device, and how it takes updates.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// The status of the app's first service; without one, there is no app.
    pub(crate) status: Option<&'static str>,
    /// Whether an update is pending, downloaded, and has failed.
    pub(crate) pending: bool,
    pub(crate) downloaded: bool,
    pub(crate) failed: bool,
    /// Whether it looks for an update without `force`.
    pub(crate) instant_updates: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            status: Some("Idle"),
            pending: false,
            downloaded: false,
            failed: false,
            instant_updates: true,
        }
    }
}

/// A request that has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    pub(crate) has_key: bool,
    pub(crate) body: String,
}

type Hook = Box<dyn Fn(bool) + Send>;

struct Shared {
    state: Mutex<State>,
    asked: Mutex<Vec<Asked>>,
    on_update: Mutex<Option<Hook>>,
}

/// The server, until it is dropped.
pub(crate) struct Api {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Api {
    /// Starts it on a port of its own.
    pub(crate) fn start(state: State) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            asked: Mutex::new(vec![]),
            on_update: Mutex::new(None),
        });
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let server = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime");
                runtime.block_on(async {
                    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                    tell.send(listener.local_addr().expect("its address"))
                        .expect("it is waited for");
                    tokio::select! {
                        () = serve(listener, shared) => {}
                        _ = stopped => {}
                    }
                });
            }
        });
        Self {
            address: told.recv().expect("it starts"),
            shared,
            stop: Some(stop),
            server: Some(server),
        }
    }

    /// As `BALENA_SUPERVISOR_ADDRESS` has it.
    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has been asked so far, in its order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().expect("unpoisoned").clone()
    }

    /// Changes what it says.
    pub(crate) fn set(&self, state: State) {
        *self.shared.state.lock().expect("unpoisoned") = state;
    }

    /// Has `hook` called with each update's `force`, before that is answered.
    pub(crate) fn on_update(&self, hook: impl Fn(bool) + Send + 'static) {
        *self.shared.on_update.lock().expect("unpoisoned") = Some(Box::new(hook));
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let answer = service_fn(|request| shared.answer(request));
            // A client that goes away early is its own affair.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

impl Shared {
    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let asked = Asked {
            method: head.method.to_string(),
            path: head.uri.path().to_string(),
            has_key: head.uri.query() == Some(&format!("apikey={KEY}")),
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        self.asked.lock().expect("unpoisoned").push(asked.clone());
        if asked.path == "/ping" {
            return Ok(text(StatusCode::OK, "OK"));
        }
        if !asked.has_key {
            return Ok(text(StatusCode::UNAUTHORIZED, "Unauthorized"));
        }
        let state = self.state.lock().expect("unpoisoned").clone();
        Ok(match (&head.method, asked.path.as_str()) {
            (&Method::GET, "/v2/version") => json(r#"{"status":"success","version":"19.0.5"}"#),
            (&Method::GET, "/v1/device") => json(&device(&state)),
            (&Method::POST, "/v1/update") => {
                // Without this header it wouldn't look into the body.
                let is_json = head.headers.get(CONTENT_TYPE).map(|value| value.as_bytes())
                    == Some(b"application/json");
                self.update(&state, if is_json { &asked.body } else { "{}" })
            }
            _ => text(StatusCode::NOT_FOUND, "Not Found"),
        })
    }

    fn update(&self, state: &State, body: &str) -> Response<Full<Bytes>> {
        let Ok(body) = serde_json::from_str::<serde_json::Value>(body) else {
            return text(StatusCode::BAD_REQUEST, "Bad Request");
        };
        let force = body["force"] == true;
        if !force && !state.instant_updates {
            return text(StatusCode::ACCEPTED, "Accepted");
        }
        if let Some(hook) = &*self.on_update.lock().expect("unpoisoned") {
            hook(force);
        }
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    }
}

fn device(state: &State) -> String {
    let mut device = serde_json::json!({
        "api_port": 48484,
        "ip_address": "192.168.0.114 10.42.0.3",
        "os_version": "balenaOS 6.5.39",
        "mac_address": "DC:A6:32:01:02:03 DC:A6:32:01:02:04",
        "supervisor_version": "19.0.5",
        "update_pending": state.pending,
        "update_failed": state.failed,
        "update_downloaded": state.downloaded,
        "commit": "414e65cd378a69a96f403b75f14b40b55856f860",
    });
    if let Some(status) = state.status {
        device["status"] = status.into();
        device["download_progress"] = serde_json::Value::Null;
    }
    device.to_string()
}

fn json(body: &str) -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::OK, body);
    let kind = hyper::header::HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn text(status: StatusCode, body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response
}
