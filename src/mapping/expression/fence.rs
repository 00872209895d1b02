//! What is refused before the parser sees it, and where it is read.
//!
//! The parser calls itself once per bracket and per operator, and a stack that overflows takes the
//! whole process with it. What the fence lets in was measured to fit sixteen times over into the stack
//! of the thread on which it is read.

use super::Fault;

/// Longest expression, in characters.
pub(crate) const LONGEST: usize = 1_000;
/// How deeply brackets are nested at most.
pub(crate) const DEEPEST: usize = 32;
/// Stack of the thread that reads an expression, in bytes.
const STACK: usize = 16 * 1_024 * 1_024;

/// Whether the parser may see it.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    if text.trim().is_empty() {
        let detail = "the expression is empty; write one, as in name.givenName, or use another \
                      source.";
        return Err(Fault { at: 1, detail: detail.to_owned() });
    }
    let length = text.chars().count();
    if length > LONGEST {
        return Err(Fault {
            at: LONGEST + 1,
            detail: format!(
                "the expression has {length} characters and may have {LONGEST}; shorten it, or use \
                 a table."
            ),
        });
    }
    match too_deep(text) {
        Some(at) => Err(Fault {
            at,
            detail: format!(
                "brackets are nested deeper than {DEEPEST} here; write the expression flatter."
            ),
        }),
        None => Ok(()),
    }
}

/// The character at which brackets are nested too deeply, outside of texts and comments.
fn too_deep(text: &str) -> Option<usize> {
    let letters: Vec<char> = text.chars().collect();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(letter) = letters.get(at) {
        match letter {
            '(' | '[' | '{' => {
                depth += 1;
                if depth > DEEPEST {
                    return Some(at + 1);
                }
            }
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '/' if letters.get(at + 1) == Some(&'/') => {
                at += letters.iter().skip(at).take_while(|letter| **letter != '\n').count();
                continue;
            }
            '"' | '\'' => {
                at = after_text(&letters, at);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where it goes on after the text that begins here.
fn after_text(letters: &[char], start: usize) -> usize {
    let quote = letters.get(start);
    let is_quote = |at: usize| letters.get(at) == quote;
    let threefold = is_quote(start + 1) && is_quote(start + 2);
    let before = start.checked_sub(1).and_then(|at| letters.get(at));
    // `r"…"` has no escapes; neither has `br"…"`, whose r is next to the quote as well.
    let raw = matches!(before, Some('r' | 'R'));
    let mut at = start + if threefold { 3 } else { 1 };
    while let Some(letter) = letters.get(at) {
        match letter {
            '\\' if !raw => at += 2,
            '\n' | '\r' if !threefold => return at,
            _ if !is_quote(at) => at += 1,
            _ if !threefold => return at + 1,
            _ if is_quote(at + 1) && is_quote(at + 2) => return at + 3,
            _ => at += 1,
        }
    }
    at
}

/// Does something on a stack that is large enough for the parser.
pub(super) fn within<T: Send>(
    read: impl FnOnce() -> Result<T, Vec<Fault>> + Send,
) -> Result<T, Vec<Fault>> {
    let unread = |what: &str| vec![Fault { at: 1, detail: what.to_owned() }];
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new()
            .name("expression".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, read)
            .map_err(|_no_thread| {
                unread("there is no memory to read the expression just now; save again.")
            })?;
        reader.join().unwrap_or_else(|_panic| {
            Err(unread("the expression cannot be read; write it another way."))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_counted_outside_of_texts_only() {
        let nested = |count: usize| format!("{}1{}", "(".repeat(count), ")".repeat(count));
        assert_eq!(check(&nested(DEEPEST)), Ok(()));
        let fault = check(&nested(DEEPEST + 1)).unwrap_err();
        assert_eq!(fault.at, DEEPEST + 1);
        let many = "[".repeat(40);
        for text in [
            format!("\"{many}\""),
            format!("'{many}'"),
            format!("'\\'{many}'"),
            format!("r'\\' + '{many}'"),
            format!("'''it's {many}'''"),
            format!("1 // {many}\n + 1"),
        ] {
            assert_eq!(check(&text), Ok(()), "{text}");
        }
        for text in [format!("'a' + {many}"), format!("// x\n{many}"), format!("'''a''' {many}")] {
            assert!(check(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        let long = format!("\"{}\"", "é".repeat(LONGEST - 2));
        assert_eq!(check(&long), Ok(()));
        let fault = check(&format!("{long} ")).unwrap_err();
        assert_eq!(fault.at, LONGEST + 1);
        assert!(fault.detail.contains("1001 characters"), "{}", fault.detail);
    }
}
