//! Keeping apps equal to the directory, through a whole instance and over HTTP.

mod admin;
mod assigning;
pub mod bridge;
mod budget;
mod complaints;
mod drafting;
mod drifting;
mod failures;
mod following;
mod leaving;
mod ledger;
mod meddler;
mod nesting;
mod roster;
mod running;
mod syncing;
mod trouble;
mod wire;
