//! The rules of `docs/ARCHITECTURE.md`, checked: who may import whom, which crate may be used where,
//! where time and randomness come from, how long a file may be and what it may not be called.
//!
//! An offence is printed as `file:line: rule`. The checker works on words, not on a parsed tree: it
//! leaves out comments and literals, then looks for `crate::ROOM`, for `super::` chains that climb
//! to the crate's root, and for the crates and calls below.

use std::fmt;
use std::fs;
use std::path::Path;

/// Which rooms a room may import; a room may always import itself.
const ROOMS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("planted", &[]),
    ("id", &["clock"]),
    ("telemetry", &["config"]),
    ("config", &["scim", "store"]),
    ("scim", &[]),
    ("mapping", &["scim"]),
    ("vault", &["clock", "id"]),
    ("notification", &["clock", "id"]),
    ("store", &["clock", "id", "planted", "scim", "notification"]),
    ("retention", &["clock", "id", "store", "config"]),
    ("directory", &["clock", "id", "scim", "store", "telemetry"]),
    ("adapters", &["clock", "id", "scim", "mapping", "vault", "telemetry"]),
    (
        "outbound",
        &[
            "clock",
            "id",
            "planted",
            "scim",
            "mapping",
            "notification",
            "store",
            "adapters",
            "vault",
            "telemetry",
            "config",
        ],
    ),
    ("auth", &["clock", "id", "store", "telemetry", "config"]),
    (
        "http",
        &[
            "clock",
            "id",
            "scim",
            "mapping",
            "notification",
            "store",
            "retention",
            "directory",
            "adapters",
            "outbound",
            "auth",
            "vault",
            "telemetry",
            "config",
        ],
    ),
    ("cli", &["*"]),
    ("main", &["*"]),
    ("lib", &["*"]),
];

/// Where a crate may be used: files or folders.
const CRATES: &[(&[&str], &[&str], &str)] = &[
    (
        &["diesel", "diesel_migrations", "r2d2", "pq_sys", "libsqlite3_sys"],
        &["src/store.rs", "src/store/"],
        "the database lives only in store",
    ),
    (
        &["actix_web", "actix_http", "actix_rt", "tracing_actix_web"],
        &["src/http.rs", "src/http/", "src/main.rs", "src/cli/serve.rs"],
        "actix lives only in http, and where the server is started",
    ),
    (
        &["reqwest", "ldap3"],
        &["src/adapters.rs", "src/adapters/", "src/auth/jwks.rs"],
        "only adapters and auth/jwks call other servers",
    ),
    (
        &["nom"],
        &["src/scim.rs", "src/scim/", "src/mapping/import/"],
        "grammars are the protocol's, and those of imported expressions",
    ),
    (
        &["cel"],
        &["src/mapping/expression/"],
        "only expressions are read by it, and behind their fence",
    ),
];

/// Calls that ask for time or randomness, and where they may stand.
const CALLS: &[(&[&str], &str)] = &[
    (&["SystemTime", "now"], "src/clock.rs"),
    (&["Instant", "now"], "src/clock.rs"),
    (&["Timestamp", "now"], "src/clock.rs"),
    (&["Zoned", "now"], "src/clock.rs"),
    (&["Uuid", "now_v7"], "src/id.rs"),
    (&["Uuid", "new_v4"], "src/id.rs"),
    (&["rand", "fill"], "src/id.rs"),
];

/// Files that decide and do nothing else: no I/O, no clock, no database.
const PURE: &[&str] = &[
    "src/scim.rs",
    "src/scim/",
    "src/mapping.rs",
    "src/mapping/",
    "src/outbound/plan.rs",
    "src/outbound/plan/",
    "src/outbound/retry.rs",
    "src/outbound/guard.rs",
    "src/notification/address.rs",
    "src/notification/digest.rs",
    "src/notification/schedule.rs",
];
const PURE_ROOMS: &[&str] = &["clock", "store", "vault", "telemetry"];
const PURE_CRATES: &[&str] = &["tokio", "tracing"];
const PURE_STD: &[&str] = &["fs", "net", "env", "process", "thread"];
/// A thread that is waited for is a larger stack and nothing else: here, and nowhere else.
const PURE_STACK: &str = "src/mapping/expression/fence.rs";

const LONGEST: usize = 600;
const NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "manager", "misc"];

struct Offence {
    path: String,
    line: usize,
    rule: String,
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

/// An identifier, `::` or a single other character, with the line it stands on.
#[derive(Clone, Copy)]
struct Word<'t> {
    line: usize,
    text: &'t str,
}

