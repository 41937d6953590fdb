//! What the Supervisor says of itself and of its device.
#![no_main]

use embedded_io::{ErrorType, Read, Write};
use libfuzzer_sys::fuzz_target;
use update_lock::{Supervisor, Update};

/// Takes any request, and answers with the bytes.
struct Stream<'b>(&'b [u8]);

impl ErrorType for Stream<'_> {
    type Error = embedded_io::ErrorKind;
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        let count = self.0.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Self::Error> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let supervisor = Supervisor::new(b"http://127.0.0.1:48484", b"key").expect("an address");
    let mut body = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    body.extend(bytes);
    for answer in [bytes, &body] {
        let over = || supervisor.over(Stream(answer));
        let _ = (
            over().ping(),
            over().version(),
            over().update(Update::default()),
        );
        if let Ok(device) = over().device() {
            assert!(
                device
                    .status
                    .is_none_or(|status| status.as_bytes().len() <= 32)
            );
        }
    }
});
