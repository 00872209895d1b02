//! What an imported rule means, in terms of Rollcall: profile fields, texts and the functions of
//! the expression language.

pub(super) mod text;

use crate::scim::value::fold;

/// Most tests one after another: every one nests the expression deeper.
pub(super) const LONGEST_CHAIN: usize = 24;

/// A value in terms of Rollcall.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    /// A profile field, by SCIM path.
    Field(&'static str),
    /// The manager: in the app, the manager's account.
    Manager,
    /// What was given at the assignment to the app.
    Assignment,
    /// A text.
    Text(String),
    /// A number, digit by digit.
    Number(String),
    /// `true` or `false`.
    Boolean(bool),
    /// No value.
    Null,
    /// Texts one after another; those without a value count as empty.
    Sum(Vec<Term>),
    /// Texts with a separator between those that have a value.
    Join(String, Vec<Term>),
    /// The first that has a value.
    First(Vec<Term>),
    /// By the value of a text, without case: a value.
    Table { key: Box<Term>, entries: Vec<(String, Term)>, default: Box<Term> },
    /// Condition, value if it holds, value if not.
    Choice(Box<[Term; 3]>),
    /// A function of the expression language.
    Call(&'static str, Vec<Term>),
    /// An element of a list, counted from 0.
    Item(Box<Term>, usize),
    /// Whether there is a value.
    Present(Box<Term>),
    /// A comparison.
    Compare(Comparison, Box<Term>, Box<Term>),
    /// `contains`, `startsWith` and `endsWith`.
    Search(&'static str, Box<Term>, Box<Term>),
    /// Whether a text is one of several.
    In(Box<Term>, Vec<Term>),
    /// Whether the person is in a group whose name passes the test of this name.
    Member(&'static str, String),
    /// All conditions.
    All(Vec<Term>),
    /// Any condition.
    Any(Vec<Term>),
    /// The opposite of a condition.
    Not(Box<Term>),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Why something cannot be translated, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Obstacle {
    pub(super) detail: String,
    pub(super) remedy: String,
}

impl Obstacle {
    pub(super) fn new(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { detail: detail.into(), remedy: remedy.into() }
    }

    /// A function that has no counterpart.
    pub(super) fn function(name: &str) -> Self {
        Self::new(
            format!("Rollcall has no function that does what {name} does."),
            "Write the value with other functions in an expression, or put it in a profile field.",
        )
    }

    /// A function whose arguments are not those it is documented to take.
    pub(super) fn arguments(name: &str) -> Self {
        Self::new(
            format!("{name} is called here in a way that has no counterpart."),
            "Write the value as an expression.",
        )
    }

    /// An attribute that has no place in a profile.
    pub(super) fn attribute(name: &str) -> Self {
        Self::new(
            format!("The profile has no field that corresponds to {name}."),
            "Add a profile field for it, fill it, and map that field.",
        )
    }

    /// Whether an account is switched on.
    pub(super) fn active() -> Self {
        Self::new(
            "Rollcall switches accounts on and off by itself.",
            "Nothing is to be done: who is assigned to the app and active has an active account.",
        )
    }

    /// An id by which the other product knows people.
    pub(super) fn identity(name: &str) -> Self {
        Self::new(
            format!(
                "{name} is an id in the other directory; Rollcall remembers each account in the \
                 app by ids of its own."
            ),
            "Leave the app's default rule for the field, or map the profile field id.",
        )
    }
}

impl Term {
    /// Whether it is a condition.
    pub(super) fn is_condition(&self) -> bool {
        matches!(
            self,
            Self::Boolean(_)
                | Self::Present(_)
                | Self::Compare(..)
                | Self::Search(..)
                | Self::In(..)
                | Self::Member(..)
                | Self::All(_)
                | Self::Any(_)
                | Self::Not(_)
                | Self::Call("matches", _)
        )
    }

    /// Whether it is a number.
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Call("size" | "int" | "double", _))
    }

    /// Whether it has a value whatever the profile holds.
    pub(super) fn has_always_a_value(&self) -> bool {
        match self {
            Self::Text(text) => !text.is_empty(),
            Self::Number(_) | Self::Boolean(_) => true,
            Self::First(parts) => parts.iter().any(Self::has_always_a_value),
            Self::Table { entries, default, .. } => {
                default.has_always_a_value()
                    && entries.iter().all(|(_, value)| value.has_always_a_value())
            }
            Self::Call("lower" | "upper", arguments) => {
                arguments.iter().all(Self::has_always_a_value)
            }
            _ => false,
        }
    }

    /// The term as a condition: the text `true`, in any case, holds.
    pub(super) fn condition(self) -> Self {
        if self.is_condition() {
            return self;
        }
        let lower = Self::Call("lower", vec![self]);
        Self::Compare(Comparison::Equal, Box::new(lower), Box::new(Self::Text("true".to_owned())))
    }

    /// The opposite of a condition.
    pub(super) fn opposite(self) -> Self {
        match self.condition() {
            Self::Not(inner) => *inner,
            Self::Boolean(value) => Self::Boolean(!value),
            Self::Compare(Comparison::Equal, left, right) => {
                Self::Compare(Comparison::Unequal, left, right)
            }
            Self::Compare(Comparison::Unequal, left, right) => {
                Self::Compare(Comparison::Equal, left, right)
            }
            condition => Self::Not(Box::new(condition)),
        }
    }

    /// All of several conditions; the same one twice counts once.
    pub(super) fn all(conditions: impl IntoIterator<Item = Self>) -> Self {
        Self::several(conditions, Self::All)
    }

    /// Any of several conditions; the same one twice counts once.
    pub(super) fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        Self::several(conditions, Self::Any)
    }

    fn several(conditions: impl IntoIterator<Item = Self>, whole: fn(Vec<Self>) -> Self) -> Self {
        let mut different = Vec::new();
        for condition in conditions.into_iter().map(Self::condition) {
            if !different.contains(&condition) {
                different.push(condition);
            }
        }
        match (different.pop(), different.is_empty()) {
            (Some(only), true) => only,
            (last, _) => {
                different.extend(last);
                whole(different)
            }
        }
    }

    /// One of two values. `x if there is x, else y` is the first of x and y.
    pub(super) fn choice(condition: Self, yes: Self, no: Self) -> Self {
        match (condition.condition(), yes, no) {
            (Self::Boolean(true), yes, _) => yes,
            (Self::Boolean(false), _, no) => no,
            (Self::Present(tested), yes, no) if *tested == yes => Self::first([yes, no]),
            (Self::Not(inner), yes, no) => Self::choice(*inner, no, yes),
            (condition, yes, no) => Self::Choice(Box::new([condition, yes, no])),
        }
    }

    /// The first of several that has a value.
    pub(super) fn first(terms: impl IntoIterator<Item = Self>) -> Self {
        let mut parts: Vec<Self> = Vec::new();
        for term in terms {
            match term {
                Self::First(inner) => parts.extend(inner),
                Self::Null => {}
                Self::Text(text) if text.is_empty() => {}
                term => parts.push(term),
            }
        }
        match (parts.pop(), parts.is_empty()) {
            (Some(only), true) => only,
            (None, _) => Self::Null,
            (Some(last), false) => {
                parts.push(last);
                Self::First(parts)
            }
        }
    }

    /// Texts one after another.
    pub(super) fn sum(terms: impl IntoIterator<Item = Self>) -> Self {
        let mut parts: Vec<Self> = Vec::new();
        let mut add = |term: Self| match (parts.last_mut(), term) {
            (Some(Self::Text(before)), Self::Text(text)) => before.push_str(&text),
            (_, Self::Text(text)) if text.is_empty() => {}
            (_, Self::Null) => {}
            (_, term) => parts.push(term),
        };
        for term in terms {
            match term {
                Self::Sum(inner) => inner.into_iter().for_each(&mut add),
                term => add(term),
            }
        }
        match (parts.pop(), parts.is_empty()) {
            (None, _) => Self::Text(String::new()),
            (Some(Self::Text(text)), true) => Self::Text(text),
            (Some(last), _) => {
                parts.push(last);
                Self::Sum(parts)
            }
        }
    }

    /// Texts with a separator between those that have a value.
    pub(super) fn join(separator: String, terms: impl IntoIterator<Item = Self>) -> Self {
        let nothing = |term: &Self| match term {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            _ => false,
        };
        let mut parts: Vec<Self> = terms.into_iter().filter(|term| !nothing(term)).collect();
        match (parts.pop(), parts.is_empty()) {
            (None, _) => Self::Null,
            (Some(only), true) => only,
            (Some(last), false) => {
                parts.push(last);
                Self::Join(separator, parts)
            }
        }
    }

    /// By the value of a text, without case, the value of the first entry with that key.
    pub(super) fn table(
        key: Self,
        entries: Vec<(String, Self)>,
        default: Self,
    ) -> Result<Self, Obstacle> {
        let mut known: Vec<(String, Self)> = Vec::new();
        let mut without = None;
        for (from, to) in entries {
            let folded = fold(from.trim());
            if folded.is_empty() {
                without = without.or(Some(to));
            } else if !known.iter().any(|(earlier, _)| fold(earlier.trim()) == folded) {
                known.push((from, to));
            }
        }
        let literal =
            |term: &Self| matches!(term, Self::Text(_) | Self::Number(_) | Self::Boolean(_));
        let repeats = !known.iter().all(|(_, value)| literal(value)) || without.is_some();
        if repeats && (!matches!(key, Self::Field(_)) || known.len() > LONGEST_CHAIN) {
            return Err(Obstacle::new(
                "The table holds computed values, and is too large for an expression.",
                "Make a profile field that holds the value.",
            ));
        }
        let tested = key.clone();
        let table = if known.is_empty() {
            default
        } else {
            Self::Table { key: Box::new(key), entries: known, default: Box::new(default) }
        };
        Ok(match without {
            Some(value) => Self::choice(Self::Present(Box::new(tested)), table, value),
            None => table,
        })
    }

    /// The text `true` or `false` as what it says, wherever it can be the result.
    pub(super) fn truths(self) -> Self {
        match self {
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Self::Boolean(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Self::Boolean(false),
            Self::First(parts) => Self::First(parts.into_iter().map(Self::truths).collect()),
            Self::Table { key, entries, default } => Self::Table {
                key,
                entries: entries.into_iter().map(|(from, to)| (from, to.truths())).collect(),
                default: Box::new(default.truths()),
            },
            Self::Choice(parts) => {
                let [condition, yes, no] = *parts;
                Self::Choice(Box::new([condition, yes.truths(), no.truths()]))
            }
            term => term,
        }
    }

    /// Two values compared; a comparison that never has a sense is an obstacle.
    pub(super) fn compare(how: Comparison, left: Self, right: Self) -> Result<Self, Obstacle> {
        use Comparison::{Equal, Unequal};
        let nothing = |term: &Self| match term {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            _ => false,
        };
        if matches!(how, Equal | Unequal) {
            let tested = match (nothing(&left), nothing(&right)) {
                (false, true) => Some(left.clone()),
                (true, false) => Some(right.clone()),
                _ => None,
            };
            if let Some(tested) = tested {
                let present = Self::Present(Box::new(tested));
                return Ok(if how == Unequal { present } else { present.opposite() });
            }
            let (left, right) = if matches!(left, Self::Text(_) | Self::Boolean(_)) {
                (right, left)
            } else {
                (left, right)
            };
            let truth = match &right {
                Self::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
                Self::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
                Self::Boolean(value) => Some(*value),
                _ => None,
            };
            if let (Some(truth), true) = (truth, left.is_condition()) {
                return Ok(if truth == (how == Equal) { left } else { left.opposite() });
            }
            // Everything that is not counted is text in a profile.
            let right = match right {
                Self::Number(digits) if !left.is_number() => Self::Text(digits),
                Self::Boolean(value) => Self::Text(value.to_string()),
                right => right,
            };
            return Ok(Self::Compare(how, Box::new(left), Box::new(right)));
        }
        if left.is_number() && right.is_number() {
            return Ok(Self::Compare(how, Box::new(left), Box::new(right)));
        }
        Err(Obstacle::new(
            "Texts are compared here by which is greater.",
            "Write the condition as an expression, with int or double where the texts are numbers.",
        ))
    }
}
