//! Maintenance: the app is being worked on by its own people. Changes wait, and none is lost.

use crate::clock::{instant, rfc3339};
use crate::http::api::problem::Problem;
use crate::store::apps::Pause;
use serde_json::Value;

/// The pause that is asked for: `true` until somebody ends it, `{"until": …}` until then, and none
/// for `false` and null.
///
/// # Errors
/// A problem that names the field.
pub(super) fn pause(given: &Value, now_us: i64) -> Result<Option<Pause>, Problem> {
    let wrong =
        || Problem::field("maintenance", "give true, false, null, or an object with \"until\"");
    match given {
        Value::Null | Value::Bool(false) => Ok(None),
        Value::Bool(true) => Ok(Some(Pause::new(
            Pause::MAINTENANCE,
            "In maintenance: changes wait, and none is lost.",
        ))),
        Value::Object(map) => {
            let (Some(Value::String(text)), 1) = (map.get("until"), map.len()) else {
                return Err(wrong());
            };
            let field = "maintenance/until";
            let until_us = instant(text).ok_or_else(|| {
                Problem::field(field, "give an instant with its offset: 2026-01-31T12:00:00Z")
            })?;
            if until_us <= now_us {
                return Err(Problem::field(field, "give an instant that is still to come"));
            }
            let until = rfc3339(until_us);
            let sentence = format!(
                "In maintenance until {until}: changes wait, none is lost, and they go by themselves \
                 then."
            );
            Ok(Some(Pause { until_us: Some(until_us), ..Pause::new(Pause::MAINTENANCE, sentence) }))
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn maintenance_is_for_a_while_or_until_somebody_ends_it() {
        let now_us = instant("2026-05-01T12:00:00Z").unwrap();
        let asked = |given| pause(&given, now_us);
        for ended in [json!(null), json!(false)] {
            assert_eq!(asked(ended).unwrap(), None);
        }
        assert_eq!(asked(json!(true)).unwrap().unwrap().until_us, None);
        let held = asked(json!({ "until": "2026-05-01T15:00:00+02:00" })).unwrap().unwrap();
        assert_eq!(held.until_us, Some(now_us + 3_600_000_000));
        assert!(held.sentence.contains("2026-05-01T13:00:00.000Z"), "{}", held.sentence);
        let cases = [
            (json!("tomorrow"), "maintenance"),
            (json!({ "til": 3 }), "maintenance"),
            (json!({ "until": "2026-05-01T13:00:00Z", "by": "me" }), "maintenance"),
            (json!({ "until": "tomorrow" }), "maintenance/until"),
            (json!({ "until": "2026-05-02" }), "maintenance/until"),
            (json!({ "until": "2026-05-01T12:00:00Z" }), "maintenance/until"),
        ];
        for (given, field) in cases {
            let problem = asked(given.clone()).unwrap_err();
            assert_eq!(problem.errors[0].field, field, "{given}");
        }
    }
}
