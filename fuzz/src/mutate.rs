//! Mutations that know what they change.
//!
//! Random bytes are hardly ever JSON and never a path of the schema. These mutations move in texts
//! that a client could send; every eighth is one of libFuzzer's own, for those that none could.

use crate::REGISTRY;
use crate::scim::schema::{Attribute, Place, Schema};
use libfuzzer_sys::fuzzer_mutate;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Changes a JSON text; to be the body of `fuzz_mutator!`.
pub fn body(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut dice = Dice(seed.into());
    let Some(mut body) = read(data, size, &mut dice) else {
        return fuzzer_mutate(data, size, max_size);
    };
    for _ in 0..=dice.below(3) {
        let nodes = count(&body);
        change(nth(&mut body, &mut dice.below(nodes)), &mut dice);
    }
    write(data, size, max_size, body.to_string().as_bytes())
}

/// Changes a filter; to be the body of `fuzz_mutator!`.
pub fn filter(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut dice = Dice(seed.into());
    let Some(Ok(text)) = data.get(..size).map(str::from_utf8) else {
        return fuzzer_mutate(data, size, max_size);
    };
    let leaf = |dice: &mut Dice| comparison(dice, &NAMES);
    let changed = match dice.below(12) {
        0 => format!("({text})"),
        1 => format!("not ({text})"),
        2 => format!("{text} and {}", leaf(&mut dice)),
        3 => format!("{} or {text}", leaf(&mut dice)),
        4 => format!("({text}) {} ({})", dice.of(&["and", "or"]), leaf(&mut dice)),
        5 => format!("{text} or {}", value_path(&mut dice)),
        6 => format!("{}{}", value_path(&mut dice), dice.of(&[" and x pr", ".value eq 1", ""])),
        7 => leaf(&mut dice),
        8 | 9 => splice(text, &mut dice),
        _ => return fuzzer_mutate(data, size, max_size),
    };
    write(data, size, max_size, changed.as_bytes())
}

/// Changes a path, or a list of paths; to be the body of `fuzz_mutator!`.
pub fn path(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut dice = Dice(seed.into());
    let Some(Ok(text)) = data.get(..size).map(str::from_utf8) else {
        return fuzzer_mutate(data, size, max_size);
    };
    let changed = match dice.below(10) {
        0 => dice.of(&NAMES).clone(),
        1 => format!("{text},{}", dice.of(&NAMES)),
        2 => value_path(&mut dice),
        3 => format!("{}.{}", value_path(&mut dice), dice.of(PARTS)),
        4 => format!("{text}.{}", dice.of(PARTS)),
        5 => format!("{text}[{}]", comparison(&mut dice, PARTS)),
        6 | 7 => splice(text, &mut dice),
        _ => return fuzzer_mutate(data, size, max_size),
    };
    write(data, size, max_size, changed.as_bytes())
}

/// Changes an expression; to be the body of `fuzz_mutator!`.
pub fn expression(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut dice = Dice(seed.into());
    let Some(Ok(text)) = data.get(..size).map(str::from_utf8) else {
        return fuzzer_mutate(data, size, max_size);
    };
    let word = |dice: &mut Dice| match dice.below(3) {
        0 => dice.of(&NAMES).clone(),
        _ => (*dice.of(CALLS)).to_owned(),
    };
    let changed = match dice.below(12) {
        0 => format!("({text})"),
        1 => format!("{}{text})", dice.of(CALLS)),
        2 => format!("{text}.{}{})", dice.of(CALLS), word(&mut dice)),
        3 => format!("{text} {} {}", dice.of(SIGNS), word(&mut dice)),
        4 => format!("{text} ? {} : {text}", word(&mut dice)),
        5 => format!("{text}.{}x, {})", dice.of(WALKS), word(&mut dice)),
        6 => format!("[{text}, {}][0]", dice.of(LITERALS)),
        7 => format!("{text}[{}]", dice.of(LITERALS)),
        8..=10 => {
            let word = word(&mut dice);
            spliced(text, &mut dice, &word)
        }
        _ => return fuzzer_mutate(data, size, max_size),
    };
    write(data, size, max_size, changed.as_bytes())
}

/// A word more, or in the place of what stands there.
fn splice(text: &str, dice: &mut Dice) -> String {
    let word = match dice.below(3) {
        0 => dice.of(&NAMES).as_str(),
        _ => *dice.of(SYNTAX),
    };
    spliced(text, dice, word)
}

fn spliced(text: &str, dice: &mut Dice, word: &str) -> String {
    let edges: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
    let from = dice.below(edges.len());
    let width = if dice.below(2) == 0 { 0 } else { dice.below(12) };
    let to = (from + width).min(edges.len() - 1);
    let space = if dice.below(2) == 0 { " " } else { "" };
    format!("{}{space}{word}{space}{}", &text[..edges[from]], &text[edges[to]..])
}

