//! Lists (RFC 7644 §3.4.2): query parameters, sorting and the `ListResponse`.

mod search;

pub use search::{Direction, Paging, Part, Search};

use super::dialect::{Leniency, Reading};
use super::error::{Error, Fault};
use super::filter::{Condition, Field};
use super::path;
use super::schema::{ResourceType, Returned};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// URN of the list message.
pub const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// Page size when the client names none.
pub const DEFAULT_COUNT: usize = 100;
/// Largest page; `filter.maxResults` of ServiceProviderConfig.
pub const MAX_COUNT: usize = 1_000;

/// Largest number that every client's JSON can read back.
const FARTHEST: usize = i32::MAX as usize;

/// One page by number of one resource type's resources.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Who is asked for.
    pub condition: Condition,
    /// In which order; none is the order of creation.
    pub sort: Option<Sort>,
    /// 1-based.
    pub start_index: usize,
    /// Largest number of resources to return.
    pub count: usize,
}

/// `sortBy` and `sortOrder`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sort {
    /// By what.
    pub field: Field,
    /// `descending`.
    pub descending: bool,
}

/// Query parameters of a list as sent, or the members of a `SearchRequest`, whose numbers may be
/// JSON numbers and whose attributes are arrays.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Parameters {
    /// `filter`
    #[serde(deserialize_with = "text")]
    pub filter: Option<String>,
    /// `sortBy`
    #[serde(deserialize_with = "text")]
    pub sort_by: Option<String>,
    /// `sortOrder`
    #[serde(deserialize_with = "text")]
    pub sort_order: Option<String>,
    /// `startIndex`
    #[serde(deserialize_with = "text")]
    pub start_index: Option<String>,
    /// `count`
    #[serde(deserialize_with = "text")]
    pub count: Option<String>,
    /// `attributes`
    #[serde(deserialize_with = "text")]
    pub attributes: Option<String>,
    /// `excludedAttributes`
    #[serde(deserialize_with = "text")]
    pub excluded_attributes: Option<String>,
    /// `cursor` (RFC 9865 §2)
    #[serde(deserialize_with = "text")]
    pub cursor: Option<String>,
}

impl Sort {
    fn parse(
        kind: &ResourceType,
        parameters: &Parameters,
        reading: &Reading,
    ) -> Result<Option<Self>, Error> {
        let descending = match parameters.sort_order.as_deref().map(str::trim) {
            None | Some("ascending") => false,
            Some("descending") => true,
            Some(order) => {
                let descending = order.eq_ignore_ascii_case("descending");
                if !(descending || order.eq_ignore_ascii_case("ascending"))
                    || !reading.forgives(Leniency::KeywordCase)
                {
                    return Err(Fault::SortOrder.into());
                }
                descending
            }
        };
        let Some(by) = &parameters.sort_by else { return Ok(None) };
        let path = path::attribute(by.trim())?;
        let place = path
            .place(kind, reading)
            .filter(|place| {
                ![place.attribute.returned, place.leaf().returned].contains(&Returned::Never)
            })
            .ok_or_else(|| Fault::SortBy { path: path.to_string() })?;
        let field = Field::compared(&place)
            .ok_or_else(|| Fault::SortByComplex { path: path.to_string() })?;
        Ok(Some(Self { field, descending }))
    }
}

/// A whole number; below zero is zero, and more than a machine can count is the most it can.
fn number(name: &'static str, text: Option<&str>) -> Result<Option<usize>, Error> {
    let Some(text) = text.map(str::trim) else { return Ok(None) };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Fault::NotANumber { name }.into());
    }
    Ok(Some(if negative { 0 } else { digits.parse().unwrap_or(FARTHEST).min(FARTHEST) }))
}

/// Text, a number as text, or an array of text joined by commas.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a string, a number or an array of strings")]
    enum Text {
        One(String),
        Number(serde_json::Number),
        Many(Vec<String>),
    }
    Ok(Option::<Text>::deserialize(deserializer)?.map(|text| match text {
        Text::One(text) => text,
        Text::Number(number) => number.to_string(),
        Text::Many(texts) => texts.join(","),
    }))
}

/// What a `ListResponse` says beside its resources.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// `totalResults`
    pub total: u64,
    /// `startIndex`, of a page by number.
    pub start_index: Option<usize>,
    /// `itemsPerPage`
    pub count: usize,
    /// `previousCursor` (RFC 9865 §2)
    pub previous: Option<String>,
    /// `nextCursor`
    pub next: Option<String>,
}

/// What ends a `ListResponse` after its resources.
pub const CLOSING: &str = "]}";

impl Head {
    /// The text of a `ListResponse` up to the first of its resources.
    pub fn opening(self) -> String {
        let mut text = self.members().to_string();
        text.pop();
        text.push_str(",\"Resources\":[");
        text
    }

    fn members(self) -> Value {
        let mut list = Map::new();
        list.insert("schemas".to_owned(), Value::Array(vec![LIST_SCHEMA.into()]));
        list.insert("totalResults".to_owned(), self.total.into());
        list.extend(self.start_index.map(|index| ("startIndex".to_owned(), index.into())));
        list.insert("itemsPerPage".to_owned(), self.count.into());
        for (name, cursor) in [("previousCursor", self.previous), ("nextCursor", self.next)] {
            list.extend(cursor.map(|cursor| (name.to_owned(), cursor.into())));
        }
        Value::Object(list)
    }
}

