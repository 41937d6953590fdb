use proptest::collection::vec;
use proptest::prelude::*;
use update_lock::ApiError;
use update_lock::http::{Answer, Request};

/// An answer's status and body.
type Outcome = Result<(u16, Vec<u8>), ApiError>;

/// What becomes of an answer that comes in these pieces, after which the connection ends.
fn parse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, capacity: usize) -> Outcome {
    let mut buffer = vec![0; capacity];
    let mut answer = Answer::new(&mut buffer);
    for mut piece in pieces {
        while !piece.is_empty() {
            let space = answer.space()?;
            let count = piece.len().min(space.len());
            space[..count].copy_from_slice(&piece[..count]);
            piece = &piece[count..];
            if answer.add(count)? {
                return Ok(outcome(&answer));
            }
        }
    }
    assert!(answer.add(0)?, "the end is complete or an error");
    Ok(outcome(&answer))
}

fn outcome(answer: &Answer<'_>) -> (u16, Vec<u8>) {
    let status = answer.status().expect("the head has come");
    (status, answer.body().to_vec())
}

fn whole(bytes: &str) -> Outcome {
    parse([bytes.as_bytes()], 4096)
}

#[track_caller]
fn assert_body(bytes: &str, status: u16, body: &str) {
    assert_eq!(whole(bytes), Ok((status, body.into())), "{bytes:?}");
    let single_bytes = bytes.as_bytes().chunks(1);
    assert_eq!(parse(single_bytes, 4096), whole(bytes), "byte by byte");
}

#[track_caller]
fn assert_error(bytes: &str, error: ApiError) {
    assert_eq!(whole(bytes), Err(error), "{bytes:?}");
    let single_bytes = bytes.as_bytes().chunks(1);
    assert_eq!(parse(single_bytes, 4096), Err(error), "byte by byte");
}

#[test]
fn a_body_ends_by_its_length() {
    assert_body(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        200,
        "hello",
    );
    assert_body(
        "HTTP/1.0 200 OK\r\ncontent-LENGTH:5 \r\n\r\nhello, and more",
        200,
        "hello",
    );
    assert_body(
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        404,
        "",
    );
    let twice = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello";
    assert_body(twice, 200, "hello");
}

#[test]
fn a_body_ends_by_an_empty_chunk() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_body(&format!("{head}0\r\n\r\n"), 200, "");
    assert_body(
        &format!("{head}5\r\nhello\r\n1\r\n,\r\n0\r\n\r\n"),
        200,
        "hello,",
    );
    assert_body(
        &format!("{head}a;name=value\r\n0123456789\r\n00\r\nTrailer: 1\r\n\r\n"),
        200,
        "0123456789",
    );
    // It says more than a length does.
    let both =
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: Chunked\r\nContent-Length: 9";
    assert_body(&format!("{both}\r\n\r\n2\r\nOK\r\n0\r\n\r\n"), 200, "OK");
}

#[test]
fn a_body_ends_with_the_connection() {
    assert_body("HTTP/1.1 200 OK\r\n\r\nhello", 200, "hello");
    assert_body("HTTP/1.1 500 \r\nServer: x\r\n\r\n", 500, "");
    assert_body("HTTP/1.1 200\r\n\r\nhello", 200, "hello");
}

#[test]
fn some_answers_have_no_body() {
    assert_body("HTTP/1.1 204 No Content\r\n\r\n", 204, "");
    assert_body(
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
        304,
        "",
    );
}

#[test]
fn informational_answers_are_skipped() {
    let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n";
    assert_body(
        &format!("{early}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"),
        200,
        "OK",
    );
    assert_error(early, ApiError::CutOff);
}

#[test]
fn garbage_is_no_http() {
    for bytes in [
        "SSH-2.0-OpenSSH_9.2p1 Debian\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\nhello",
    ] {
        assert_error(bytes, ApiError::NotHttp);
    }
}

#[test]
fn an_answer_may_be_cut_off_anywhere() {
    for bytes in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    ] {
        whole(bytes).expect("it is complete");
        for end in 0..bytes.len() {
            assert_error(&bytes[..end], ApiError::CutOff);
        }
    }
}

#[test]
fn an_answer_may_be_too_long() {
    let space = " ".repeat(100_000);
    for bytes in [
        format!("HTTP/1.1 200 {space}"),
        format!("HTTP/1.1 200 OK\r\nX: {space}\r\n\r\n"),
        "HTTP/1.1 200 OK\r\nContent-Length: 4097\r\n\r\n".to_string(),
        "HTTP/1.1 200 OK\r\nContent-Length: 4294967295\r\n\r\n".to_string(),
        format!("HTTP/1.1 200 OK\r\n\r\n{space}"),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n{space}\r\n"),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffff\r\n{space}"),
    ] {
        assert_error(&bytes, ApiError::TooLong);
    }
    let full = " ".repeat(4096);
    assert_body(
        &format!("HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n{full}"),
        200,
        &full,
    );
}

