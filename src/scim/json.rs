//! Reading bodies as JSON (RFC 8259) without losing anything.
//!
//! A JSON object may have a key twice, and most readers keep the last silently. Which of the two a
//! client meant nobody knows, so it is refused by name.

use super::error::{Error, Fault, shortened};
use serde::de::{DeserializeSeed, IgnoredAny};
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::Cell;
use std::fmt;

/// Reads a body. A byte order mark before it is skipped (RFC 8259 §8.1).
///
/// # Errors
/// `invalidSyntax` for an empty body, for what is no JSON, with line and column, and for a key that
/// one object has twice, with its name.
pub fn read(body: &[u8]) -> Result<Value, Error> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.is_empty() {
        return Err(Fault::NoBody.into());
    }
    let twice = Cell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = Once { twice: &twice }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    read.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        match twice.take() {
            Some(name) => Fault::KeyTwice { name: shortened(&name), line, column }.into(),
            None => Fault::NotJson { why: error.to_string() }.into(),
        }
    })
}

/// A value whose objects have each key once; the key that one has twice is left in the cell.
#[derive(Clone, Copy)]
struct Once<'a> {
    twice: &'a Cell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for Once<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(self)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                self.twice.set(Some(key));
                entries.next_value::<IgnoredAny>()?;
                return Err(A::Error::custom("a key twice in one object"));
            }
            object.insert(key, entries.next_value_seed(self)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (body, said) in [
            ("", "the body is empty"),
            ("{", "EOF while parsing an object at line 1 column 1"),
            ("{} {}", "trailing characters at line 1 column 4"),
            ("{\"a\": 01}", "line 1 column 8"),
            ("nul", "line 1 column 3"),
            ("{\"a\":1,\n \"b\":{\"c\":1,\"c\":2}}", "\"c\" twice in one object, at line 2 column"),
            ("[{\"x\":0,\"x\":[{\"y\":1}]}]", "\"x\" twice"),
            ("{\"\\u0061\":1,\"a\":2}", "\"a\" twice"),
            ("{\"a\":1,\"a\":}", "\"a\" twice"),
            (&"[".repeat(100_000), "recursion limit"),
        ] {
            let error = read(body.as_bytes()).unwrap_err();
            assert_eq!(error.body()["scimType"], "invalidSyntax");
            assert!(error.to_string().contains(said), "{body:.40}: {error}");
        }
        assert!(read(b"{\"a\": \"\xff\"}").is_err());
    }

    #[test]
    fn the_same_key_in_two_objects_is_fine() {
        let body = "\u{feff}{\"a\": {\"a\": 1}, \"b\": [{\"a\": 1.5}, {\"a\": -1}, null, \"\\ud83d\\ude00\"]} ";
        let expected = json!({ "a": { "a": 1 }, "b": [{ "a": 1.5 }, { "a": -1 }, null, "😀"] });
        assert_eq!(read(body.as_bytes()), Ok(expected));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// The judge is the reader of `serde_json`, for what has no key twice.
        #[test]
        fn it_reads_what_serde_json_reads(value in value()) {
            let text = value.to_string();
            let judged: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read(text.as_bytes()), Ok(judged));
        }

        #[test]
        fn it_refuses_what_serde_json_refuses(bytes in prop::collection::vec(any::<u8>(), 1..40)) {
            prop_assume!(!bytes.starts_with(b"\xef\xbb\xbf"));
            if serde_json::from_slice::<Value>(&bytes).is_err() {
                prop_assert!(read(&bytes).is_err());
            }
        }
    }
}
