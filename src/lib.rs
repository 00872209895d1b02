//! Rollcall: a SCIM 2.0 directory, and the bridge out of it.
//!
//! The rooms, in the order in which a reader may want them:
//!
//! - [`scim`]: the protocol, pure.
//! - [`clock`], [`id`]: the only places that ask for time and randomness.
pub mod adapters;
pub mod clock;
pub mod config;
pub mod id;
pub mod mapping;
pub mod outbound;
pub mod scim;
pub mod store;
pub mod telemetry;
pub mod vault;
