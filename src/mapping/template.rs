//! Templates of `join`: `{name.givenName} {name.familyName}`.
//!
//! ```text
//! template = *( field / "{{" / "}}" / text )
//! field    = "{" path "}"        ; a brace within quotes belongs to the path
//! ```

use super::selector::Selector;
use crate::scim::schema::ResourceType;
use serde_json::{Map, Value};

/// A template, checked.
#[derive(Debug, Clone)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Field(Box<Selector>),
}

impl Template {
    /// Its fields.
    pub(crate) fn selectors(&self) -> impl Iterator<Item = &Selector> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Field(selector) => Some(selector.as_ref()),
        })
    }

    /// Checks a template. Each error is a sentence with its remedy.
    pub(crate) fn compile(kind: &ResourceType, text: &str) -> Result<Self, Vec<String>> {
        let mut pieces = Vec::new();
        let mut problems = Vec::new();
        let mut plain = String::new();
        let mut fields = 0_usize;
        let mut letters = text.chars().enumerate().peekable();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '{' | '}' if letters.peek().is_some_and(|(_, next)| *next == letter) => {
                    plain.push(letter);
                    letters.next();
                }
                '}' => problems.push(format!(
                    "the template has a }} without its {{ at character {}; for a brace write }}}}.",
                    at + 1
                )),
                '{' => {
                    let Some(path) = field(&mut letters) else {
                        problems.push(format!(
                            "the template's {{ at character {} is not closed; add a }}, or for a \
                             brace write {{{{.",
                            at + 1
                        ));
                        break;
                    };
                    fields += 1;
                    match Selector::compile(kind, &path) {
                        Ok(selector) => {
                            if !plain.is_empty() {
                                pieces.push(Piece::Text(std::mem::take(&mut plain)));
                            }
                            pieces.push(Piece::Field(Box::new(selector)));
                        }
                        Err(problem) => problems.push(problem),
                    }
                }
                letter => plain.push(letter),
            }
        }
        if fields == 0 && problems.is_empty() {
            problems.push(
                "the template names no profile field; write one as {userName}, or use a hardcoded \
                 value."
                    .to_owned(),
            );
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        if problems.is_empty() { Ok(Self(pieces)) } else { Err(problems) }
    }

    /// The text; none where every field in it is empty. Runs of white space become one space.
    pub(crate) fn render(&self, resource: &Map<String, Value>) -> Option<String> {
        let mut text = String::new();
        let mut any = false;
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Field(selector) => match selector.read(resource) {
                    Some(Value::String(value)) => {
                        any |= !value.trim().is_empty();
                        text.push_str(value);
                    }
                    Some(value) => {
                        any = true;
                        text.push_str(&value.to_string());
                    }
                    None => {}
                },
            }
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (any && !text.is_empty()).then_some(text)
    }
}

/// What stands up to the closing brace; none where there is none.
fn field(letters: &mut impl Iterator<Item = (usize, char)>) -> Option<String> {
    let mut path = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for (_, letter) in letters {
        match letter {
            '}' if !quoted => return Some(path),
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && letter == '\\' && !escaped;
        path.push(letter);
    }
    None
}
