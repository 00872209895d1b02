//! Who is calling, and what they may do.
//!
//! A caller shows a bearer token. What is stored of it is its SHA-256, so the look-up is by hash
//! and takes the same time whatever the guess; the secret itself is seen once, when it is made.

pub mod authenticator;
pub mod principal;
pub mod token;

pub use authenticator::{Authenticator, Denied};
pub use principal::{Principal, Scope};
