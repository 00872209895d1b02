//! Keeping apps equal to the directory, through a whole instance and over HTTP.

mod admin;
mod assigning;
pub mod bridge;
mod drafting;
mod failures;
mod following;
mod integrity;
mod ledger;
mod meddler;
mod syncing;
mod trouble;
mod wire;
