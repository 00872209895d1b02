//! Keeping apps equal to the directory, through a whole instance and over HTTP.

mod admin;
mod assigning;
mod beside;
pub mod bridge;
mod budget;
mod complaints;
mod crowding;
mod downstream;
mod drafting;
mod drifting;
mod failures;
mod following;
mod guarding;
mod integrity;
mod leaving;
mod ledger;
mod lifecycle;
mod linking;
mod meddler;
mod nesting;
mod provisioning;
mod roster;
mod running;
mod syncing;
mod trouble;
mod wire;
