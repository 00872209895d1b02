//! A query over one resource type or several, paged by index or by cursor.

use super::{DEFAULT_COUNT, MAX_COUNT, Parameters, Sort, number};
use crate::scim::cursor::Bound;
use crate::scim::dialect::Reading;
use crate::scim::error::{Error, Fault};
use crate::scim::filter::{self, Condition, Field};
use crate::scim::schema::ResourceType;
use std::sync::Arc;

/// A query, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// What is asked of each resource type. Without sorting, the types follow each other in this
    /// order.
    pub parts: Vec<Part>,
    /// Whether the whole is sorted, and in which direction.
    pub sorted: Option<Direction>,
    /// Which page.
    pub page: Paging,
}

/// What is asked of one resource type.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The type.
    pub kind: Arc<ResourceType>,
    /// Which of its resources.
    pub condition: Condition,
    /// By what they are sorted; none where the query is not, or where the type has no such
    /// attribute, and so none of its resources has a value.
    pub field: Option<Field>,
}

/// `sortOrder`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The least first, and last what has no value.
    Ascending,
    /// The other way round.
    Descending,
}

/// Which page of a list.
#[derive(Debug, Clone, PartialEq)]
pub enum Paging {
    /// From the `start_index`th resource on (RFC 7644 §3.4.2.4).
    Index {
        /// 1-based.
        start_index: usize,
        /// Largest number of resources to return.
        count: usize,
    },
    /// From a place on (RFC 9865).
    Cursor {
        /// Largest number of resources to return.
        count: usize,
        /// The place; none for the first page.
        from: Option<Bound>,
    },
}

impl Search {
    /// A query of one resource type.
    ///
    /// # Errors
    /// `invalidFilter`; `invalidPath` (`sortBy`); `invalidValue` (numbers, `sortOrder`, `startIndex`
    /// with `cursor`); `invalidCount` for a `count` that does not go with a cursor.
    pub fn of_type(
        kind: &Arc<ResourceType>,
        parameters: &Parameters,
        reading: &Reading,
    ) -> Result<Self, Error> {
        let condition = match &parameters.filter {
            None => Condition::Always,
            Some(text) => filter::parse_as(text, reading)?.resolve_as(kind, reading)?,
        };
        let sort = Sort::parse(kind, parameters, reading)?;
        let sorted = sort.as_ref().map(Direction::of);
        let field = sort.map(|sort| sort.field);
        let part = Part { kind: Arc::clone(kind), condition, field };
        Ok(Self { parts: vec![part], sorted, page: Paging::parse(parameters)? })
    }

    /// A query of all resource types at once (RFC 7644 §3.4.2.1). An attribute that a type does
    /// not have has no value in it; one that no type has is refused.
    ///
    /// # Errors
    /// As [`Search::of_type`].
    pub fn of_all(
        kinds: &[Arc<ResourceType>],
        parameters: &Parameters,
        reading: &Reading,
    ) -> Result<Self, Error> {
        let conditions = match &parameters.filter {
            None => vec![Condition::Always; kinds.len()],
            Some(text) => {
                let each = kinds.iter().map(AsRef::as_ref);
                filter::parse_as(text, reading)?.resolve_each_as(each, reading)?
            }
        };
        let mut sorted = None;
        let mut unknown = None;
        let mut parts = Vec::with_capacity(kinds.len());
        for (kind, condition) in kinds.iter().zip(conditions) {
            let field = match Sort::parse(kind, parameters, reading) {
                Ok(None) => None,
                Ok(Some(sort)) => {
                    sorted = Some(Direction::of(&sort));
                    Some(sort.field)
                }
                Err(error) if matches!(*error.fault, Fault::SortBy { .. }) => {
                    unknown = Some(error);
                    None
                }
                Err(error) => return Err(error),
            };
            parts.push(Part { kind: Arc::clone(kind), condition, field });
        }
        match unknown {
            Some(error) if sorted.is_none() => Err(error),
            _ => Ok(Self { parts, sorted, page: Paging::parse(parameters)? }),
        }
    }

    /// Largest number of resources to return.
    pub const fn count(&self) -> usize {
        match self.page {
            Paging::Index { count, .. } | Paging::Cursor { count, .. } => count,
        }
    }

