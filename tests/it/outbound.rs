//! Keeping apps equal to the directory, through a whole instance and over HTTP.

mod admin;
mod assigning;
pub mod bridge;
mod complaints;
mod drafting;
mod failures;
mod following;
mod guarding;
mod meddler;
mod syncing;
mod trouble;
mod wire;
