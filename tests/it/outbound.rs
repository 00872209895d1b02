//! Keeping apps equal to the directory, through a whole instance and over HTTP.

mod admin;
mod assigning;
pub mod bridge;
mod complaints;
mod downstream;
mod drafting;
mod failures;
mod following;
mod lifecycle;
mod linking;
mod meddler;
mod provisioning;
mod syncing;
mod trouble;
mod wire;
