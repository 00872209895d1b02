//! Page cursors (RFC 9865): what is in one, before it is sealed.
//!
//! A cursor holds the place between two resources where a page begins, not a number of resources to
//! skip. So what is added or deleted while somebody pages neither repeats nor hides anything else.
//! Nothing is kept on the server for it: whoever seals the bytes with the [`context`] of the query
//! can open them again only for the same query of the same client.

use super::error::{Error, Fault};
use super::list::Parameters;
use uuid::Uuid;

/// How long a cursor is good for, in seconds; `pagination.cursorTimeout` of ServiceProviderConfig.
pub const TIMEOUT_SECONDS: u32 = 3_600;

const VERSION: u8 = 1;
const MICROSECONDS: i64 = 1_000_000;

/// A page that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// When it was given.
    pub issued_us: i64,
    /// The `count` of its query.
    pub count: u16,
    /// How many resources met the query when its first page was asked for.
    pub total: u64,
    /// Where the page begins.
    pub from: Bound,
}

/// Where a page begins, and in which direction it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The resource before it (after it, where it lies backward).
    pub position: Position,
    /// Whether the page lies before the position.
    pub backward: bool,
    /// Whether the resource at the position is itself part of the page.
    pub inclusive: bool,
}

/// A resource's place in the order of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Name of its resource type.
    pub kind: String,
    /// By what the list is sorted.
    pub key: Key,
    /// Its id, which orders what is otherwise equal.
    pub id: Uuid,
}

/// The value that a list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The list is not sorted, or by the id.
    Unsorted,
    /// In the encoding of [`super::value::sort_key`].
    Text(String),
    /// Microseconds.
    Number(i64),
    /// The resource has no value.
    Absent,
}

impl Cursor {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let Self { issued_us, count, total, from } = self;
        let Bound { position: Position { kind, key, id }, backward, inclusive } = from;
        let tag = match key {
            Key::Unsorted => 0,
            Key::Text(_) => 1,
            Key::Number(_) => 2,
            Key::Absent => 3,
        };
        let mut bytes = vec![VERSION, tag << 2 | u8::from(*inclusive) << 1 | u8::from(*backward)];
        bytes.extend(issued_us.to_be_bytes());
        bytes.extend(count.to_be_bytes());
        bytes.extend(total.to_be_bytes());
        bytes.extend(id.as_bytes());
        bytes.extend(u16::try_from(kind.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend(kind.as_bytes());
        match key {
            Key::Unsorted | Key::Absent => {}
            Key::Text(text) => bytes.extend(text.as_bytes()),
            Key::Number(number) => bytes.extend(number.to_be_bytes()),
        }
        bytes
    }

    /// Reads what [`Cursor::encode`] wrote; none for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let [version, flags] = take(&mut rest)?;
        if version != VERSION || flags >> 4 != 0 {
            return None;
        }
        let issued_us = i64::from_be_bytes(take(&mut rest)?);
        let count = u16::from_be_bytes(take(&mut rest)?);
        let total = u64::from_be_bytes(take(&mut rest)?);
        let id = Uuid::from_bytes(take(&mut rest)?);
        let length = usize::from(u16::from_be_bytes(take(&mut rest)?));
        let (kind, rest) = rest.split_at_checked(length)?;
        let key = match (flags >> 2, rest) {
            (0, []) => Key::Unsorted,
            (1, text) => Key::Text(std::str::from_utf8(text).ok()?.to_owned()),
            (2, number) => Key::Number(i64::from_be_bytes(number.try_into().ok()?)),
            (3, []) => Key::Absent,
            _ => return None,
        };
        let kind = std::str::from_utf8(kind).ok()?.to_owned();
        let position = Position { kind, key, id };
        let (backward, inclusive) = (flags & 1 != 0, flags & 2 != 0);
        Some(Self { issued_us, count, total, from: Bound { position, backward, inclusive } })
    }

    /// Whether the page may be asked for now, and with this `count`.
    ///
    /// # Errors
    /// `expiredCursor`, `invalidCount` (RFC 9865 §2.1).
    pub fn check(&self, count: usize, now_us: i64) -> Result<(), Error> {
        let age_us = now_us.saturating_sub(self.issued_us);
        if age_us > i64::from(TIMEOUT_SECONDS) * MICROSECONDS {
            return Err(Fault::ExpiredCursor { seconds: TIMEOUT_SECONDS }.into());
        }
        if count != usize::from(self.count) {
            return Err(Fault::CursorCount { count: self.count }.into());
        }
        Ok(())
    }
}

