//! Cursors, as they are when their seal is open: nothing panics, what is read is written so, and
//! turning a page round twice leaves it as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rollcall_fuzz::is_told;
use rollcall_fuzz::scim::cursor::{Bound, Cursor};
use rollcall_fuzz::scim::error::ScimType;

fuzz_target!(|bytes: &[u8]| {
    let Some(cursor) = Cursor::decode(bytes) else { return };
    assert_eq!(cursor.encode(), bytes);

    let turned = cursor.from.turned();
    assert_ne!(turned, cursor.from);
    assert_eq!(turned.turned(), cursor.from);
    let other = Cursor { from: Bound { ..turned }, ..cursor.clone() };
    assert_eq!(Cursor::decode(&other.encode()), Some(other));

    let count = usize::from(cursor.count);
    assert_eq!(cursor.check(count, cursor.issued_us), Ok(()));
    for (count, now_us, keyword) in [
        (count + 1, cursor.issued_us, Some(ScimType::InvalidCount)),
        (count, i64::MAX, None),
        (count, i64::MIN, None),
    ] {
        if let Err(error) = cursor.check(count, now_us) {
            is_told(&error);
            assert_eq!(error.scim_type(), keyword.or(Some(ScimType::ExpiredCursor)));
        } else {
            assert_eq!(keyword, None);
        }
    }
});
