//! The store, on both databases.

mod assignments;
mod changes;
mod clients;
mod cursors;
mod filters;
mod jobs;
mod lists;
mod members;
mod opening;
mod plans;
mod references;
mod removals;
mod resources;
mod schema;
mod telling;
mod writing;
