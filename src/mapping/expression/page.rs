//! The table of functions as `docs/functions.md`.

use super::functions::FUNCTIONS;
use std::fmt::Write as _;

const HEAD: &str = "\
# Functions of expressions

What an expression of a [field mapping](guides/mapping.md) can call. This page is written from the table
that the program itself reads (`src/mapping/expression/functions.rs`), and a test compares the two; another
one evaluates every example.

The first argument may stand before the name: `trim(title)` is `title.trim()`. What stands in brackets may
be left out. A function of a missing value has no value, unless it says otherwise.

| function | | example | gives |
|---|---|---|---|
";

/// `docs/functions.md`.
pub fn render() -> String {
    let mut page = HEAD.to_owned();
    for function in FUNCTIONS {
        let (example, result) = (cell(function.example), cell(function.result));
        let _ = writeln!(
            page,
            "| `{}` | {} | `{example}` | `{result}` |",
            cell(&function.signature()),
            cell(function.description)
        );
    }
    page
}

/// A text between the bars of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