    /// The same query, from a place on.
    #[must_use]
    pub fn from(self, from: Bound) -> Self {
        Self { page: Paging::Cursor { count: self.count(), from: Some(from) }, ..self }
    }
}

impl Direction {
    fn of(sort: &Sort) -> Self {
        if sort.descending { Self::Descending } else { Self::Ascending }
    }
}

impl Paging {
    /// By cursor where the parameter is there, be it empty; else by index, which is the default for
    /// clients that know of nothing else (RFC 9865 §2.4).
    fn parse(parameters: &Parameters) -> Result<Self, Error> {
        let (start_index, count) = (&parameters.start_index, parameters.count.as_deref());
        if parameters.cursor.is_none() {
            let start_index = number("startIndex", start_index.as_deref())?.unwrap_or(1).max(1);
            let count = number("count", count)?.unwrap_or(DEFAULT_COUNT).min(MAX_COUNT);
            return Ok(Self::Index { start_index, count });
        }
        if start_index.is_some() {
            return Err(Fault::TwoPagings.into());
        }
        match number("count", count).map(|count| count.unwrap_or(DEFAULT_COUNT)) {
            Ok(count) if count <= MAX_COUNT => Ok(Self::Cursor { count, from: None }),
            _ => Err(Fault::PageCount { most: MAX_COUNT }.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::error::ScimType;
    use crate::scim::schema::Registry;
    use serde_json::{Value, json};

    fn parsed(parameters: Value) -> Result<Search, Error> {
        let parameters: Parameters = serde_json::from_value(parameters).unwrap();
        let registry = Registry::standard();
        Search::of_type(registry.named("User").unwrap(), &parameters, &Reading::default())
    }

    fn of_all(parameters: Value) -> Result<Search, Error> {
        let parameters: Parameters = serde_json::from_value(parameters).unwrap();
        let registry = Registry::standard();
        Search::of_all(&registry.resource_types, &parameters, &Reading::default())
    }

    #[test]
    fn a_cursor_chooses_the_way_of_paging() {
        for (parameters, page) in [
            (json!({}), Paging::Index { start_index: 1, count: 100 }),
            (
                json!({"startIndex": "0", "count": "5000"}),
                Paging::Index { start_index: 1, count: 1_000 },
            ),
            (json!({"cursor": ""}), Paging::Cursor { count: 100, from: None }),
            (json!({"cursor": "", "count": -1}), Paging::Cursor { count: 0, from: None }),
            (json!({"cursor": "", "count": 1000}), Paging::Cursor { count: 1_000, from: None }),
        ] {
            assert_eq!(parsed(parameters).unwrap().page, page);
        }
        for (parameters, keyword) in [
            (json!({"cursor": "", "startIndex": 1}), ScimType::InvalidValue),
            (json!({"cursor": "", "count": 1001}), ScimType::InvalidCount),
            (json!({"cursor": "", "count": "ten"}), ScimType::InvalidCount),
            (json!({"count": "ten"}), ScimType::InvalidValue),
        ] {
            assert_eq!(parsed(parameters).unwrap_err().scim_type(), Some(keyword));
        }
    }

    #[test]
    fn what_one_type_lacks_has_no_value_and_what_all_lack_is_refused() {
        let fields = |search: Search| {
            let key = |part: Part| part.field.map(|field| field.key);
            (search.sorted, search.parts.into_iter().map(key).collect::<Vec<_>>())
        };
        let search = of_all(json!({"sortBy": "userName", "sortOrder": "descending"})).unwrap();
        assert_eq!(
            fields(search),
            (Some(Direction::Descending), vec![Some("userName".into()), None])
        );
        assert_eq!(fields(of_all(json!({})).unwrap()), (None, vec![None, None]));
        let search = of_all(json!({"filter": "userName eq \"a\""})).unwrap();
        assert_eq!(search.parts[1].condition, Condition::Never);
        for (parameters, keyword) in [
            (json!({"sortBy": "shoeSize"}), ScimType::InvalidPath),
            (json!({"sortBy": "name"}), ScimType::InvalidPath),
            (json!({"sortBy": "userName", "sortOrder": "up"}), ScimType::InvalidValue),
            (json!({"filter": "shoeSize pr"}), ScimType::InvalidFilter),
        ] {
            assert_eq!(
                of_all(parameters.clone()).unwrap_err().scim_type(),
                Some(keyword),
                "{parameters}"
            );
        }
    }
}