const REQUEST: Request<'_> = Request {
    method: "POST",
    path: "/v1/update",
    host: b"127.0.0.1:48484",
    key: b"0123abcd",
    json: b"{\"force\":true}",
};

#[test]
fn a_request_is_written() {
    let mut buffer = [0; 512];
    let written = REQUEST.write(&mut buffer).expect("it fits");
    let text = str::from_utf8(written).expect("ASCII");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    assert_eq!(body, r#"{"force":true}"#);
    let mut lines = head.split("\r\n");
    assert_eq!(
        lines.next(),
        Some("POST /v1/update?apikey=0123abcd HTTP/1.1")
    );
    let mut headers: Vec<_> = lines.collect();
    headers.sort_unstable();
    let expected = [
        "Connection: close",
        "Content-Length: 14",
        "Content-Type: application/json",
        "Host: 127.0.0.1:48484",
    ];
    assert_eq!(headers, expected);
}

#[test]
fn a_request_fits_or_not() {
    let length = REQUEST.write(&mut [0; 512]).expect("it fits").len();
    let exact = REQUEST.write(&mut vec![0; length]).map(<[u8]>::len);
    assert_eq!(exact, Ok(length));
    for short in 0..length {
        let written = REQUEST.write(&mut vec![0; short]).map(<[u8]>::len);
        assert_eq!(written, Err(ApiError::TooLong));
    }
}

#[test]
fn a_requests_debug_output_keeps_the_key_secret() {
    assert_eq!(format!("{REQUEST:?}"), "Request(POST /v1/update)");
}

/// `bytes` in pieces of these lengths, and the rest.
fn split<'a>(mut bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = vec![];
    for &length in lengths {
        let (piece, rest) = bytes.split_at(length.min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

/// Pieces of answers, to be put together in any way.
fn words() -> impl Strategy<Value = Vec<&'static str>> {
    let word = prop::sample::select(vec![
        "HTTP/1.1 ",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "204",
        " ",
        "\t",
        "\r",
        "\n",
        "\r\n",
        "\r\n\r\n",
        "\0",
        "\u{80}",
        ":",
        ";",
        "Content-Length: ",
        "content-length:3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "chunked",
        "X: y\r\n",
        "0\r\n\r\n",
        "3\r\nabc\r\n",
        "A\r\n",
        "1",
        "5",
        "hello",
        "99999999999",
        "ffffffff\r\n",
    ]);
    vec(word, 0..24)
}

proptest! {
    #[test]
    fn any_bytes_come_to_an_end(bytes in vec(any::<u8>(), 0..600), capacity in 0_usize..300) {
        let _ = parse([&*bytes], capacity);
    }

    #[test]
    fn any_words_come_to_the_same_end_in_pieces(
        words in words(),
        lengths in vec(0_usize..20, 0..40),
        capacity in 0_usize..200,
    ) {
        let bytes = words.concat().into_bytes();
        let expected = parse([&*bytes], capacity);
        prop_assert_eq!(parse(split(&bytes, &lengths), capacity), expected.clone());
        prop_assert_eq!(parse(bytes.chunks(1), capacity), expected);
    }

    #[test]
    fn any_body_arrives_in_each_framing(
        body in vec(any::<u8>(), 0..500),
        chunks in vec(1_usize..200, 0..6),
        lengths in vec(0_usize..100, 0..20),
        status in (200_u16..1000).prop_filter("has a body", |code| ![204, 304].contains(code)),
    ) {
        let head = format!("HTTP/1.1 {status} Reason\r\nServer: x");
        let length = format!("{head}\r\nContent-Length: {}\r\n\r\n", body.len());
        let close = format!("{head}\r\n\r\n");
        let mut chunked = format!("{head}\r\nTransfer-Encoding: chunked\r\n\r\n").into_bytes();
        for chunk in split(&body, &chunks).into_iter().filter(|chunk| !chunk.is_empty()) {
            chunked.extend(format!("{:x}\r\n", chunk.len()).bytes());
            chunked.extend(chunk.iter().chain(b"\r\n"));
        }
        chunked.extend(b"0\r\n\r\n");
        for bytes in [[length.as_bytes(), &body].concat(), [close.as_bytes(), &body].concat(), chunked] {
            let outcome = parse(split(&bytes, &lengths), 1000);
            prop_assert_eq!(outcome, Ok((status, body.clone())));
        }
    }
}
