//! Fields of a text.
//!
//! For `targets/` alone: no part of the API, and nothing is promised of it.

/// The fields of `text`, with a `separator` between each two.
///
/// By one function wherever it is called: `split` brings its code anew for each closure that it is given.
pub fn fields(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    text.split(move |&byte| byte == separator)
}
