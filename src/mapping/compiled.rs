//! A mapping checked against an app's fields and the directory's schema.

use super::document::Document;
use super::field::{AppSchema, Kind};
use super::record::Desired;
use crate::scim::schema::Registry;
use serde_json::{Map, Value};

/// What is wrong with a mapping: which rule, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// `users` or `groups`, then the app field: `users/Last_Name`.
    pub field: String,
    /// One sentence: what is wrong and what to do.
    pub detail: String,
}

/// A mapping that can be applied.
#[derive(Debug, Clone)]
pub struct Mapping {
    // filled in by the implementation: compiled rules per kind
}

impl Mapping {
    /// Compiles a document. Every problem is reported, not the first: unknown or doubled app field,
    /// unknown profile path (with the nearest known one), a constant or table value of the wrong
    /// type or length or not among the choices, half a dependent group, create-only field applied
    /// always. A mandatory field left unmapped is no problem: see [`Mapping::unmapped_mandatory`].
    pub fn compile(
        _document: &Document,
        _app: &AppSchema,
        _directory: &Registry,
    ) -> Result<Self, Vec<Problem>> {
        todo!()
    }

    /// What the app should hold for a complete SCIM resource (with `id`, `meta`, `groups`).
    pub fn desired(&self, _kind: Kind, _resource: &Map<String, Value>) -> Desired {
        todo!()
    }

    /// Mandatory fields of the app that no rule gives a value.
    pub fn unmapped_mandatory(&self, _kind: Kind) -> Vec<String> {
        todo!()
    }
}
