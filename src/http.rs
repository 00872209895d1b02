//! The door: the only room that knows Actix.
//!
//! [`server`] puts the routes together, [`trace`] writes one line a request, [`extract`] reads what
//! every request has, and [`error`] turns failures into answers, in one place.

pub mod error;
pub mod extract;
pub mod scim;
pub mod server;
pub mod trace;
