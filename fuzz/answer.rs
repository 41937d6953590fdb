//! An HTTP answer, in pieces: it ends as it does in one piece.
#![no_main]

use libfuzzer_sys::fuzz_target;
use update_lock::ApiError;
use update_lock::http::Answer;

type Outcome = Result<(Option<u16>, Vec<u8>), ApiError>;

fn parse(mut bytes: &[u8], piece: usize, capacity: usize) -> Outcome {
    let mut buffer = vec![0; capacity];
    let mut answer = Answer::new(&mut buffer);
    loop {
        let space = answer.space()?;
        let count = bytes.len().min(piece).min(space.len());
        space[..count].copy_from_slice(&bytes[..count]);
        bytes = &bytes[count..];
        if answer.add(count)? {
            return Ok((answer.status(), answer.body().to_vec()));
        }
    }
}

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (piece, capacity, bytes) = input;
    let capacity = usize::from(capacity % 2048);
    let whole = parse(bytes, usize::MAX, capacity);
    if let Ok((_, body)) = &whole {
        assert!(body.len() <= bytes.len());
    }
    assert_eq!(parse(bytes, usize::from(piece).max(1), capacity), whole);
});
