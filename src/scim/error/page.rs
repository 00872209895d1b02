//! The table of errors as `docs/errors.md`.

use super::clause::CLAUSES;
use super::fault::ROWS;
use std::fmt::Write as _;

const HEAD: &str = "\
# Errors

Every error that a SCIM client can be sent. This page is written from the table that the program
itself answers from (`src/scim/error/fault.rs`), and a test compares the two.

The body is the one of RFC 7644 §3.12, as `application/scim+json`:

```json
{
  \"schemas\": [\"urn:ietf:params:scim:api:messages:2.0:Error\"],
  \"status\": \"400\",
  \"scimType\": \"invalidValue\",
  \"detail\": \"operation 2: active takes a boolean (true or false)\"
}
```

`scimType` is there where the RFC defines one. What stands in *italics* below is filled in. An error
about one of the operations of a PATCH begins with its number, counted from 1; nothing of such a
request was done.
";

const CLAUSES_HEAD: &str = "
## What a filter or a path may lack

The end of the two sentences that name a character: *filter, character …* is `invalidFilter`,
*path, character …* is `invalidPath`. Characters are counted from 1.

| … | when |
|---|---|
";

/// `docs/errors.md`.
pub fn render() -> String {
    let mut page = HEAD.to_owned();
    let mut section = "";
    for row in ROWS {
        if row.section != section {
            section = row.section;
            let _ = write!(
                page,
                "\n## {section}\n\n| status | scimType | detail | when | what to do |\n|---|---|---|---|---|\n"
            );
        }
        let scim_type = row.scim_type.map(|scim_type| format!("`{}`", scim_type.as_str()));
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            row.status,
            scim_type.unwrap_or_default(),
            shown(row.sentence),
            cell(row.when),
            cell(row.remedy),
        );
    }
    page.push_str(CLAUSES_HEAD);
    for (clause, when) in CLAUSES {
        let _ = writeln!(page, "| {} | {} |", shown(clause), cell(when));
    }
    page
}

/// A sentence with what is filled in set in italics.
fn shown(sentence: &str) -> String {
    let mut text = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, after)) = after.split_once('}') else { break };
        let quote = if name.ends_with(":?") { "\"" } else { "" };
        let _ = write!(text, "{quote}*{}*{quote}", name.trim_end_matches(":?"));
        rest = after;
    }
    text.push_str(rest);
    cell(&text)
}

/// Text that cannot end a cell of a table.
fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|").replace("  ", " ")
}
