//! What holds of any operations.

use super::*;
use proptest::prelude::*;

#[test]
fn many_operations_are_fast() {
    let one = |at: usize| json!({ "op": "add", "path": "title", "value": format!("t{at}") });
    let titles: Vec<Value> = (0..MAX_OPERATIONS).map(one).collect();
    let user = after(Dialect::Standard, titles.into()).unwrap();
    assert_eq!(user["title"], format!("t{}", MAX_OPERATIONS - 1));
    let heavy: Vec<Value> = std::iter::once(json!({ "op": "add", "path": "roles",
        "value": (0..2_000).map(|n| json!({ "value": n.to_string() })).collect::<Vec<_>>() }))
    .chain(
        (0..9_999)
            .map(|n| json!({ "op": "replace", "path": "roles.display", "value": n.to_string() })),
    )
    .collect();
    let error = after(Dialect::Standard, heavy.into()).unwrap_err();
    assert_eq!(error.code(), 413, "bounded: {error}");
}

fn operation() -> impl Strategy<Value = Value> {
    let path = prop::sample::select(vec![
        "title",
        "name",
        "name.givenName",
        "emails",
        "emails.value",
        "emails[type eq \"work\"]",
        "emails[type eq \"work\"].value",
        "emails[primary eq true].primary",
        "manager",
        "addresses[type eq \"home\"].country",
        "active",
        "userName",
        urn::ENTERPRISE_USER,
        "roles",
    ]);
    let value = prop::sample::select(vec![
        json!("x"),
        json!(""),
        Value::Null,
        json!(true),
        json!([]),
        json!({}),
        json!({ "value": "x", "type": "work", "primary": true }),
        json!({ "givenName": "x" }),
        json!([{ "value": "x", "primary": true }, { "value": "y", "type": "work" }]),
        json!({ "department": "x", "manager": { "value": "m" } }),
        json!({ "value": "" }),
    ]);
    let op = prop::sample::select(vec!["add", "remove", "replace"]);
    (op, prop::option::weighted(0.9, path), value).prop_map(|(op, path, value)| {
        let mut operation = json!({ "op": op });
        if op != "remove" {
            operation["value"] = value;
        }
        if let Some(path) = path {
            operation["path"] = path.into();
        }
        operation
    })
}

proptest! {
    #[test]
    fn what_comes_out_is_valid(
        operations in prop::collection::vec(operation(), 1..6),
        entra in any::<bool>(),
    ) {
        let dialect = if entra { Dialect::Entra } else { Dialect::Strict };
        if let Ok(patched) = patch_of(kind("User"), &barbara(), operations.into(), dialect) {
            let body = Value::Object(patched.attributes.clone());
            let mut checked = resource::check(kind("User"), body, Dialect::Strict).unwrap();
            if !patched.attributes.contains_key("active") {
                checked.attributes.shift_remove("active");
            }
            prop_assert_eq!(&checked.attributes, &patched.attributes);
            prop_assert_eq!(patched.changed, patched.attributes != barbara());
        }
    }

    #[test]
    fn applying_together_is_applying_one_by_one(
        operations in prop::collection::vec(operation(), 1..5),
    ) {
        let together = patch_of(
            kind("User"), &barbara(), operations.clone().into(), Dialect::Standard,
        );
        let mut user = Ok(barbara());
        for operation in operations {
            user = user.and_then(|user| {
                patch_of(kind("User"), &user, json!([operation]), Dialect::Standard)
                    .map(|patched| patched.attributes)
            });
        }
        if let Ok(user) = user {
            prop_assert_eq!(together.map(|patched| patched.attributes), Ok(user));
        }
    }
}

/// What a user with a title and e-mail addresses is to a reader of the RFC.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    title: Option<String>,
    /// Value, type, display.
    emails: Vec<(String, String, Option<String>)>,
}

