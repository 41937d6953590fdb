//! IP addresses with a port, without the 1.1 KB of code that `str::parse` brings along.

use core::net::{IpAddr, SocketAddr};

use crate::decimal;
use crate::fields::fields;

/// `127.0.0.1:48484` or `[fd00::1]:48484`; the latter without a zone and without a part in decimals, and not `::`.
pub(crate) fn parse(text: &[u8]) -> Option<SocketAddr> {
    let colon = text.iter().rposition(|&byte| byte == b':')?;
    let (ip, port) = text.split_at_checked(colon)?;
    let ip = match ip {
        [b'[', ip @ .., b']'] => IpAddr::from(parse_v6(ip)?),
        ip => IpAddr::from(parse_v4(ip)?),
    };
    let port = decimal::parse(port.get(1..)?)?;
    Some(SocketAddr::new(ip, port.try_into().ok()?))
}

fn parse_v4(text: &[u8]) -> Option<[u8; 4]> {
    let mut parts = fields(text, b'.');
    let mut octets = [0; 4];
    for octet in &mut octets {
        *octet = decimal::parse(parts.next()?)?.try_into().ok()?;
    }
    parts.next().is_none().then_some(octets)
}

fn parse_v6(text: &[u8]) -> Option<[u16; 8]> {
    // With one colon less at the ends, `::` is one empty part wherever it is.
    let text = match text {
        [b':', b':', ..] => text.get(1..)?,
        [rest @ .., b':'] if rest.ends_with(b":") => rest,
        [] | [b':', ..] | [.., b':'] => return None,
        text => text,
    };
    let colons = text.iter().filter(|&&byte| byte == b':').count();
    let mut zeros = 8_usize.checked_sub(colons)?;
    let mut groups = [0; 8];
    let mut places = groups.iter_mut();
    for part in fields(text, b':') {
        if part.is_empty() {
            // As many zeros as there are groups missing, once.
            places.nth(zeros.checked_sub(1)?)?;
            zeros = 0;
        } else {
            *places.next()? = parse_group(part)?;
        }
    }
    places.next().is_none().then_some(groups)
}

fn parse_group(digits: &[u8]) -> Option<u16> {
    if digits.len() > 4 {
        return None;
    }
    digits.iter().try_fold(0, |group, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(group << 4 | digit as u16)
    })
}