impl Bound {
    /// The page that ends where this one begins.
    #[must_use]
    pub fn turned(&self) -> Self {
        let Self { position, backward, inclusive } = self;
        Self { position: position.clone(), backward: !backward, inclusive: !inclusive }
    }
}

/// What a cursor is bound to, beside what is in it: whose it is, and the query but for the page
/// (RFC 9865 §2: all parameters identical to those of the first request).
pub fn context(organization: i64, actor: &str, endpoint: &str, parameters: &Parameters) -> Vec<u8> {
    let Parameters {
        filter,
        sort_by,
        sort_order,
        attributes,
        excluded_attributes,
        start_index: _,
        count: _,
        cursor: _,
    } = parameters;
    let mut context = b"cursor".to_vec();
    context.extend(organization.to_be_bytes());
    let parts = [filter, sort_by, sort_order, attributes, excluded_attributes];
    let parts = parts.into_iter().map(|part| part.as_deref());
    for part in [Some(actor), Some(endpoint)].into_iter().chain(parts) {
        // The length keeps apart what would run together, and absence from emptiness.
        let length = part.map_or(u64::MAX, |part| u64::try_from(part.len()).unwrap_or(u64::MAX));
        context.extend(length.to_be_bytes());
        context.extend(part.unwrap_or_default().as_bytes());
    }
    context
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_at_checked(N)?;
    *rest = left;
    taken.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::error::ScimType;
    use proptest::prelude::*;

    fn keys() -> impl Strategy<Value = Key> {
        prop_oneof![
            Just(Key::Unsorted),
            Just(Key::Absent),
            any::<String>().prop_map(Key::Text),
            any::<i64>().prop_map(Key::Number),
        ]
    }

    fn cursors() -> impl Strategy<Value = Cursor> {
        let from = (any::<String>(), keys(), any::<u128>(), any::<bool>(), any::<bool>());
        (any::<i64>(), any::<u16>(), any::<u64>(), from).prop_map(
            |(issued_us, count, total, (kind, key, id, backward, inclusive))| {
                let position = Position { kind, key, id: Uuid::from_u128(id) };
                Cursor { issued_us, count, total, from: Bound { position, backward, inclusive } }
            },
        )
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(cursor in cursors()) {
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }

        #[test]
        fn what_is_read_is_written_so(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(cursor) = Cursor::decode(&bytes) {
                prop_assert_eq!(cursor.encode(), bytes);
            }
        }

        #[test]
        fn a_cut_cursor_is_none_or_has_a_shorter_text(cursor in cursors(), at in 0_usize..40) {
            let bytes = cursor.encode();
            if let Some(read) = bytes.get(..at).and_then(Cursor::decode) {
                prop_assert!(matches!(read.from.position.key, Key::Text(_)) || at == bytes.len());
            }
        }
    }

    #[test]
    fn a_cursor_has_its_count_and_its_time() {
        let position = Position { kind: "User".into(), key: Key::Unsorted, id: Uuid::nil() };
        let from = Bound { position, backward: false, inclusive: false };
        let cursor = Cursor { issued_us: 1_000, count: 10, total: 3, from };
        let hour = i64::from(TIMEOUT_SECONDS) * MICROSECONDS;
        assert_eq!(cursor.check(10, 1_000 + hour), Ok(()));
        assert_eq!(cursor.check(10, 0), Ok(()), "clocks differ");
        let keyword = |count, now_us| cursor.check(count, now_us).unwrap_err().scim_type();
        assert_eq!(keyword(10, 1_001 + hour), Some(ScimType::ExpiredCursor));
        assert_eq!(keyword(11, 1_000), Some(ScimType::InvalidCount));
    }

    #[test]
    fn the_context_tells_queries_apart() {
        let query = |filter: Option<&str>, by: Option<&str>, count: &str| Parameters {
            filter: filter.map(Into::into),
            sort_by: by.map(Into::into),
            count: Some(count.into()),
            ..Parameters::default()
        };
        let of =
            |organization, actor, endpoint, query| context(organization, actor, endpoint, &query);
        let all = [
            of(1, "client:a", "/Users", query(None, None, "1")),
            of(2, "client:a", "/Users", query(None, None, "1")),
            of(1, "client:b", "/Users", query(None, None, "1")),
            of(1, "client:a", "/Groups", query(None, None, "1")),
            of(1, "client:a", "/Users", query(Some(""), None, "1")),
            of(1, "client:a", "/Users", query(Some("a"), None, "1")),
            of(1, "client:a", "/Users", query(None, Some("a"), "1")),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one), "{at}");
        }
        assert_eq!(all[0], of(1, "client:a", "/Users", query(None, None, "2")));
    }
}
