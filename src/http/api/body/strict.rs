//! JSON as it is meant: an object is an object, and what is wrong is said with its place.
//!
//! serde takes an array for a struct, field by field, which nobody means who sends one.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};
use std::fmt;

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// `users/0/source`; empty for the whole.
    pub place: String,
    /// What is wrong there.
    pub detail: String,
}

/// A value to be read strictly.
pub struct Strict(Value);

impl Strict {
    /// The whole.
    pub const fn new(value: Value) -> Self {
        Self(value)
    }
}

impl Wrong {
    fn below(self, step: &str) -> Self {
        let place =
            if self.place.is_empty() { step.to_owned() } else { format!("{step}/{}", self.place) };
        Self { place, ..self }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            f.write_str(&self.detail)
        } else {
            write!(f, "{}: {}", self.place, self.detail)
        }
    }
}

impl std::error::Error for Wrong {}

impl serde::de::Error for Wrong {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self { place: String::new(), detail: text.to_string() }
    }
}

impl<'de> Deserializer<'de> for Strict {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(truth),
            Value::Number(number) => number.deserialize_any(visitor).map_err(Wrong::custom),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => {
                let count = items.len();
                let mut items = Items { items: items.into_iter(), at: 0 };
                let found = visitor.visit_seq(&mut items)?;
                if items.items.len() == 0 {
                    Ok(found)
                } else {
                    Err(Wrong::custom(format!("{count} elements are too many")))
                }
            }
            Value::Object(map) => {
                visitor.visit_map(Entries { entries: map.into_iter(), next: None })
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.0.is_object() {
            self.deserialize_any(visitor)
        } else {
            // A map of serde_json takes null, too.
            Err(Wrong::invalid_type(unexpected(&self.0), &"an object"))
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(name.into_deserializer()),
            Value::Object(map) if map.len() == 1 => visitor.visit_enum(Choice(map)),
            _ => Err(Wrong::custom(format!("give one of {}", variants.join(", ")))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct identifier ignored_any
    }
}

fn unexpected(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Null => Unexpected::Other("null"),
        Value::Bool(truth) => Unexpected::Bool(*truth),
        Value::Number(_) => Unexpected::Other("a number"),
        Value::String(text) => Unexpected::Str(text),
        Value::Array(_) => Unexpected::Other("an array"),
        Value::Object(_) => Unexpected::Map,
    }
}

struct Items {
    items: std::vec::IntoIter<Value>,
    at: usize,
}

impl<'de> SeqAccess<'de> for &mut Items {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let at = self.at;
        self.at += 1;
        seed.deserialize(Strict(item)).map(Some).map_err(|wrong| wrong.below(&at.to_string()))
    }
}

struct Entries {
    entries: serde_json::map::IntoIter,
    next: Option<(String, Value)>,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        let found = seed.deserialize(key.as_str().into_deserializer())?;
        self.next = Some((key, value));
        Ok(Some(found))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let (key, value) = self.next.take().unwrap_or_default();
        seed.deserialize(Strict(value)).map_err(|wrong| wrong.below(&key))
    }
}

/// An object that holds the one variant that was chosen.
struct Choice(Map<String, Value>);

impl<'de> EnumAccess<'de> for Choice {
    type Error = Wrong;
    type Variant = Chosen;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Chosen), Wrong> {
        let (name, value) = self.0.into_iter().next().unwrap_or_default();
        let found = seed.deserialize(name.as_str().into_deserializer())?;
        Ok((found, Chosen { name, value }))
    }
}

struct Chosen {
    name: String,
    value: Value,
}

impl<'de> VariantAccess<'de> for Chosen {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        Err(Wrong::custom("takes no value").below(&self.name))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        seed.deserialize(Strict(self.value)).map_err(|wrong| wrong.below(&self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        Strict(self.value).deserialize_any(visitor).map_err(|wrong| wrong.below(&self.name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        Strict(self.value)
            .deserialize_struct("", fields, visitor)
            .map_err(|wrong| wrong.below(&self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::document::Document;
    use crate::outbound::policy::Policy;
    use serde::Deserialize;
    use serde_json::json;

    fn wrong<T: Deserialize<'static>>(value: Value) -> String {
        T::deserialize(Strict::new(value)).err().map(|wrong| wrong.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_is_right_is_read_as_serde_json_reads_it() {
        let value = json!({ "users": [
            { "field": "a", "source": { "kind": "constant", "value": [1.5, null, "x"] },
              "onEmpty": { "default": { "a": 1 } }, "normalise": ["trim", { "e164": "US" }] },
            { "field": "b", "source": { "kind": "assignment" }, "onEmpty": "skip" },
        ], "tests": [
            { "name": "t", "kind": "Group", "profile": {}, "expect": { "a": -1 } },
        ] });
        let read = Document::deserialize(Strict::new(value.clone())).unwrap();
        assert_eq!(read, serde_json::from_value(value).unwrap());
    }

    #[test]
    fn an_array_is_no_object() {
        assert_eq!(wrong::<Document>(json!([])), "invalid type: an array, expected an object");
        let rule = json!({ "users": [["a", { "kind": "assignment" }]] });
        assert_eq!(wrong::<Document>(rule), "users/0: invalid type: an array, expected an object");
        assert_eq!(wrong::<Policy>(json!([])), "invalid type: an array, expected an object");
        let source = json!({ "users": [{ "field": "a", "source": ["profile", "title"] }] });
        assert!(wrong::<Document>(source).starts_with("users/0/source: "));
    }

    #[test]
    fn the_place_is_named() {
        let cases = [
            (json!({ "users": [{ "field": 1 }] }), "users/0/field: invalid type: integer `1`"),
            (json!({ "users": {} }), "users: invalid type: map, expected a sequence"),
            (json!({ "user": [] }), "unknown field `user`"),
            (
                json!({ "users": [{ "field": "a", "source": { "kind": "assignment", "path": "b" } }] }),
                "users/0/source: ",
            ),
            (
                json!({ "users": [{ "field": "a", "source": { "kind": "assignment" }, "normalise": [{ "trim": 1 }] }] }),
                "users/0/normalise/0/trim: takes no value",
            ),
        ];
        for (value, said) in cases {
            let told = wrong::<Document>(value);
            assert!(told.starts_with(said), "{told}");
        }
    }
}
