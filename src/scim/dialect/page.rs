//! The table of leniencies as `docs/dialects.md`.

use super::{Dialect, Leniency};
use std::fmt::Write as _;

const HEAD: &str = "\
# Dialects

A client speaks SCIM in a dialect, which is what it is forgiven. It is chosen with the token
(`rollcall token create NAME --dialect okta`) or later (`PATCH /api/v1/clients/NAME`), and never
guessed.

- `standard`, the default: the RFC, and every leniency that does not contradict it. It works with
  every identity provider that we know of, up to the rows below that `standard` does not forgive.
- `okta` and `entra`: what these two need besides, even where it contradicts the RFC.
- `strict`: the RFC alone. For clients under test.

Each leniency is a row of the table in the program (`src/scim/dialect/leniency.rs`) from which this
page is written; a test compares the two, and one test for each row shows it forgiven and refused.
`GET /api/v1/clients/NAME` says which of them a client has used, how often and when last: a client
that uses none can be made `strict`.
";

/// `docs/dialects.md`.
pub fn render() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n| leniency |");
    for dialect in Dialect::ALL {
        let _ = write!(page, " `{}` |", dialect.as_str());
    }
    page.push_str("\n|---|");
    page.push_str(&"---|".repeat(Dialect::ALL.len()));
    page.push('\n');
    for leniency in Leniency::ALL {
        let _ = write!(page, "| [`{0}`](#{0}) |", leniency.name());
        for dialect in Dialect::ALL {
            page.push_str(if dialect.forgives(*leniency) { " yes |" } else { " |" });
        }
        page.push('\n');
    }
    for leniency in Leniency::ALL {
        let _ = write!(
            page,
            "\n## {}\n\n{}\n\n- Otherwise: {}\n- Why: {}\n",
            leniency.name(),
            leniency.sentence(),
            leniency.otherwise(),
            leniency.why(),
        );
    }
    page
}