/// The words of a Rust text, without comments, strings and character literals.
fn words(text: &str) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => quoted(rest),
            'r' | 'b' | 'c' if literal_prefix(rest).is_some() => literal_prefix(rest).unwrap_or(1),
            '\'' => character(rest),
            c if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                let (word, _) = rest.split_at(end.unwrap_or(rest.len()));
                found.push(Word { line, text: word });
                word.len()
            }
            c if c.is_whitespace() => c.len_utf8(),
            ':' if rest.starts_with("::") => {
                found.push(Word { line, text: "::" });
                2
            }
            c => {
                found.push(Word { line, text: rest.split_at(c.len_utf8()).0 });
                c.len_utf8()
            }
        };
        let (gone, left) = rest.split_at(taken);
        line += gone.matches('\n').count();
        rest = left;
    }
    found
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        let (_, left) = rest.split_at(at);
        if left.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if left.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else if let Some(c) = left.chars().next() {
            at += c.len_utf8();
        } else {
            return at;
        }
    }
}

fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Length of a raw, byte or C string that starts here, if one does.
fn literal_prefix(rest: &str) -> Option<usize> {
    let prefix = rest.find(|c: char| !matches!(c, 'r' | 'b' | 'c'))?;
    let (letters, after) = rest.split_at(prefix);
    if prefix > 2 {
        return None;
    }
    if letters.contains('r') {
        let hashes = after.find(|c| c != '#')?;
        let body = after.split_at(hashes).1.strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = body.find(&end).map_or(body.len(), |at| at + end.len());
        return Some(prefix + hashes + 1 + length);
    }
    after.starts_with('"').then(|| prefix + quoted(after))
}

/// Length of a character literal, or of the quote of a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            chars.next();
            chars.find(|(_, c)| *c == '\'').map_or(1, |(at, _)| at + 1)
        }
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

/// `src/store/members.rs` is in room `store`, two modules deep.
fn room_and_depth(path: &str) -> (&str, usize) {
    let inner = path.strip_prefix("src/").unwrap_or(path);
    let inner = inner.strip_suffix(".rs").unwrap_or(inner);
    let room = inner.split('/').next().unwrap_or(inner);
    let depth = if matches!(inner, "lib" | "main") { 0 } else { inner.split('/').count() };
    (room, depth)
}

fn within(path: &str, places: &[&str]) -> bool {
    places.iter().any(
        |place| {
            if place.ends_with('/') { path.starts_with(place) } else { path == *place }
        },
    )
}

/// A path expression that reaches a room: the room's name and the line.
fn rooms_reached<'t>(words: &[Word<'t>], depth: usize) -> Vec<Word<'t>> {
    let mut reached = Vec::new();
    let (mut braces, mut inline) = (0_usize, Vec::new());
    for (at, word) in words.iter().enumerate() {
        let next = |n: usize| words.get(at + n).map_or("", |w| w.text);
        match word.text {
            "{" => braces += 1,
            "}" => {
                braces = braces.saturating_sub(1);
                inline.pop_if(|opened| *opened == braces);
            }
            "mod" if next(2) == "{" => inline.push(braces),
            "crate" if next(1) == "::" => reached.extend(heads(words, at + 2)),
            "super" if next(1) == "::" => {
                let mut supers = 1;
                while next(2 * supers) == "super" {
                    supers += 1;
                }
                if supers >= depth + inline.len() && depth + inline.len() > 0 {
                    reached.extend(heads(words, at + 2 * supers));
                }
            }
            _ => {}
        }
    }
    reached
}

/// The first names of a path that goes on at `at`: one, or those of a `{…}` group.
fn heads<'t>(words: &[Word<'t>], at: usize) -> Vec<Word<'t>> {
    let Some(first) = words.get(at) else { return Vec::new() };
    if first.text != "{" {
        return vec![*first];
    }
    let (mut depth, mut heads, mut expected) = (0_usize, Vec::new(), false);
    for word in words.iter().skip(at) {
        match word.text {
            "{" => {
                depth += 1;
                expected = depth == 1;
            }
            "}" if depth == 1 => break,
            "}" => depth -= 1,
            "," => expected = depth == 1,
            _ if expected => {
                heads.push(*word);
                expected = false;
            }
            _ => {}
        }
    }
    heads
}

