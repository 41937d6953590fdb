//! The JSON of the Supervisor's answers: serde-json-core's side.

use core::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::ApiError;

/// How deep the values of an answer may be nested; the Supervisor's are two deep.
const DEEPEST: u32 = 32;

/// What is of interest in any answer: by one type, since each brings a parser of its own.
#[derive(Default)]
pub(crate) struct Json<'a> {
    pub(crate) version: Option<&'a str>,
    pub(crate) update_pending: Option<bool>,
    pub(crate) update_downloaded: Option<bool>,
    pub(crate) update_failed: Option<bool>,
    pub(crate) status: Option<&'a str>,
}

impl<'a> Json<'a> {
    #[inline(never)] // so that a look at the program tells serde-json-core's assertions from ours
    pub(crate) fn parse(json: &'a [u8]) -> Result<Self, ApiError> {
        if !is_shallow(json) {
            return Err(ApiError::NotUnderstood);
        }
        match serde_json_core::from_slice(json) {
            Ok((json, _)) => Ok(json),
            Err(_) => Err(ApiError::NotUnderstood),
        }
    }
}

/// Whether no more than a few values are nested, since each takes a call of the parser's: a buffer full of brackets must not
/// take the stack. Brackets in strings count too.
fn is_shallow(json: &[u8]) -> bool {
    let mut depth = 0_u32;
    json.iter().all(|byte| {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth <= DEEPEST
    })
}

/// By hand, since what is derived takes 1 KB more.
impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json<'de>, A::Error> {
        let mut json = Json::default();
        while let Some(name) = members.next_key()? {
            let flag = match name {
                "update_pending" => &mut json.update_pending,
                "update_downloaded" => &mut json.update_downloaded,
                "update_failed" => &mut json.update_failed,
                "version" | "status" => {
                    let text = members.next_value()?;
                    if name == "version" {
                        json.version = text;
                    } else {
                        json.status = text;
                    }
                    continue;
                }
                _ => {
                    let _: IgnoredAny = members.next_value()?;
                    continue;
                }
            };
            *flag = members.next_value()?;
        }
        Ok(json)
    }
}
