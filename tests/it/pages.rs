//! Pages that are written from the program's own tables, compared with what is in `docs`.

use rollcall::scim::{dialect, error};
use std::fs;
use std::path::Path;

/// Set to write the pages instead.
const WRITE: &str = "ROLLCALL_WRITE_PAGES";

#[expect(clippy::disallowed_methods, reason = "how tests are told to write")]
fn page(name: &str, rendered: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, rendered).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == rendered,
        "docs/{name} differs from the table in the code: {WRITE}=1 cargo test --test it pages::"
    );
}

#[test]
fn errors() {
    page("errors.md", &error::page::render());
}

#[test]
fn dialects() {
    page("dialects.md", &dialect::page::render());
}

/// A row that nothing in the code produces is a promise that nobody keeps.
#[test]
fn every_row_of_the_table_of_errors_is_used() {
    let mut code = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut code);
    let unused: Vec<&str> = error::ROWS
        .iter()
        .map(|row| row.name)
        .filter(|name| {
            !code.match_indices(&format!("Fault::{name}")).any(|(at, found)| {
                !code[at + found.len()..].starts_with(|next: char| next.is_alphanumeric())
            })
        })
        .collect();
    assert_eq!(unused, [""; 0]);
}

fn read(folder: &Path, code: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, code);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            code.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
