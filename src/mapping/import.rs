//! Mappings of other products, translated.
//!
//! An export is read leniently and translated strictly: every rule in it becomes a rule of a
//! [`Document`] that means the same, of the simplest kind that does, or is named in
//! [`Import::untranslated`] with the reason and what to do instead. None is dropped in silence, and
//! none is guessed. What comes out is a proposal: it still has to be compiled against the app and the
//! directory's schema, as any document.
//!
//! ```text
//! export ─ grammar ─▶ tree ─ functions, attributes ─▶ term ─ recipe ─▶ rule
//! ```

mod draft;
mod entra;
mod okta;
mod recipe;
mod target;
mod term;
mod tree;

use super::document::Document;
use super::field::AppSchema;
use serde::Serialize;
use serde_json::Value;

/// A mapping of another product, as far as it could be translated.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Import {
    /// What could be translated.
    pub document: Document,
    /// What could not, and what differs in a rule that could, in the order of the export.
    pub untranslated: Vec<Untranslated>,
}

/// A rule that was left out, or a difference of one that was translated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Untranslated {
    /// `users/` or `groups/`, and the field as the other product calls it; without a field where it
    /// is about the whole.
    pub field: String,
    /// The source as written there.
    pub source: String,
    /// Why, in one sentence.
    pub detail: String,
    /// What to do instead.
    pub remedy: String,
}

/// Translates what Microsoft Entra exports: a synchronization schema or template (Microsoft Graph),
/// one of its object mappings, or a list of attribute mappings.
///
/// As in Entra, a field is left as it is when its source becomes empty. Entra gives a default value only
/// when it makes an account; here it follows the profile at any time, which is noted. Which fields an
/// existing account is found by is not part of a mapping.
///
/// # Errors
/// A sentence with its remedy, where it is no such export at all.
pub fn entra(exported: &Value, app: &AppSchema) -> Result<Import, String> {
    entra::import(exported, app)
}

/// Translates an Okta profile mapping (`GET /api/v1/mappings/{id}`) from Okta's user to the app's.
///
/// # Errors
/// A sentence with its remedy, where it is no such mapping at all.
pub fn okta(exported: &Value, app: &AppSchema) -> Result<Import, String> {
    okta::import(exported, app)
}

#[cfg(test)]
mod tests;
