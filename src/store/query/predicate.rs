//! A condition in SQL, and how far it can be trusted.

use crate::store::sql::Sql;

/// A test of a row.
#[derive(Debug, Clone)]
pub(super) enum Test {
    /// Passes every row.
    True,
    /// Passes none.
    False,
    /// An expression of the database.
    Sql(Sql),
}

/// A condition as the database can test it.
///
/// Where it is not exact, it passes more rows than the condition, never fewer: those that pass are
/// looked at again in memory.
#[derive(Debug, Clone)]
pub(super) struct Lowered {
    pub(super) test: Test,
    pub(super) exact: bool,
    /// Whether an index finds the rows that pass, and they are few as a rule.
    pub(super) narrow: bool,
}

impl Lowered {
    /// Exactly that.
    pub(super) const fn exact(test: Test) -> Self {
        Self { test, exact: true, narrow: false }
    }

    /// Exactly all rows, or none.
    pub(super) const fn truth(truth: bool) -> Self {
        Self::exact(if truth { Test::True } else { Test::False })
    }

    /// What the database cannot tell: every row may meet it.
    pub(super) const fn unknown() -> Self {
        Self { test: Test::True, exact: false, narrow: false }
    }

    /// Passes what passes all of them.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        if parts.iter().any(|part| matches!(part.test, Test::False)) {
            return Self::truth(false);
        }
        let exact = parts.iter().all(|part| part.exact);
        let narrow = parts.iter().any(|part| part.narrow);
        Self { test: joined(parts, " AND ").unwrap_or(Test::True), exact, narrow }
    }

    /// Passes what passes any of them.
    pub(super) fn any(parts: Vec<Self>) -> Self {
        let all_pass = |part: &&Self| matches!(part.test, Test::True);
        if let Some(pass) = parts.iter().filter(all_pass).max_by_key(|part| part.exact) {
            return pass.clone();
        }
        let exact = parts.iter().all(|part| part.exact);
        Self { test: joined(parts, " OR ").unwrap_or(Test::False), exact, narrow: false }
    }

    /// Both or either, for [`Self::all`] and [`Self::any`] of what is denied: De Morgan.
    pub(super) fn combine(all: bool, parts: Vec<Self>) -> Self {
        if all { Self::all(parts) } else { Self::any(parts) }
    }

    /// The same, if an index finds it.
    pub(super) fn narrow_if(self, narrow: bool) -> Self {
        Self { narrow, ..self }
    }

    /// What does not pass. An inexact test says nothing about that.
    pub(super) fn denied(self) -> Self {
        match (self.exact, self.test) {
            (false, _) => Self::unknown(),
            (true, Test::True) => Self::truth(false),
            (true, Test::False) => Self::truth(true),
            (true, Test::Sql(sql)) => Self::exact(not_true(sql)),
        }
    }

    /// Itself, or what does not pass.
    pub(super) fn denied_if(self, not: bool) -> Self {
        if not { self.denied() } else { self }
    }
}

/// Denies an expression, NULL counting as false.
pub(super) fn not_true(sql: Sql) -> Test {
    let mut denied = Sql::new("(");
    denied.append(sql).push(") IS NOT TRUE");
    Test::Sql(denied)
}

/// The expressions among the parts, joined; none where there is none.
fn joined(parts: Vec<Lowered>, by: &str) -> Option<Test> {
    let mut expressions: Vec<Sql> = parts
        .into_iter()
        .filter_map(|part| match part.test {
            Test::Sql(sql) => Some(sql),
            Test::True | Test::False => None,
        })
        .collect();
    if expressions.len() < 2 {
        return expressions.pop().map(Test::Sql);
    }
    let mut sql = Sql::new("(");
    for (at, expression) in expressions.into_iter().enumerate() {
        sql.push(if at == 0 { "" } else { by }).append(expression);
    }
    sql.push(")");
    Some(Test::Sql(sql))
}
