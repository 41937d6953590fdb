//! One HTTP/1.1 request and its answer, without I/O: bytes to be sent, and bytes that have come.
//!
//! ```
//! use update_lock::http::{Answer, Request};
//!
//! let mut buffer = [0; 512];
//! let request = Request {
//!     method: "GET",
//!     path: "/ping",
//!     host: b"127.0.0.1:48484",
//!     key: b"",
//!     json: b"",
//! };
//! assert!(request.write(&mut buffer)?.starts_with(b"GET /ping HTTP/1.1\r\n"));
//!
//! let mut answer = Answer::new(&mut buffer);
//! let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";
//! answer.space()?[..bytes.len()].copy_from_slice(bytes);
//! assert!(answer.add(bytes.len())?, "it is complete");
//! assert_eq!((answer.status(), answer.body()), (Some(200), &b"OK"[..]));
//! # Ok::<(), update_lock::ApiError>(())
//! ```

mod answer;
mod request;

pub use answer::Answer;
pub use request::Request;
