//! What can be told, and in which words.

use crate::clock::rfc3339;
use crate::id::{AppId, RunId};
use serde_json::{Value, json};

/// Largest body of a message, in bytes.
pub const MOST_BYTES: usize = 20_000;

/// Longest sentence that is repeated in a message, in characters.
const LONGEST_SENTENCE: usize = 2_000;

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Nothing is sent to an app any more.
    AppPaused,
    /// An app goes on.
    AppResumed,
    /// Objects of an app wait for a person.
    ObjectParked,
    /// A run is over.
    RunFinished,
    /// A run waits for approval.
    RunHeld,
    /// Somebody tries whether messages arrive.
    Test,
}

impl Kind {
    /// Those that somebody can ask for, in the order in which they are shown.
    pub const ALL: [Self; 5] =
        [Self::AppPaused, Self::AppResumed, Self::ObjectParked, Self::RunFinished, Self::RunHeld];

    /// The message's `type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AppPaused => "app.paused",
            Self::AppResumed => "app.resumed",
            Self::ObjectParked => "object.parked",
            Self::RunFinished => "run.finished",
            Self::RunHeld => "run.held",
            Self::Test => "notification.test",
        }
    }

    /// One that somebody can ask for, by its `type`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Something that happened to an app, as it is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What kind of thing.
    pub kind: Kind,
    /// To which app.
    pub app: AppId,
    /// The message's `data`.
    pub data: Value,
}

/// An app, as messages name it.
#[derive(Debug, Clone, Copy)]
pub struct App<'a> {
    /// Its id.
    pub id: AppId,
    /// Its name.
    pub name: &'a str,
}

impl App<'_> {
    fn told(self) -> Value {
        json!({ "id": self.id, "name": self.name })
    }

    /// A sentence about any app, about this one.
    pub(super) fn told_of(self, sentence: &str) -> String {
        sentence.replace("{app}", self.name)
    }

    fn event(self, kind: Kind, mut data: Value) -> Event {
        if let Some(data) = data.as_object_mut() {
            data.insert("app".to_owned(), self.told());
        }
        Event { kind, app: self.id, data }
    }

    /// Nothing is sent to it any more. What the app answered is left out: it may quote anything.
    pub fn paused(self, by: &str, until_us: Option<i64>) -> Event {
        let (reason, remedy) = pause(by);
        let remedy = self.told_of(remedy);
        let data = json!({
            "pausedBy": by, "reason": reason, "remedy": remedy, "pausedUntil": until_us.map(rfc3339),
        });
        self.event(Kind::AppPaused, data)
    }

    /// It goes on; `by` is what had held it.
    pub fn resumed(self, by: &str) -> Event {
        self.event(Kind::AppResumed, json!({ "wasPausedBy": by }))
    }

    /// A run is over.
    pub fn finished(self, run: &Run<'_>) -> Event {
        let remedy = match run.state {
            "failed" => {
                Some("GET /api/v1/runs/{run} says why; correct that and ask for another run.")
            }
            _ if run.failed > 0 => Some(
                "GET /api/v1/apps/{app}/parked lists what waits for a person, with what to do.",
            ),
            _ => None,
        };
        let remedy = remedy.map(|text| self.told_of(text).replace("{run}", &run.id.to_string()));
        self.event(Kind::RunFinished, json!({ "run": run.told(), "remedy": remedy }))
    }

    /// A run waits for somebody to approve it; with what to do, where that is known.
    pub fn held(self, run: &Run<'_>, sentence: &str, remedy: Option<&str>) -> Event {
        let sentence: String = sentence.chars().take(LONGEST_SENTENCE).collect();
        let data = json!({
            "run": run.told(), "reason": sentence,
            "remedy": remedy
                .unwrap_or(
                    "Look at the plan (GET /api/v1/runs/{run}/plan), then approve it \
                     (POST /api/v1/runs/{run}/approve) or cancel it (POST /api/v1/runs/{run}/cancel).",
                )
                .replace("{run}", &run.id.to_string()),
        });
        self.event(Kind::RunHeld, data)
    }
}

