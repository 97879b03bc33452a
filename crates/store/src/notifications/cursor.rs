//! Where a page of messages starts.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kassa_domain::MessageId;
use time::OffsetDateTime;

use super::{Channel, LISTED_AS};
use crate::dynamodb::item::{self, Item};
use crate::error::StoreError;

/// A place in a list of messages, right after one. Its text form is opaque: callers hand back what they were given.
///
/// It holds the sort key of the index, so it stays valid when messages come or go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    listed_as: String,
}

/// A text that was never handed out as a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: use the one that came with the page before, unchanged")]
pub struct InvalidCursor;

/// Nanoseconds since 1970 with leading zeros, so that texts sort as numbers do; 19 digits last until the year 2286.
const DIGITS: usize = 19;

impl Cursor {
    pub(super) fn new(at: OffsetDateTime, message: &MessageId, channel: Channel) -> Self {
        Self { listed_as: format!("{:0DIGITS$}#{message}#{}", at.unix_timestamp_nanos(), channel.as_str()) }
    }

    pub(super) fn read(row: &Item) -> Result<Self, StoreError> {
        let listed_as = item::read_text(row, LISTED_AS)?;
        Self::parse(listed_as)
            .ok_or_else(|| StoreError::corrupt(format!("attribute `{LISTED_AS}` has an unknown form")))
    }

    pub(super) fn listed_as(&self) -> &str {
        &self.listed_as
    }

    fn parse(listed_as: &str) -> Option<Self> {
        let (at, key) = listed_as.split_once('#')?;
        let (message, channel) = key.split_once('#')?;
        let is_time = at.len() == DIGITS && at.bytes().all(|byte| byte.is_ascii_digit());
        let is_key = message.parse::<MessageId>().is_ok() && Channel::parse(channel).is_some();
        (is_time && is_key).then(|| Self { listed_as: listed_as.to_owned() })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(&self.listed_as))
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let listed_as = std::str::from_utf8(&bytes).map_err(|_| InvalidCursor)?;
        Self::parse(listed_as).ok_or(InvalidCursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_form() {
        let cursor = Cursor::new(OffsetDateTime::UNIX_EPOCH, &"msg_a-1".parse().expect("an id"), Channel::Sms);
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn anything_else_is_no_cursor() {
        let made_up = |listed_as: &str| URL_SAFE_NO_PAD.encode(listed_as);
        for text in [
            String::new(),
            "%%%".to_owned(),
            made_up("0000000000000000000#msg_a"),
            made_up("0000000000000000000#msg_a#fax"),
            made_up("0000000000000000000#ord_a#sms"),
            made_up("1#msg_a#sms"),
            made_up("-000000000000000001#msg_a#sms"),
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text}");
        }
    }
}
