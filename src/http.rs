//! The door: the only room that knows Actix.
//!
//! [`instance`] puts the rooms together and [`server`] the routes, [`trace`] writes one line a request, [`extract`] reads what
//! every request has, and [`error`] turns failures into answers, in one place. [`scim`] is for identity
//! providers, [`api`] for administrators, [`console`] for people, [`ops`] for machines that watch.

pub mod api;
pub mod console;
pub mod error;
pub mod extract;
pub mod instance;
pub mod ops;
pub mod scim;
pub mod server;
pub mod trace;