/// Operations of which the RFC leaves nothing open.
#[derive(Debug, Clone)]
enum Plain {
    Title(&'static str, String),
    NoTitle,
    Email(String, String, Option<String>),
    Emails(Vec<(String, String)>),
    NoEmails,
    /// By value.
    NoEmail(String),
    /// By type: `display` of each.
    Display(String, String),
}

impl Model {
    /// One operation, by the sentences of RFC 7644 §3.5.2; none for `noTarget`.
    fn apply(mut self, operation: &Plain) -> Option<Self> {
        match operation {
            Plain::Title(_, text) => self.title = Some(text.clone()),
            Plain::NoTitle => self.title = None,
            Plain::Email(value, kind, display) => {
                let same =
                    self.emails.iter_mut().find(|email| email.0 == *value && email.1 == *kind);
                match same {
                    Some(email) => email.2 = display.clone().or(email.2.take()),
                    None => self.emails.push((value.clone(), kind.clone(), display.clone())),
                }
            }
            Plain::Emails(emails) => {
                self.emails.clear();
                for (value, kind) in emails {
                    let email = (value.clone(), kind.clone(), None);
                    if !self.emails.contains(&email) {
                        self.emails.push(email);
                    }
                }
            }
            Plain::NoEmails => self.emails.clear(),
            Plain::NoEmail(value) => {
                let before = self.emails.len();
                self.emails.retain(|email| email.0 != *value);
                (self.emails.len() < before).then_some(())?;
            }
            Plain::Display(kind, display) => {
                let mut hits = self.emails.iter_mut().filter(|email| email.1 == *kind).peekable();
                hits.peek()?;
                hits.for_each(|email| email.2 = Some(display.clone()));
            }
        }
        Some(self)
    }

    fn shown(&self) -> (Value, Value) {
        let emails = self.emails.iter().map(|(value, kind, display)| {
            let mut email = json!({ "value": value, "type": kind });
            if let Some(display) = display {
                email["display"] = display.clone().into();
            }
            email
        });
        let emails: Vec<Value> = emails.collect();
        let emails = if emails.is_empty() { Value::Null } else { emails.into() };
        (self.title.clone().map_or(Value::Null, Value::from), emails)
    }
}

impl Plain {
    fn sent(&self) -> Value {
        match self {
            Self::Title(op, text) => json!({ "op": op, "path": "title", "value": text }),
            Self::NoTitle => json!({ "op": "remove", "path": "title" }),
            Self::Email(value, kind, display) => {
                let mut email = json!({ "value": value, "type": kind });
                if let Some(display) = display {
                    email["display"] = display.clone().into();
                }
                json!({ "op": "add", "path": "emails", "value": [email] })
            }
            Self::Emails(emails) => {
                let emails =
                    emails.iter().map(|(value, kind)| json!({ "value": value, "type": kind }));
                let emails: Vec<Value> = emails.collect();
                json!({ "op": "replace", "path": "emails", "value": emails })
            }
            Self::NoEmails => json!({ "op": "remove", "path": "emails" }),
            Self::NoEmail(value) => {
                json!({ "op": "remove", "path": format!("emails[value eq \"{value}\"]") })
            }
            Self::Display(kind, display) => json!({
                "op": "replace", "path": format!("emails[type eq \"{kind}\"].display"), "value": display
            }),
        }
    }
}

fn plain() -> impl Strategy<Value = Plain> {
    let word = || prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned);
    let kind = || prop::sample::select(vec!["work", "home"]).prop_map(str::to_owned);
    prop_oneof![
        (prop::sample::select(vec!["add", "replace"]), word())
            .prop_map(|(op, text)| Plain::Title(op, text)),
        Just(Plain::NoTitle),
        (word(), kind(), prop::option::of(word()))
            .prop_map(|(value, kind, display)| Plain::Email(value, kind, display)),
        prop::collection::vec((word(), kind()), 0..4).prop_map(Plain::Emails),
        Just(Plain::NoEmails),
        word().prop_map(Plain::NoEmail),
        (kind(), word()).prop_map(|(kind, display)| Plain::Display(kind, display)),
    ]
}

proptest! {
    /// The judge is a model that knows nothing of schemas, shapes or paths.
    #[test]
    fn a_sequence_does_what_the_rfc_says(operations in prop::collection::vec(plain(), 1..8)) {
        let body = json!({ "schemas": [urn::USER], "userName": "bj" });
        let user = resource::check(kind("User"), body, Dialect::Strict).unwrap().attributes;
        let sent: Vec<Value> = operations.iter().map(Plain::sent).collect();
        let patched = patch_of(kind("User"), &user, sent.into(), Dialect::Strict);
        let model = operations.iter().try_fold(Model::default(), Model::apply);
        match (patched, model) {
            (Ok(patched), Some(model)) => {
                let of = |name: &str| patched.attributes.get(name).cloned().unwrap_or_default();
                prop_assert_eq!((of("title"), of("emails")), model.shown());
                prop_assert_eq!(patched.changed, model != Model::default());
            }
            (Err(error), None) => prop_assert_eq!(error.scim_type(), Some(ScimType::NoTarget)),
            (patched, model) => prop_assert!(false, "{:?} and {:?}", patched, model),
        }
    }
}
