//! Pages of lists, and ids in queries.

use super::problem::Problem;
use serde::Deserialize;
use std::str::FromStr;
use utoipa::IntoParams;

/// Items on one page.
pub(super) const PAGE: i64 = 100;

/// Which page of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// `next` of the page before.
    #[param(format = "uuid")]
    pub(super) after: Option<String>,
}

/// Whether a page has as many items as one can have, so that there may be another.
pub(super) fn is_full(length: usize) -> bool {
    i64::try_from(length).unwrap_or(i64::MAX) >= PAGE
}

/// An id, where one is given.
///
/// # Errors
/// 400 that names the field.
pub(super) fn parsed<T: FromStr>(field: &str, text: Option<String>) -> Result<Option<T>, Problem> {
    text.map(|text| {
        text.parse().map_err(|_bad| Problem::field(field, format!("{text:?} is not an id")))
    })
    .transpose()
}