fn comparison<T: AsRef<str>>(dice: &mut Dice, names: &[T]) -> String {
    let name = dice.of(names).as_ref();
    match dice.below(5) {
        0 => format!("{name} pr"),
        _ => format!("{name} {} {}", dice.of(OPERATORS), dice.of(LITERALS)),
    }
}

/// `emails[type eq "work"]`
fn value_path(dice: &mut Dice) -> String {
    let name = dice.of(&["emails", "members", "addresses", "roles", "name", "x509Certificates"]);
    let mut inner = comparison(dice, PARTS);
    for _ in 0..dice.below(3) {
        let next = comparison(dice, PARTS);
        inner = match dice.below(4) {
            0 => format!("{inner} and {next}"),
            1 => format!("{inner} or {next}"),
            2 => format!("not ({inner}) and {next}"),
            _ => format!("{next} and ({inner})"),
        };
    }
    format!("{name}[{inner}]")
}

/// How calls of expressions begin.
const CALLS: &[&str] = &[
    "upper(",
    "slug(",
    "split(",
    "join(",
    "replace(",
    "pad(",
    "left(",
    "before(",
    "initials(",
    "coalesce(",
    "lookup(x, {\"a\": 1}, ",
    "matches(",
    "formatDate(",
    "size(",
    "string(",
    "int(",
    "has(user.",
    "lower(",
    "transliterate(",
    "contains(",
    "x",
    "x.value",
    "user",
    "{\"a\": x}",
];
const SIGNS: &[&str] =
    &["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "in", "? x :", ".", ","];
const WALKS: &[&str] = &["map(", "filter(", "all(", "exists(", "exists_one("];

fn read(data: &[u8], size: usize, dice: &mut Dice) -> Option<Value> {
    if dice.below(8) == 0 {
        return None;
    }
    serde_json::from_slice(data.get(..size)?).ok()
}

fn write(data: &mut [u8], size: usize, max_size: usize, changed: &[u8]) -> usize {
    if changed.len() > max_size {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..changed.len()].copy_from_slice(changed);
    changed.len()
}

/// Numbers that follow from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit.max(1) as u64).expect("below a usize")
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(count).sum(),
        Value::Object(parts) => parts.values().map(count).sum(),
        _ => 0,
    }
}

/// The node with that number, the root being 0.
fn nth<'a>(value: &'a mut Value, number: &mut usize) -> &'a mut Value {
    if *number == 0 {
        return value;
    }
    *number -= 1;
    let below: Vec<&mut Value> = match value {
        Value::Array(values) => values.iter_mut().collect(),
        Value::Object(parts) => parts.values_mut().collect(),
        _ => unreachable!("the number is below the count"),
    };
    for part in below {
        let size = count(part);
        if *number < size {
            return nth(part, number);
        }
        *number -= size;
    }
    unreachable!("the number is below the count")
}

fn change(node: &mut Value, dice: &mut Dice) {
    match node {
        Value::Array(values) => match dice.below(5) {
            0 if !values.is_empty() => drop(values.remove(dice.below(values.len()))),
            1 if !values.is_empty() => values.push(dice.of(values).clone()),
            2 if !values.is_empty() => {
                let (a, b) = (dice.below(values.len()), dice.below(values.len()));
                values.swap(a, b);
            }
            3 => *node = dice.of(&VALUES).clone(),
            _ => {
                let at = dice.below(values.len() + 1);
                values.insert(at, dice.of(&VALUES).clone());
            }
        },
        Value::Object(parts) => {
            let key = parts.keys().nth(dice.below(parts.len())).cloned();
            match (dice.below(6), key) {
                (0, Some(key)) => drop(parts.shift_remove(&key)),
                (1, Some(key)) => {
                    let value = parts.shift_remove(&key).unwrap_or_default();
                    parts.insert(member(dice), value);
                }
                (2, Some(key)) => {
                    let value = parts.shift_remove(&key).unwrap_or_default();
                    parts.insert(swap_case(&key), value);
                }
                (3, _) => *node = dice.of(&VALUES).clone(),
                _ => drop(parts.insert(member(dice), dice.of(&VALUES).clone())),
            }
        }
        Value::String(text) => match dice.below(6) {
            0 => *node = dice.of(&VALUES).clone(),
            1 => text.clone_from(dice.of(&NAMES)),
            2 => *text = value_path(dice),
            3 => *text = format!("{}.{}", value_path(dice), dice.of(PARTS)),
            4 => *text = splice(text, dice),
            _ => {
                let mut bytes = text.clone().into_bytes();
                let size = bytes.len();
                bytes.resize(size + 64, 0);
                let size = fuzzer_mutate(&mut bytes, size, size + 64);
                bytes.truncate(size);
                *text = String::from_utf8_lossy(&bytes).into_owned();
            }
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => *node = dice.of(&VALUES).clone(),
    }
}

/// The name of a member of a body.
fn member(dice: &mut Dice) -> String {
    match dice.below(3) {
        0 => (*dice.of(WORDS)).to_owned(),
        1 => (*dice.of(PARTS)).to_owned(),
        _ => dice.of(&NAMES).clone(),
    }
}

fn swap_case(text: &str) -> String {
    let upper = text.to_ascii_uppercase();
    if upper == text { text.to_ascii_lowercase() } else { upper }
}

/// Every name of the schemas: attributes, their parts and URNs.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut names = Vec::new();
    for kind in &REGISTRY.resource_types {
        name(&mut names, None, &kind.common);
        name(&mut names, None, &kind.schema.attributes);
        names.push(kind.schema.id.clone());
        for (schema, _) in &kind.extensions {
            name(&mut names, Some(schema), &schema.attributes);
            names.push(schema.id.clone());
        }
    }
    names
});

