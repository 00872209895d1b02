//! The integration suite: one binary, every test on both databases.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::redundant_closure_for_method_calls,
    clippy::similar_names,
    clippy::many_single_char_names,
    reason = "a test that panics has found something; methods of views are too narrow for closures"
)]

mod outbound;
mod pages;
mod scim;
mod server;
mod store;
mod world;