/// A run, as messages show it.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Its id.
    pub id: RunId,
    /// `sync`, `setup` or `reconcile`.
    pub kind: &'a str,
    /// How it stands.
    pub state: &'a str,
    /// Objects for which there was something to do.
    pub total: i64,
    /// Those that are as they should be.
    pub done: i64,
    /// Those that are parked.
    pub failed: i64,
}

impl Run<'_> {
    fn told(&self) -> Value {
        json!({
            "id": self.id, "kind": self.kind, "state": self.state,
            "total": self.total, "done": self.done, "failed": self.failed,
        })
    }
}

/// Why an app is paused and what to do, by who or what paused it.
fn pause(by: &str) -> (&'static str, &'static str) {
    match by {
        "admin" => ("Paused by an administrator.", "PATCH /api/v1/apps/{app} {\"paused\": false}."),
        "maintenance" => (
            "In maintenance: changes wait, and none is lost.",
            "PATCH /api/v1/apps/{app} {\"maintenance\": false}, where it does not end by itself.",
        ),
        "credential" => (
            "The app refuses the credential.",
            "Enter a new one (PATCH /api/v1/apps/{app}), then check the connection \
             (POST /api/v1/apps/{app}/check).",
        ),
        "settings" => (
            "A setting, the mapping or the scope of the app cannot be used.",
            "GET /api/v1/apps/{app} says which; correct it, then check the connection \
             (POST /api/v1/apps/{app}/check).",
        ),
        _ => (
            "A safeguard paused the app.",
            "GET /api/v1/apps/{app} says why; PATCH it with {\"paused\": false} to go on.",
        ),
    }
}

/// The body of a message: JSON of `type`, `timestamp` (when it happened, RFC 3339) and `data`.
pub fn body(kind: Kind, at_us: i64, data: &Value) -> String {
    json!({ "type": kind.as_str(), "timestamp": rfc3339(at_us), "data": data }).to_string()
}

/// What is told to somebody who tries whether messages arrive.
pub fn test(name: &str) -> Value {
    json!({ "notification": name, "message": "Somebody tries whether messages of Rollcall arrive." })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::new_uuid;

    fn app(name: &str) -> App<'_> {
        App { id: AppId(new_uuid(0)), name }
    }

    #[test]
    fn a_kind_is_read_as_it_is_written() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.as_str()), Some(kind));
        }
        assert_eq!(Kind::named("notification.test"), None, "nobody can ask for tests");
    }

    #[test]
    fn every_pause_has_a_reason_and_a_remedy() {
        for by in ["admin", "maintenance", "credential", "settings", "something new"] {
            let told = app("assist").paused(by, None).data;
            assert!(told["reason"].as_str().unwrap().ends_with('.'), "{told}");
            assert!(told["remedy"].as_str().unwrap().ends_with('.'), "{told}");
            assert!(!told.to_string().contains("{app}"), "it names the app: {told}");
            assert_eq!(told["pausedBy"], by);
        }
    }

    #[test]
    fn a_message_fits() {
        let name = "n".repeat(64);
        let run = Run {
            id: RunId(new_uuid(0)),
            kind: "reconcile",
            state: "held",
            total: i64::MAX,
            done: i64::MAX,
            failed: i64::MAX,
        };
        let said = [app("assist").held(&run, "x", None).data, app("assist").finished(&run).data];
        for failed in [0, 7] {
            let over = Run { failed, state: if failed == 0 { "failed" } else { "done" }, ..run };
            let told = app("assist").finished(&over).data;
            assert!(told["remedy"].as_str().unwrap().contains("/api/v1/"), "{told}");
            assert!(!told.to_string().contains("{run}") && !told.to_string().contains("{app}"));
        }
        assert!(said.iter().all(|told| !told.to_string().contains("{run}")), "{said:?}");
        let held = app(&name).held(&run, &"𝕏".repeat(10_000), None);
        let text = body(held.kind, 0, &held.data);
        assert!(text.len() <= MOST_BYTES, "{}", text.len());
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["type"], "run.held");
        assert_eq!(read["timestamp"], "1970-01-01T00:00:00.000Z");
        assert_eq!(read["data"]["run"]["state"], "held");
        assert_eq!(read["data"]["app"]["name"], name);
    }
}
