//! What is asked.

use core::fmt;

use crate::{ApiError, decimal};

/// What to ask, with a JSON body, for a connection that is closed after the answer.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// What is asked for, from the first `/` on.
    pub path: &'a str,
    /// The address of the server, and its port.
    pub host: &'a [u8],
    /// The value of the query `apikey`; without one where it is empty. It is sent as it is: letters and digits.
    pub key: &'a [u8],
    /// The body; may be empty.
    pub json: &'a [u8],
}

impl Request<'_> {
    /// Puts the request into `buffer`.
    ///
    /// # Errors
    ///
    /// [`ApiError::TooLong`]: it doesn't fit.
    pub fn write<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], ApiError> {
        let query: &[u8] = if self.key.is_empty() {
            b""
        } else {
            b"?apikey="
        };
        let mut digits = [0; 10];
        let pieces = [
            self.method.as_bytes(),
            b" ",
            self.path.as_bytes(),
            query,
            self.key,
            b" HTTP/1.1\r\nHost: ",
            self.host,
            b"\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ",
            decimal::digits(self.json.len() as u32, &mut digits),
            b"\r\n\r\n",
            self.json,
        ];
        let mut length = 0;
        for &piece in &pieces {
            for &byte in piece {
                *buffer.get_mut(length).ok_or(ApiError::TooLong)? = byte;
                length += 1;
            }
        }
        Ok(buffer.get(..length).unwrap_or_default())
    }
}

/// Without the key.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {})", self.method, self.path)
    }
}
