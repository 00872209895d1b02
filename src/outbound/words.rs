//! What is known of an object and what a plan decides, in sentences.

use super::plan::{Next, Verdict};
use crate::clock::rfc3339;
use crate::mapping::field::Kind;
use crate::store::links::LinkRow;

/// What an app has of somebody.
pub(super) const fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "account",
        Kind::Group => "group",
    }
}

/// How an object came to be known, or how it would be looked for.
pub fn matched(fields: &[String], link: Option<&LinkRow>) -> String {
    let fields = fields.join(", then by ");
    match link {
        None => format!("No account is known; it would be looked for by {fields}."),
        Some(link) if link.state == LinkRow::RELEASED => {
            "Nobody looks for an account: it is left alone until somebody links it.".to_owned()
        }
        Some(link) if link.remote_id.is_none() => {
            format!("A creation got no answer; the account is looked for by {fields}.")
        }
        Some(link) if link.origin == "created" => "Rollcall made the account.".to_owned(),
        Some(_) => format!(
            "The account was there before, and was recognised by {fields}, or linked by hand."
        ),
    }
}

/// What is remembered of an account.
pub(super) fn remembered(kind: Kind, link: Option<&LinkRow>) -> String {
    let noun = noun(kind);
    let Some(link) = link else { return format!("No {noun} is known.") };
    let id = link.remote_id.as_deref().unwrap_or("not known");
    let mut text = match link.state.as_str() {
        LinkRow::RELEASED => format!("Its {noun} is left alone"),
        LinkRow::LOST => format!("Its {noun} was {id}, and the app no longer has it"),
        "in_doubt" => format!("It is not known whether its {noun} was made"),
        "deactivated" => format!("Its {noun} is {id}, switched off"),
        _ => format!("Its {noun} is {id}"),
    };
    if let Some(since) = link.leaving_us {
        text.push_str("; it is to go, since ");
        text.push_str(&rfc3339(since));
    }
    text + "."
}

/// Why nothing is to be done.
pub(super) fn verdict(kind: Kind, verdict: Verdict) -> String {
    let noun = noun(kind);
    match verdict {
        Verdict::InSync => "The app holds what it should.".to_owned(),
        Verdict::SwitchedOff => format!("The {noun} is switched off."),
        Verdict::NoAccount => format!("There is no {noun}, and there should be none."),
        Verdict::LeftAlone => format!("The {noun} is left alone."),
        Verdict::Protected => format!("The {noun} is protected: it is never touched."),
        Verdict::Released => format!("The {noun} is left alone until somebody links it again."),
    }
}

/// What comes next, and the app fields that it is about.
pub(super) fn decided(kind: Kind, next: &Next) -> (String, Vec<String>) {
    let noun = noun(kind);
    let plain = |text: String| (text, Vec::new());
    match next {
        Next::Done(why) => plain(verdict(kind, *why)),
        Next::Look(keys) => {
            let fields: Vec<String> = keys.iter().map(|key| key.field.clone()).collect();
            let by = fields.join(", then by ");
            (format!("It is looked for by {by}; the first that finds something decides."), fields)
        }
        Next::Create(record) => {
            let fields: Vec<String> = record.0.keys().cloned().collect();
            (format!("Nothing was found: the {noun} is made."), fields)
        }
        Next::Adopt(found) => plain(format!(
            "{} was found and belongs to nobody: it is taken over. Nothing is sent for that.",
            found.id.0
        )),
        Next::Update(_, change, _) => {
            let fields: Vec<String> = change.set.keys().chain(&change.cleared).cloned().collect();
            ("These fields differ from what the app last accepted.".to_owned(), fields)
        }
        Next::SetActive(_, true) => plain(format!("The {noun} is to be switched on.")),
        Next::SetActive(_, false) => plain(format!("The {noun} is to be switched off.")),
        Next::Delete(_) => plain(format!("The {noun} is to be deleted.")),
        Next::Unlink => plain(format!("The {noun} is forgotten. Nothing is sent.")),
        Next::Note(Some(_)) => plain("The days of grace begin. Nothing is sent.".to_owned()),
        Next::Note(None) => plain("The days of grace are over: it stays.".to_owned()),
        Next::Wait(until_us) => {
            plain(format!("Nothing more is done before {}.", rfc3339(*until_us)))
        }
        Next::Park(parked) => {
            let reason = &parked.reason;
            let fields = reason.field.clone().into_iter().collect();
            (format!("Somebody must look: {} {}", reason.detail, reason.remedy), fields)
        }
    }
}
