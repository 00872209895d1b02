//! What an app should hold: field mappings, pure.
//!
//! A [`document::Document`] is what an administrator edits and what is stored; compiled against the
//! app's fields and the directory's schema it becomes a [`compiled::Mapping`], and
//! [`compiled::Mapping::desired`] is the one function that preview, plan and worker call.

pub mod compiled;
pub mod document;
pub mod field;
pub mod preview;
pub mod record;
