//! The protocol: SCIM 2.0 (RFC 7643, RFC 7644) as a library.
//!
//! Pure: no HTTP, no database, no clock. Everything here is a function of its arguments.

pub mod bulk;
pub mod cursor;
pub mod dialect;
pub mod discovery;
pub mod error;
pub mod filter;
pub mod json;
pub mod list;
pub mod patch;
pub mod path;
pub mod projection;
pub mod resource;
pub mod schema;
pub mod urn;
pub mod value;
