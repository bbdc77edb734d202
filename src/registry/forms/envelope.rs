//! Requests as contractors sign them for the national platform: form-urlencoded, one a line. A request whose signature does not match is not read.
//!
//! Time and nonce are signed and not remembered: the same request again says the same, and changes nothing.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{BufRead, Read as _},
};

use super::{
    FormsError, json,
    national::{EachMessage, MESSAGE_MAX, Message},
};
use crate::{intake::OpenSheet, security::national::NationalSecret};

/// Requests in one upload, at most.
const LINES_MAX: u32 = 400;
const FIELDS: [&str; 7] = [
    "appid",
    "data",
    "format",
    "method",
    "nonce",
    "timestamp",
    "version",
];

/// Calls `each` with the message of every request.
pub(super) fn messages(
    open: OpenSheet<'_>,
    secret: &NationalSecret,
    each: EachMessage<'_>,
) -> Result<(), FormsError> {
    let mut input = open()?;
    let mut number = 0;
    for line in 1.. {
        let mut request = Vec::new();
        let length = input
            .by_ref()
            .take(MESSAGE_MAX + 1)
            .read_until(b'\n', &mut request)?;
        if length == 0 {
            return Ok(());
        }
        if u64::try_from(length).unwrap_or(u64::MAX) > MESSAGE_MAX || number == LINES_MAX {
            return Err(FormsError::TooLarge);
        }
        let request = request.trim_ascii();
        if !request.is_empty() {
            number += 1;
            each(number, opened(request, secret, line)?)?;
        }
    }
    Ok(())
}

/// The message of a request that is signed as it should be.
fn opened(request: &[u8], secret: &NationalSecret, line: u32) -> Result<Message, FormsError> {
    let wrong = |what: &str| Err(FormsError::Unreadable(format!("line {line}: {what}")));
    let mut said: BTreeMap<Cow<'_, str>, Cow<'_, str>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(request) {
        if said.insert(name, value).is_some() {
            return wrong("a field comes twice in the request");
        }
    }
    let Some(sign) = said.remove("sign") else {
        return wrong("the request has no sign");
    };
    if said.len() != FIELDS.len() || !FIELDS.iter().all(|field| said.contains_key(*field)) {
        return wrong(
            "a request has appid, data, format, method, nonce, timestamp, version and sign, and nothing else",
        );
    }
    let fields = said
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    if !secret.has_signed(&fields, &sign) {
        return Err(FormsError::Unsigned { line });
    }
    if said["format"] != "json" || said["version"] != "1.0" {
        return wrong("only format=json and version=1.0 are read");
    }
    let data = serde_json::from_str(&said["data"]).map_err(|error| json::broken(&error))?;
    Ok(Message {
        method: said["method"].to_string(),
        data,
    })
}
