//! Keeping apps equal to the directory, through a whole instance and over HTTP.

mod bridge;
mod failures;
mod following;
mod meddler;
mod syncing;
mod trouble;