/// A `ListResponse`. `Resources` is there even when it is empty: some clients insist on it.
pub fn response(total: usize, start_index: usize, resources: Vec<Value>) -> Value {
    let mut list = Map::new();
    list.insert("schemas".to_owned(), Value::Array(vec![LIST_SCHEMA.into()]));
    list.insert("totalResults".to_owned(), total.into());
    list.insert("startIndex".to_owned(), start_index.into());
    list.insert("itemsPerPage".to_owned(), resources.len().into());
    list.insert("Resources".to_owned(), Value::Array(resources));
    Value::Object(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::error::ScimType;
    use crate::scim::schema::{Registry, Type};
    use serde_json::json;

    fn parsed(parameters: Value) -> Result<Search, Error> {
        let registry = Registry::standard();
        let parameters: Parameters = serde_json::from_value(parameters).unwrap();
        Search::of_type(registry.named("User").unwrap(), &parameters, &Reading::default())
    }

    #[test]
    fn pages_have_bounds() {
        for (parameters, start_index, count) in [
            (json!({}), 1, DEFAULT_COUNT),
            (json!({ "startIndex": "11", "count": "10" }), 11, 10),
            (json!({ "startIndex": 11, "count": 10 }), 11, 10),
            (json!({ "startIndex": "0", "count": "0" }), 1, 0),
            (json!({ "startIndex": "-5", "count": "-1" }), 1, 0),
            (json!({ "count": "1000000" }), 1, MAX_COUNT),
            (json!({ "startIndex": "99999999999999999999999" }), FARTHEST, DEFAULT_COUNT),
        ] {
            let search = parsed(parameters.clone()).unwrap();
            assert_eq!(search.page, Paging::Index { start_index, count }, "{parameters}");
            assert_eq!((&search.parts[0].condition, search.sorted), (&Condition::Always, None));
            assert_eq!(search.parts[0].field, None);
        }
        for (name, text) in
            [("count", "abc"), ("count", ""), ("startIndex", "1.5"), ("startIndex", "-")]
        {
            let error = parsed(json!({ (name): text })).unwrap_err();
            assert_eq!(error.scim_type(), Some(ScimType::InvalidValue));
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn sorting_takes_paths() {
        let sorted = |by: &str, order: Option<&str>| {
            parsed(json!({ "sortBy": by, "sortOrder": order })).map(|mut search| {
                let field = search.parts.remove(0).field.unwrap();
                (field.key, field.kind, search.sorted == Some(Direction::Descending))
            })
        };
        for (by, order, expected) in [
            ("userName", None, ("userName", Type::String, false)),
            ("NAME.familyName", Some("Descending"), ("name.familyName", Type::String, true)),
            ("emails", Some("ascending"), ("emails.value", Type::String, false)),
            ("meta.created", None, ("meta.created", Type::DateTime, false)),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division",
                None,
                (
                    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division",
                    Type::String,
                    false,
                ),
            ),
        ] {
            let (key, kind, descending) = sorted(by, order).unwrap();
            assert_eq!((key.as_str(), kind, descending), expected);
        }
        for by in ["shoeSize", "name", "password", "emails[type pr]", ""] {
            let error = sorted(by, None).unwrap_err();
            assert_eq!(error.scim_type(), Some(ScimType::InvalidPath), "{by}");
        }
        let error = parsed(json!({ "sortOrder": "up" })).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidValue));
    }

    #[test]
    fn a_filter_is_read_and_an_empty_one_refused() {
        let search = parsed(json!({ "filter": "title pr" })).unwrap();
        assert!(matches!(search.parts[0].condition, Condition::Present(_)));
        for text in ["", " ", "title", "shoeSize pr"] {
            let error = parsed(json!({ "filter": text })).unwrap_err();
            assert_eq!(error.scim_type(), Some(ScimType::InvalidFilter), "{text:?}");
        }
    }

    #[test]
    fn a_search_request_is_read_like_a_url() {
        // RFC 7644 §3.4.3 figure 4.
        let parameters: Parameters = serde_json::from_value(json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
            "attributes": ["displayName", "userName"],
            "filter": "displayName sw \"smith\"",
            "sortBy": null,
            "startIndex": 1,
            "count": 10
        }))
        .unwrap();
        assert_eq!(
            parameters,
            Parameters {
                filter: Some("displayName sw \"smith\"".to_owned()),
                start_index: Some("1".to_owned()),
                count: Some("10".to_owned()),
                attributes: Some("displayName,userName".to_owned()),
                ..Parameters::default()
            }
        );
        assert!(serde_json::from_value::<Parameters>(json!({ "count": {} })).is_err());
    }

    #[test]
    fn a_list_is_written_around_its_resources() {
        let head = Head { total: 7, start_index: Some(3), count: 1, ..Head::default() };
        let text = format!("{}{{\"id\":\"a\"}}{CLOSING}", head.opening());
        let list: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(list, {
            let mut list = response(7, 3, vec![json!({ "id": "a" })]);
            list["itemsPerPage"] = 1.into();
            list
        });
        let head = Head { next: Some("n".into()), previous: Some("p".into()), ..Head::default() };
        let list: Value = serde_json::from_str(&format!("{}{CLOSING}", head.opening())).unwrap();
        assert_eq!(
            list,
            json!({
                "schemas": [LIST_SCHEMA], "totalResults": 0, "itemsPerPage": 0,
                "previousCursor": "p", "nextCursor": "n", "Resources": []
            })
        );
    }

    #[test]
    fn a_list_says_how_many() {
        assert_eq!(
            response(0, 1, Vec::new()),
            json!({
                "schemas": [LIST_SCHEMA], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0,
                "Resources": []
            })
        );
        assert_eq!(
            response(100, 11, vec![json!({ "id": "a" })]),
            json!({
                "schemas": [LIST_SCHEMA], "totalResults": 100, "startIndex": 11,
                "itemsPerPage": 1, "Resources": [{ "id": "a" }]
            })
        );
    }
}
