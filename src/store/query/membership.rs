//! Conditions on `members` and `groups`, whose values are rows of `member`.

use super::lower::{Lowering, among, document, limited};
use super::predicate::{Lowered, Test};
use super::text::{self, Text};
use crate::scim::filter::{Condition, Field, Operator, eval};
use crate::store::members::{as_id, named};
use crate::store::sql::Sql;

/// Which row a condition on one element is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    /// A row `m` of `member`.
    Member,
    /// A group: a row `g` of `resource`.
    Group,
}

impl Lowering<'_> {
    /// Some member meets it.
    pub(super) fn any_member(&self, inner: &Condition) -> Lowered {
        let Lowered { test, exact, .. } = self.on(Of::Member, inner, false);
        // Where members are named, their groups are looked up; else each group's members are.
        let narrow = named(inner).is_some();
        let sql = if narrow {
            let mut sql = Sql::new("SELECT m.group_id FROM member m WHERE m.organization = ");
            sql.bind(self.organization);
            among(false, limited(sql, test))
        } else {
            let mut sql = Sql::new("EXISTS (SELECT 1 FROM member m WHERE m.organization = ");
            sql.bind(self.organization).push(" AND m.group_id = r.id");
            let mut sql = limited(sql, test);
            sql.push(")");
            sql
        };
        Lowered { test: Test::Sql(sql), exact, narrow }
    }

    /// Some group, direct or not, meets it.
    pub(super) fn any_group(&self, inner: &Condition) -> Lowered {
        let Lowered { test, exact, narrow } = self.on(Of::Group, inner, false);
        if matches!(test, Test::True) {
            let mut sql = Sql::new("EXISTS (SELECT 1 FROM member m WHERE m.organization = ");
            sql.bind(self.organization).push(" AND m.member_id = r.id)");
            return Lowered { test: Test::Sql(sql), exact, narrow: false };
        }
        let mut sql = Sql::new(
            "WITH RECURSIVE below(id) AS (SELECT g.id FROM resource g WHERE g.organization = ",
        );
        sql.bind(self.organization).push(" AND g.kind = 'Group'");
        let mut sql = limited(sql, test);
        sql.push(
            " UNION SELECT m.member_id FROM below CROSS JOIN member m WHERE m.group_id = below.id \
             AND m.member_kind = 'Group' AND m.organization = ",
        );
        sql.bind(self.organization).push(
            ") SELECT m.member_id FROM below CROSS JOIN member m WHERE m.group_id = below.id \
             AND m.organization = ",
        );
        sql.bind(self.organization);
        Lowered { test: Test::Sql(among(false, sql)), exact, narrow }
    }

    /// A comparison with members outside brackets.
    pub(super) fn member(&self, condition: &Condition, operator: Operator, not: bool) -> Lowered {
        let any = self.any_member(condition).denied_if(not);
        if operator != Operator::NotEqual {
            return any;
        }
        let none = self.any_member(&Condition::Always).denied_if(!not);
        Lowered::combine(not, vec![any, none])
    }

    /// A comparison with groups outside brackets.
    pub(super) fn group(&self, condition: &Condition, operator: Operator, not: bool) -> Lowered {
        let any = self.any_group(condition).denied_if(not);
        if operator != Operator::NotEqual {
            return any;
        }
        let none = self.any_group(&Condition::Always).denied_if(!not);
        Lowered::combine(not, vec![any, none])
    }

    /// A condition on one element, as a test of its row.
    fn on(&self, of: Of, condition: &Condition, not: bool) -> Lowered {
        let each = |parts: &[Condition]| parts.iter().map(|part| self.on(of, part, not)).collect();
        match condition {
            Condition::Always => Lowered::truth(!not),
            Condition::Never => Lowered::truth(not),
            Condition::All(parts) => Lowered::combine(!not, each(parts)),
            Condition::Any(parts) => Lowered::combine(not, each(parts)),
            Condition::Not(inner) => self.on(of, inner, !not),
            Condition::Present(field) => present(of, field).denied_if(not),
            Condition::Compare(field, operator, operand) => {
                self.part(of, field, *operator, operand).denied_if(not)
            }
            Condition::Element(..) => Lowered::unknown(),
        }
    }

    fn part(&self, of: Of, field: &Field, operator: Operator, operand: &str) -> Lowered {
        match (of, field.sub.as_deref()) {
            (Of::Member, Some("value")) => value("m.member_id", operator, operand),
            (Of::Group, Some("value")) => value("g.id", operator, operand),
            (Of::Member, Some("type")) => kind(field, operator, operand),
            (Of::Group, Some("display")) => Lowered::exact(text::compare(
                self.backend,
                Text::Whole("g.display"),
                operator,
                operand,
            )),
            _ => Lowered::unknown(),
        }
    }
}

fn present(of: Of, field: &Field) -> Lowered {
    match (of, field.sub.as_deref()) {
        (Of::Group, Some("display")) => {
            Lowered::exact(Test::Sql(Sql::new("g.display IS NOT NULL")))
        }
        (Of::Member, Some("display")) => Lowered::unknown(),
        _ => Lowered::truth(true),
    }
}

fn value(column: &str, operator: Operator, operand: &str) -> Lowered {
    let equal = match as_id(operand) {
        None => Lowered::truth(false),
        Some(id) => {
            let mut sql = Sql::new(column);
            sql.push(" = ").bind(id);
            Lowered::exact(Test::Sql(sql)).narrow_if(true)
        }
    };
    match operator {
        Operator::Equal => equal,
        Operator::NotEqual => equal.denied(),
        _ => Lowered::unknown(),
    }
}

/// Members are of two types, so each can be asked.
fn kind(field: &Field, operator: Operator, operand: &str) -> Lowered {
    let condition = Condition::Compare(field.clone(), operator, operand.to_owned());
    let meets = |kind: &str| {
        let member = serde_json::json!([{ "type": kind }]);
        eval::matches(&condition, &document("members", member))
    };
    let only = |kind: &str| {
        let mut sql = Sql::new("m.member_kind = ");
        sql.bind(kind);
        Lowered::exact(Test::Sql(sql))
    };
    match (meets("User"), meets("Group")) {
        (true, true) => Lowered::truth(true),
        (true, false) => only("User"),
        (false, true) => only("Group"),
        (false, false) => Lowered::truth(false),
    }
}
