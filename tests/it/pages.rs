//! Pages that are written from the program's own tables, compared with what is in `docs`.

use rollcall::adapters::catalogue;
use rollcall::mapping::document::Document;
use rollcall::mapping::expression;
use rollcall::mapping::validation::{Ground, validate};
use rollcall::scim::schema::Registry;
use rollcall::scim::{dialect, error};
use std::fs;
use std::path::Path;

/// Set to write the pages instead.
const WRITE: &str = "ROLLCALL_WRITE_PAGES";

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

#[test]
fn functions() {
    page("functions.md", &expression::page::render());
}

/// An example that cannot be saved teaches the wrong thing.
#[test]
fn every_mapping_in_the_guide_can_be_saved() {
    let guide = include_str!("../../docs/guides/mapping.md");
    let entry = catalogue::entry("sandbox").unwrap();
    let directory = Registry::standard();
    let ground = Ground {
        schema: &entry.schema,
        default: &entry.default_mapping,
        directory: &directory,
        by_assignment: false,
    };
    let mut examples = 0;
    for block in guide.split("```json\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let document: Document = serde_json::from_str(text).unwrap();
        if let Err(problems) = validate(&document, &ground) {
            panic!("{text}{problems:?}");
        }
        examples += 1;
    }
    assert!(examples >= 3, "the guide has lost its examples");
}

/// A row that nothing in the code produces is a promise that nobody keeps.
#[test]
fn every_row_of_the_table_of_errors_is_used() {
    let mut code = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut code);
    let used = |name: &&str| {
        code.split(&format!("Fault::{name}"))
            .skip(1)
            .any(|after| !after.starts_with(|next: char| next.is_alphanumeric()))
    };
    let unused: Vec<&str> =
        error::ROWS.iter().map(|row| row.name).filter(|name| !used(name)).collect();
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
