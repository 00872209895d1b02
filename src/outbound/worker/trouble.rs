//! What an operator reads of a failure: why in one word, what happened, and what to do, which is often
//! nothing. Pure.

use crate::adapters::adapter::{Failure, Reason};
use crate::outbound::plan::{Cause, Parked};

/// Why in one word, and in sentences. Every failure has all but the field.
pub(super) fn told(failure: &Failure) -> (Cause, Reason) {
    let sentence = failure.to_string();
    match failure {
        Failure::Again { .. } => {
            (Cause::Unavailable, reason(sentence, "Nothing to do: Rollcall tries again by itself."))
        }
        Failure::Throttled { .. } => (
            Cause::Throttled,
            reason(
                "The app asks to wait.",
                "Nothing to do: Rollcall tries again by itself. If it happens often, set a lower \
                 rate in the app's policy.",
            ),
        ),
        Failure::InDoubt { detail } => (
            Cause::InDoubt,
            reason(
                format!("No answer came: {detail}"),
                "Nothing to do: Rollcall looks what became of it before it tries again.",
            ),
        ),
        Failure::Conflict { detail } => (
            Cause::Conflict,
            reason(
                format!("The app has such an object already: {detail}"),
                "Nothing to do yet: another object may be about to give the name up. If it stays \
                 so, a person is asked.",
            ),
        ),
        Failure::Gone => (
            Cause::Unstable,
            reason(
                "The app made the object and does not know it.",
                "Look for the object in the app, then retry.",
            ),
        ),
        Failure::Refused(reason) => (Cause::Refused, reason.clone()),
        Failure::Unauthorized(detail) => (
            Cause::Credential,
            reason(
                format!("The app refuses the credential ({detail})."),
                "Enter a new one, then check the connection.",
            ),
        ),
        Failure::Misconfigured(reason) => (Cause::Settings, reason.clone()),
        Failure::Unsupported(what) => (
            Cause::Unsupported,
            reason(
                format!("The app cannot do this: {}.", what.trim_end_matches('.')),
                "Do it in the app by hand, or change the app's policy.",
            ),
        ),
    }
}

fn reason(detail: impl Into<String>, remedy: &str) -> Reason {
    Reason { field: None, detail: detail.into(), remedy: remedy.to_owned() }
}

pub(super) fn unknown_member() -> Parked {
    Parked::new(
        Cause::Refused,
        Reason {
            field: Some("members".into()),
            detail: "The app has the group and answers that something is missing.".into(),
            remedy: "Look whether every member has an account in the app, then retry.".into(),
        },
    )
}

/// Of one that waits for another one which does not come to an end.
pub(super) fn tied() -> (Cause, Reason) {
    let told = reason(
        "Its account in the app, or an object to which it refers, belongs to another object that is \
         still being worked on.",
        "Nothing to do yet: Rollcall tries again by itself. If it stays so, look why the other one \
         fails.",
    );
    (Cause::Taken, told)
}

pub(super) fn hidden_conflict(detail: &str) -> Parked {
    Parked::new(
        Cause::Conflict,
        Reason {
            field: None,
            detail: format!(
                "The app has such an object already ({detail}), but shows none that matches."
            ),
            remedy: "Make its matching field equal in the app, or remove it, then retry.".into(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_says_why_and_what_to_do() {
        let text = || "The app answered 418.".to_owned();
        let refusal = || Reason { field: Some("name".into()), detail: text(), remedy: text() };
        let cases = [
            (Failure::Again { after: None, detail: text() }, "unavailable"),
            (Failure::Throttled { after: None }, "throttled"),
            (Failure::InDoubt { detail: text() }, "inDoubt"),
            (Failure::Conflict { detail: text() }, "conflict"),
            (Failure::Gone, "unstable"),
            (Failure::Refused(refusal()), "refused"),
            (Failure::Unauthorized(text()), "credential"),
            (Failure::Misconfigured(refusal()), "settings"),
            (Failure::Unsupported(text()), "unsupported"),
        ];
        for (failure, cause) in cases {
            let (told, reason) = told(&failure);
            assert_eq!(told.as_str(), cause);
            assert!(reason.detail.ends_with('.') && !reason.detail.ends_with(".."), "{reason:?}");
            assert!(reason.remedy.ends_with('.'), "{reason:?}");
        }
    }
}
