//! Comparisons of text in SQL, exact for values of any length.
//!
//! `LIKE` is not used: SQLite folds ASCII case in it, and both read wildcards in it. Prefixes are
//! ranges, which indexes serve.

use super::predicate::{Test, not_true};
use crate::scim::filter::Operator;
use crate::store::connection::Backend;
use crate::store::index::{KEY_BYTES, SURE_BYTES, cut, prefix};
use crate::store::sql::Sql;

/// Where the text is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Text<'a> {
    /// In a column that holds it whole.
    Whole(&'a str),
    /// In the columns `key` and `rest` of the table with this alias.
    Cut(&'a str),
}

impl Text<'_> {
    /// The indexed column.
    fn key(self) -> String {
        match self {
            Self::Whole(column) => column.to_owned(),
            Self::Cut(alias) => format!("{alias}.key"),
        }
    }

    /// The whole text.
    fn full(self) -> String {
        match self {
            Self::Whole(column) => column.to_owned(),
            Self::Cut(alias) => format!("COALESCE({alias}.rest, {alias}.key)"),
        }
    }

    /// Whether there is a text: every row of `attribute` has one.
    fn there(self) -> Test {
        match self {
            Self::Whole(column) => {
                let mut sql = Sql::new(column);
                sql.push(" IS NOT NULL");
                Test::Sql(sql)
            }
            Self::Cut(_) => Test::True,
        }
    }

    /// As much of an operand as orders keys like it orders whole texts: a cut key is longer.
    fn head(self, operand: &str) -> &str {
        match self {
            Self::Whole(_) => operand,
            Self::Cut(_) => prefix(operand, SURE_BYTES),
        }
    }
}

/// Tests a text that is there. Where it is not (NULL), the answer is not true.
pub(super) fn compare(backend: Backend, text: Text<'_>, operator: Operator, operand: &str) -> Test {
    let mut sql = Sql::default();
    match operator {
        Operator::Equal => equal(&mut sql, text, operand),
        Operator::NotEqual => {
            equal(&mut sql, text, operand);
            return not_true(sql);
        }
        Operator::StartsWith => {
            if operand.is_empty() {
                return text.there();
            }
            let head = text.head(operand);
            starts(&mut sql, &text.key(), head);
            if head.len() < operand.len() {
                sql.push(" AND ");
                starts(&mut sql, &text.full(), operand);
            }
        }
        Operator::Contains => {
            if operand.is_empty() {
                return text.there();
            }
            let function = match backend {
                Backend::Sqlite => "instr(",
                Backend::Postgres => "strpos(",
            };
            sql.push(function).push(&text.full()).push(", ").bind(operand).push(") > 0");
        }
        Operator::EndsWith => {
            let length = i32::try_from(operand.chars().count()).unwrap_or(i32::MAX);
            match (backend, length) {
                (_, 0) => return text.there(),
                (Backend::Sqlite, _) => {
                    sql.push("substr(").push(&text.full()).push(", ").bind(-length);
                }
                (Backend::Postgres, _) => {
                    sql.push("right(").push(&text.full()).push(", ").bind(length);
                }
            }
            sql.push(") = ").bind(operand);
        }
        Operator::Greater => order(&mut sql, text, " > ", operand),
        Operator::GreaterOrEqual => order(&mut sql, text, " >= ", operand),
        Operator::Less => order(&mut sql, text, " < ", operand),
        Operator::LessOrEqual => order(&mut sql, text, " <= ", operand),
    }
    let mut grouped = Sql::new("(");
    grouped.append(sql).push(")");
    Test::Sql(grouped)
}

/// Whether an index finds what passes, and it is little as a rule.
pub(super) fn is_narrow(operator: Operator, operand: &str) -> bool {
    match operator {
        Operator::Equal => true,
        Operator::StartsWith => !operand.is_empty(),
        _ => false,
    }
}

fn equal(sql: &mut Sql, text: Text<'_>, operand: &str) {
    sql.push(&text.key()).push(" = ");
    match text {
        Text::Cut(alias) if operand.len() > KEY_BYTES => {
            sql.bind(cut(operand)).push(&format!(" AND {alias}.rest = ")).bind(operand);
        }
        Text::Cut(alias) if operand.len() > SURE_BYTES => {
            sql.bind(operand).push(&format!(" AND {alias}.rest IS NULL"));
        }
        Text::Cut(_) | Text::Whole(_) => {
            sql.bind(operand);
        }
    }
}

fn starts(sql: &mut Sql, column: &str, head: &str) {
    sql.push(column).push(" >= ").bind(head);
    if let Some(end) = successor(head) {
        sql.push(" AND ").push(column).push(" < ").bind(end);
    }
}

fn order(sql: &mut Sql, text: Text<'_>, operator: &str, operand: &str) {
    let head = text.head(operand);
    if head.len() == operand.len() {
        sql.push(&text.key()).push(operator).bind(operand);
        return;
    }
    if operator.starts_with(" >") {
        sql.push(&text.key()).push(" >= ").bind(head).push(" AND ");
    } else if let Some(end) = successor(head) {
        sql.push(&text.key()).push(" < ").bind(end).push(" AND ");
    }
    sql.push(&text.full()).push(operator).bind(operand);
}

/// The first text, in byte order, after every text with this prefix; none where there is none.
pub(super) fn successor(prefix: &str) -> Option<String> {
    let mut letters: Vec<char> = prefix.chars().collect();
    while let Some(last) = letters.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            _ => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            letters.push(next);
            return Some(letters.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn successors_step_over_what_is_no_character() {
        assert_eq!(successor("ab").as_deref(), Some("ac"));
        assert_eq!(successor("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(successor("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(successor("\u{10ffff}\u{10ffff}"), None);
        assert_eq!(successor(""), None);
    }

    proptest! {
        #[test]
        fn the_range_of_a_prefix_holds_what_starts_with_it(prefix in "\\PC{1,4}", text in "\\PC{0,6}") {
            let within = |text: &str| {
                text >= prefix.as_str()
                    && successor(&prefix).is_none_or(|end| text < end.as_str())
            };
            prop_assert_eq!(within(&text), text.starts_with(&prefix));
            let longer = format!("{prefix}{text}");
            prop_assert!(within(&longer));
        }
    }
}
