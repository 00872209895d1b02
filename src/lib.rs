//! Rollcall: a SCIM 2.0 directory, and the bridge out of it.
//!
//! The rooms, in the order in which a reader may want them:
//!
//! - [`scim`]: the protocol, pure.
//! - [`store`]: durable state, in one of two databases.
//! - [`directory`]: what can be done to a person or a group, in one transaction each.
//! - [`auth`]: who is calling, and what they may do.
//! - [`http`]: the door.
//! - [`mapping`]: what an app should hold, pure.
//! - [`adapters`]: how to talk to an app.
//! - [`clock`], [`id`]: the only places that ask for time and randomness.
pub mod adapters;
pub mod auth;
pub mod clock;
pub mod directory;
pub mod http;
pub mod id;
pub mod mapping;
pub mod scim;
pub mod store;
