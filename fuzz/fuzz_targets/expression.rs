//! Expressions: no text panics or overflows the stack, every fault has a place and a sentence, every
//! evaluation ends within its budget, and nothing is looked at that the expression does not say it
//! reads.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rollcall_fuzz::{REGISTRY, expression, mutate};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::expression(data, size, max_size, seed)
});

fuzz_target!(|text: &str| {
    for kind in &REGISTRY.resource_types {
        expression(kind, text);
    }
});
