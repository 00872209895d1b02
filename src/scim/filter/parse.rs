//! Reading filters with nom.

use super::Filter;
use crate::scim::error::Error;

/// Reads a filter.
///
/// Besides the grammar, `emails[type eq "work"].value eq "x"` is read as
/// `emails[type eq "work" and value eq "x"]`, which is what its senders mean.
///
/// # Errors
/// `invalidFilter` with the position (in characters, from 1) and what was expected there.
pub fn parse(_text: &str) -> Result<Filter, Error> {
    todo!()
}