/// Every offence of one file.
fn check(path: &str, text: &str) -> Vec<Offence> {
    let mut offences = Vec::new();
    let mut offend = |line: usize, rule: String| {
        offences.push(Offence { path: path.to_owned(), line, rule });
    };
    let length = text.lines().count();
    if length > LONGEST {
        offend(length, format!("a file has at most {LONGEST} lines: split it by meaning"));
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    if name == "mod.rs" {
        offend(1, "no mod.rs: `name.rs` beside `name/`".to_owned());
    }
    if NAMES.contains(&name.strip_suffix(".rs").unwrap_or(name)) {
        offend(1, format!("{name} says nothing: name the file after what is in it"));
    }
    if !path.starts_with("src/") {
        return offences;
    }

    let (room, depth) = room_and_depth(path);
    let Some((_, may)) = ROOMS.iter().find(|(known, _)| *known == room) else {
        offend(1, format!("{room} is no room of the table in tests/architecture.rs"));
        return offences;
    };
    let pure = within(path, PURE);
    let words = words(text);
    for reached in rooms_reached(&words, depth) {
        let target = reached.text;
        if target == room || !ROOMS.iter().any(|(known, _)| *known == target) {
            continue;
        }
        if !may.contains(&"*") && !may.contains(&target) {
            offend(reached.line, format!("{room} may not import {target}"));
        } else if pure && PURE_ROOMS.contains(&target) {
            offend(reached.line, format!("this file only decides: it may not import {target}"));
        }
    }
    for (at, word) in words.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| words.get(at)).map_or("", |w| w.text);
        let next = |n: usize| words.get(at + n).map_or("", |w| w.text);
        // A crate is named at the head of a path, or in an attribute of its derive.
        let head = (next(1) == "::" && before != "::")
            || (before == "use" && next(1) != "::")
            || (before == "[" && next(1) == "(");
        for (crates, places, why) in CRATES {
            if head && crates.contains(&word.text) && !within(path, places) {
                offend(word.line, format!("{} has no place here: {why}", word.text));
            }
        }
        if pure && head && PURE_CRATES.contains(&word.text) {
            offend(word.line, format!("this file only decides: no {}", word.text));
        }
        let stack = path == PURE_STACK && next(2) == "thread";
        if pure && word.text == "std" && next(1) == "::" && PURE_STD.contains(&next(2)) && !stack {
            offend(word.line, format!("this file only decides: no std::{}", next(2)));
        }
        for (call, place) in CALLS {
            if call.first() == Some(&word.text)
                && next(1) == "::"
                && call.last() == Some(&next(2))
                && path != *place
            {
                offend(word.line, format!("{} is asked only in {place}", call.join("::")));
            }
        }
    }
    offences
}

/// Every `.rs` file below a folder, by its path from the package's root.
fn sources(folder: &Path, name: &str, found: &mut Vec<(String, String)>) -> std::io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            sources(&entry.path(), &path, found)?;
        } else if Path::new(&path).extension().is_some_and(|extension| extension == "rs") {
            found.push((path, fs::read_to_string(entry.path())?));
        }
    }
    Ok(())
}

#[test]
fn the_source_keeps_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches"] {
        sources(&root.join(folder), folder, &mut files).expect("the source can be read");
    }
    assert!(files.iter().any(|(path, _)| path == "src/lib.rs"), "no source was found");
    let offences: Vec<String> = files
        .iter()
        .flat_map(|(path, text)| check(path, text))
        .map(|offence| offence.to_string())
        .collect();
    assert!(offences.is_empty(), "\n{}\n", offences.join("\n"));
}

#[test]
fn every_room_of_the_table_names_known_rooms() {
    for (room, may) in ROOMS {
        for target in *may {
            let known = *target == "*" || ROOMS.iter().any(|(known, _)| known == target);
            assert!(known, "{room} may import {target}, which is no room");
        }
    }
}

fn rules(path: &str, text: &str) -> Vec<String> {
    check(path, text).iter().map(ToString::to_string).collect()
}

#[test]
fn an_import_against_the_table_is_found() {
    assert_eq!(
        rules("src/mapping/plan.rs", "//! Doc.\nuse crate::store::Store;\n"),
        ["src/mapping/plan.rs:2: mapping may not import store"]
    );
    assert_eq!(
        rules("src/scim/filter.rs", "fn f() {\n    crate::id::below(3);\n}\n"),
        ["src/scim/filter.rs:2: scim may not import id"]
    );
    assert_eq!(
        rules(
            "src/adapters/scim.rs",
            "use crate::{\n  mapping::field::{Kind, self},\n  store,\n};"
        ),
        ["src/adapters/scim.rs:3: adapters may not import store"]
    );
}

