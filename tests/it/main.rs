//! The integration suite: one binary, every store test on both databases.

mod outbound;
mod store;
mod world;
