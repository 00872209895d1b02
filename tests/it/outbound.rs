//! Keeping apps equal to the directory, through a whole instance and over HTTP.

pub mod bridge;
mod failures;
mod following;
mod meddler;
mod syncing;
mod trouble;
