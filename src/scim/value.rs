//! Values: type checks, case folding and the order-preserving text of indexes and comparisons.

use super::schema::Attribute;
use serde_json::Value;

/// Text whose byte order is the value's order, folded where case does not matter.
///
/// Strings: NFC, lower-cased when `case_exact` is false. Booleans: `false`, `true`. Dates:
/// fixed-width UTC with nanoseconds. Numbers: fixed-width, so that byte order is numeric order.
/// None where the value is not of the attribute's type.
pub fn sort_key(_attribute: &Attribute, _value: &Value) -> Option<String> {
    todo!()
}

/// Folds text for comparison without case: PRECIS-like (RFC 8265 UsernameCaseMapped for what it
/// can be here): NFKC width mapping, lower case, NFC.
pub fn fold(_text: &str) -> String {
    todo!()
}