#[test]
fn climbing_to_the_root_with_super_is_found() {
    assert_eq!(rules("src/mapping.rs", "use super::store::Store;").len(), 1);
    assert_eq!(rules("src/mapping/rule.rs", "use super::super::{scim, http};").len(), 1);
    assert_eq!(
        rules("src/mapping/rule.rs", "mod tests {\n    use super::super::super::store::Store;\n}"),
        ["src/mapping/rule.rs:2: mapping may not import store"]
    );
    // Inside the room, whatever it is called there, it is nobody's business.
    assert_eq!(rules("src/mapping/rule.rs", "use super::store::Row;"), [""; 0]);
    assert_eq!(
        rules("src/mapping/rule.rs", "mod tests { use super::super::store::Row; }"),
        [""; 0]
    );
}

#[test]
fn what_is_allowed_is_not_found() {
    let text = "use crate::mapping::field::Kind;\nuse crate::scim::urn;\nuse reqwest::Client;\n";
    assert_eq!(rules("src/adapters/scim.rs", text), [""; 0]);
    let text = "use crate::{adapters, mapping, scim, store, vault};\n";
    assert_eq!(rules("src/outbound/worker.rs", text), [""; 0]);
}

#[test]
fn comments_and_literals_do_not_count() {
    let text = r##"
// use crate::store::Store;
/* crate::http::x /* Instant::now() */ diesel::x */
const A: &str = "crate::store::x \" Instant::now()";
const B: &str = r#"use diesel::prelude::*; " "#;
const C: char = '"'; const D: char = '\''; const E: &[u8] = b"crate::http::x";
fn f<'a>(x: &'a str) -> &'a str { x }
"##;
    assert_eq!(rules("src/scim/value.rs", text), [""; 0]);
    // And the words after them do.
    let text = format!("{text}use crate::store::Store;");
    assert_eq!(
        rules("src/scim/value.rs", &text),
        ["src/scim/value.rs:8: scim may not import store"]
    );
}

#[test]
fn crates_out_of_place_are_found() {
    for (path, text) in [
        ("src/directory/service.rs", "use diesel::prelude::*;"),
        ("src/directory/service.rs", "#[diesel(table_name = x)]\nstruct X;"),
        ("src/outbound/engine.rs", "fn f() -> actix_web::Result<()> { Ok(()) }"),
        ("src/outbound/engine.rs", "use reqwest;"),
        ("src/cli/token.rs", "use actix_web::App;"),
        ("src/auth/token.rs", "use reqwest::Client;"),
        ("src/outbound/plan.rs", "use crate::clock::Clock;"),
        ("src/outbound/plan.rs", "use tokio::time;"),
        ("src/mapping/rule.rs", "use std::fs::File;"),
    ] {
        assert_eq!(rules(path, text).len(), 1, "{path}: {text}");
    }
    assert_eq!(rules("src/store/query.rs", "use diesel::prelude::*;"), [""; 0]);
    assert_eq!(rules("src/auth/jwks.rs", "use reqwest::Client;"), [""; 0]);
    assert_eq!(rules("src/cli/serve.rs", "use actix_web::HttpServer;"), [""; 0]);
}

#[test]
fn time_and_randomness_out_of_place_are_found() {
    for call in
        ["std::time::Instant::now()", "SystemTime::now()", "Timestamp::now()", "Uuid::now_v7()"]
    {
        let text = format!("fn f() {{\n    let x = {call};\n}}\n");
        let found = rules("src/outbound/engine.rs", &text);
        assert_eq!(found.len(), 1, "{call}");
        assert!(found.iter().all(|rule| rule.starts_with("src/outbound/engine.rs:2: ")), "{call}");
    }
    assert_eq!(rules("src/clock.rs", "fn f() { Instant::now(); }"), [""; 0]);
}

#[test]
fn names_and_lengths_out_of_bounds_are_found() {
    assert_eq!(rules("src/store/mod.rs", "").len(), 1);
    assert_eq!(rules("src/store/utils.rs", "").len(), 1);
    assert_eq!(rules("tests/it/helpers.rs", "").len(), 1);
    assert_eq!(rules("src/kitchen/sink.rs", "").len(), 1, "a room outside the table");
    assert_eq!(rules("src/store/rows.rs", &"\n".repeat(LONGEST)), [""; 0]);
    assert_eq!(rules("src/store/rows.rs", &"\n".repeat(LONGEST + 1)).len(), 1);
}
