//! Any text is a filter or an error with a position; none crashes or takes long.
#![no_main]

use rollcall::scim::filter::parse::parse;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = parse(text);
});
