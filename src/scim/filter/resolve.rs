//! From syntax to meaning.

use super::{Condition, Filter};
use crate::scim::error::Error;
use crate::scim::schema::ResourceType;

impl Filter {
    /// Checks the filter against a resource type.
    ///
    /// # Errors
    /// `invalidFilter` naming the attribute that is unknown, or the comparison that makes no sense
    /// (order of booleans and binaries, `co` on a number, a literal of the wrong type).
    pub fn resolve(&self, _kind: &ResourceType) -> Result<Condition, Error> {
        todo!()
    }
}