fn name(words: &mut Vec<String>, extension: Option<&Schema>, attributes: &[Attribute]) {
    for attribute in attributes {
        words.push(attribute.name.clone());
        words.push(Place { extension, attribute, sub: None }.key());
        for sub in &attribute.sub_attributes {
            words.push(Place { extension, attribute, sub: Some(sub) }.key());
        }
    }
}

const PARTS: &[&str] = &["value", "type", "primary", "display", "$ref", "country", "VALUE", "x"];

const OPERATORS: &[&str] =
    &["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ", "Ne", "pr", "in"];

const LITERALS: &[&str] = &[
    "\"work\"",
    "\"b@example.com\"",
    "\"\"",
    "\"é\"",
    "\"\\u00e9\"",
    "\"a\\\"b\"",
    "true",
    "false",
    "null",
    "0",
    "-0.0",
    "1.5",
    "1e9",
    "1e-400",
    "1e999",
    "18446744073709551616",
    "\"True\"",
    "\"2011-05-13T04:42:34Z\"",
    "\"2011-05-13T04:42:34.5-08:30\"",
    "\"2011-02-29T04:42:34\"",
];

/// What stands between names, and the words of messages.
const SYNTAX: &[&str] = &[
    "(", ")", "[", "]", ".", ":", ",", "\"", "\\", "and", "or", "not", "not (", "pr", "eq", "co",
    "1", "true", "null", "\"x\"", "x", " ", "\t",
];

const WORDS: &[&str] = &[
    "schemas",
    "Operations",
    "op",
    "path",
    "value",
    "add",
    "remove",
    "replace",
    "Replace",
    "failOnErrors",
    "method",
    "bulkId",
    "version",
    "data",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "GET",
    "/Users",
    "/Groups",
    "/Users/1",
    "bulkId:a",
    "bulkId:b",
    "/Users/bulkId:a",
    "/Groups/bulkId:b",
    "urn:ietf:params:scim:api:messages:2.0:PatchOp",
    "urn:ietf:params:scim:api:messages:2.0:BulkRequest",
];

/// What may stand anywhere in a body.
static VALUES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    vec![
        Value::Null,
        true.into(),
        false.into(),
        0.into(),
        (-1).into(),
        1.5.into(),
        1e300.into(),
        u64::MAX.into(),
        "".into(),
        " ".into(),
        "x".into(),
        "B@EXAMPLE.COM".into(),
        "é\u{301}".into(),
        "a\u{0}".into(),
        "True".into(),
        "work".into(),
        "2011-05-13T04:42:34Z".into(),
        "QUJD".into(),
        "bulkId:a".into(),
        json!([]),
        json!({}),
        json!([null]),
        json!(["x"]),
        json!([[{}]]),
        json!({ "value": "x" }),
        json!({ "value": "" }),
        json!([{ "value": "x", "type": "work", "primary": true }]),
        json!([{ "value": "x", "primary": true }, { "value": "y", "primary": false }]),
        json!({ "value": "y", "type": "home", "primary": true }),
        json!({ "formatted": "x", "givenName": "y" }),
        json!({ "manager": { "value": "m" }, "department": "d" }),
        json!({ "name.givenName": "y", "emails[type eq \"work\"].value": "z" }),
        json!({ "op": "add", "path": "title", "value": "x" }),
        json!({ "op": "remove", "path": "emails[type eq \"work\"]" }),
        json!({ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "x" }),
        json!({ "op": "add", "path": "emails", "value": [{ "value": "x", "primary": true }] }),
        json!({ "op": "remove", "path": "members[value eq \"u1\"]" }),
        json!({ "op": "add", "path": "members", "value": [{ "value": "u1" }, { "value": "u2" }] }),
        json!({ "op": "replace", "value": { "title": "x", "members": [] } }),
        json!({ "method": "POST", "path": "/Users", "bulkId": "a", "data": { "userName": "a" } }),
        json!({ "method": "POST", "path": "/Groups", "bulkId": "b",
            "data": { "displayName": "g", "members": [{ "value": "bulkId:a" }] } }),
        json!({ "method": "PATCH", "path": "/Groups/bulkId:b", "data": { "Operations": [
            { "op": "add", "path": "members", "value": [{ "value": "bulkId:a" }] }] } }),
        json!({ "method": "DELETE", "path": "/Users/1", "version": "W/\"1\"" }),
    ]
});
