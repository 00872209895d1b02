//! The integration suite: one binary, every store test on both databases.

mod store;
mod world;
