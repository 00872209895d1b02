//! Expressions of Entra and Okta: none panics or overflows the stack, and each becomes one rule that the
//! document keeps, or is named with a reason and a remedy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rollcall_fuzz::import;

fuzz_target!(|text: &str| import(text));
