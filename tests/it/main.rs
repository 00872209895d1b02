//! The integration suite: one binary, every test on both databases.

mod outbound;
mod scim;
mod server;
mod store;
mod world;
