//! What an app should hold: field mappings, pure.
//!
//! A [`document::Document`] is what an administrator edits and what is stored; compiled against the
//! app's fields and the directory's schema it becomes a [`compiled::Mapping`], in which every kind of
//! rule is one intermediate form ([`form`]). [`compiled::Mapping::desired`] is the one function that
//! preview, impact, plan and worker call.

pub mod compiled;
pub mod difference;
pub mod document;
pub mod expression;
pub mod field;
pub mod form;
pub mod impact;
pub mod import;
pub mod preview;
pub mod record;
pub mod samples;
pub mod scope;
mod selector;
mod suggest;
mod template;
pub mod validation;
pub mod words;
