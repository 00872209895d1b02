//! A mapping as YAML, for people who keep it beside their code.

use super::Document;

impl Document {
    /// As YAML. Read by way of plain data it is the same document again, and the same document has
    /// the same text.
    ///
    /// # Errors
    /// The library's, as a sentence.
    pub fn to_yaml(&self) -> Result<String, String> {
        serde_saphyr::to_string(self).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// As a server reads it: by way of plain data, so that YAML and JSON are refused for the same
    /// reasons.
    fn read(text: &str) -> Result<Document, String> {
        let value: Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[-+~#&*!|>%@`'\"{}\\[\\]:,? \n\t.0-9a-zA-Z]{0,12}".prop_map(Value::from),
            prop_oneof!["null", "yes", "No", "~", "1e3", "0x1F", "007", "2026-01-01", ".inf"]
                .prop_map(Value::from),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop::collection::vec(inner, 0..3).prop_map(Value::from)
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            value in any_value(), template in any::<String>(), key in any::<String>(),
        ) {
            let document: Document = serde_json::from_value(json!({
                "users": [
                    { "field": "emails[type eq \"work\"].value", "source": { "kind": "constant", "value": value } },
                    { "field": "b", "source": { "kind": "join", "template": template },
                      "normalise": ["trim", { "e164": "NO" }], "onEmpty": { "default": "no" } },
                    { "field": "c", "source": { "kind": "table", "path": "title", "entries": { key.clone(): 1 } } },
                ],
                "tests": [{ "name": key, "profile": { "userName": template }, "expect": { "b": null } }],
            })).unwrap();
            let text = document.to_yaml().unwrap();
            let again = read(&text).unwrap();
            prop_assert_eq!(&again, &document);
            prop_assert_eq!(again.to_yaml().unwrap(), text);
        }

        #[test]
        fn no_text_is_too_much(text in any::<String>()) {
            let _ = read(&text);
        }
    }

    #[test]
    fn a_fault_says_where_it_is() {
        let error = read("users:\n  - field: [a").unwrap_err();
        assert!(error.contains("line"), "{error}");
        let error = read("usres: []").unwrap_err();
        assert!(error.contains("usres"), "{error}");
    }
}
