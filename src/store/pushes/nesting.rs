//! Who counts as a member of a group: whoever is in it, or everybody below it.
//!
//! Every recursion ends on any nesting, circles included: its rows are distinct, and there are only so
//! many groups.

use crate::id::{OrganizationId, ResourceId};
use crate::store::members::list;
use crate::store::sql::Sql;

/// Who counts as a member of a group, for an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nesting {
    /// Whoever is in it: people and groups.
    Members,
    /// Every person below it, however deep, and no group.
    Flatten,
}

impl Nesting {
    /// Both, for an app of which it is not known. What is marked for either is marked.
    pub const EVERY: [Self; 2] = [Self::Members, Self::Flatten];

    /// Which of the members of a group within another count.
    pub(super) const fn who(self) -> &'static str {
        match self {
            Self::Members => "",
            Self::Flatten => " AND m.member_kind = 'User'",
        }
    }

    /// A table `within` of groups and those whose members count as theirs, themselves among them.
    /// `roots` selects the groups, each twice. It is to be followed by a query of it.
    pub(super) fn within(self, organization: OrganizationId, roots: Sql) -> Sql {
        let mut sql = Sql::new("WITH RECURSIVE within(root, id) AS MATERIALIZED (");
        sql.append(roots);
        if self == Self::Flatten {
            // CROSS JOIN keeps SQLite from starting at the other end.
            sql.push(
                " UNION SELECT within.root, m.member_id FROM within CROSS JOIN member m \
                 WHERE m.group_id = within.id AND m.member_kind = 'Group' AND m.organization = ",
            );
            sql.bind(organization);
        }
        sql.push(")");
        sql
    }

    /// The table `within` of some groups.
    pub(super) fn within_these(self, organization: OrganizationId, groups: &[ResourceId]) -> Sql {
        let mut roots = Sql::new("SELECT id, id FROM resource WHERE organization = ");
        roots.bind(organization).push(" AND id IN ");
        list(&mut roots, groups);
        self.within(organization, roots)
    }

    /// The definition of a table `above` of a group and the groups whose members its own are.
    pub(super) fn above(self, organization: OrganizationId, group: ResourceId) -> Sql {
        let mut sql = Sql::new("above(id) AS (SELECT ");
        sql.bind(group);
        if self == Self::Flatten {
            sql.push(
                " UNION SELECT m.group_id FROM above CROSS JOIN member m \
                 WHERE m.member_id = above.id AND m.organization = ",
            );
            sql.bind(organization);
        }
        sql.push(")");
        sql
    }

    /// The definition of a table `belongs` of those in a table `who` and the groups of which they count
    /// as members: all, or at least this one.
    pub(super) fn belongs(self, organization: OrganizationId, group: Option<ResourceId>) -> Sql {
        let mut sql = Sql::new(
            "belongs(group_id, member_id) AS (SELECT m.group_id, m.member_id \
             FROM who CROSS JOIN member m WHERE m.member_id = who.member_id",
        );
        sql.push(self.who()).push(" AND m.organization = ").bind(organization);
        if let (Self::Members, Some(group)) = (self, group) {
            sql.push(" AND m.group_id = ").bind(group);
        }
        if self == Self::Flatten {
            sql.push(
                " UNION SELECT m.group_id, belongs.member_id FROM belongs CROSS JOIN member m \
                 WHERE m.member_id = belongs.group_id AND m.organization = ",
            );
            sql.bind(organization);
        }
        sql.push(")");
        sql
    }
}

/// A table `below` of these resources and of all that is in the groups among them, however deep,
/// each once. It is to be followed by a query of it.
pub(in crate::store) fn below(organization: OrganizationId, resources: &[ResourceId]) -> Sql {
    let mut sql = Sql::new(
        "WITH RECURSIVE below(id, kind) AS (SELECT id, kind FROM resource WHERE organization = ",
    );
    sql.bind(organization).push(" AND id IN ");
    list(&mut sql, resources).push(
        " UNION SELECT m.member_id, m.member_kind FROM below CROSS JOIN member m \
         WHERE below.kind = 'Group' AND m.group_id = below.id AND m.organization = ",
    );
    sql.bind(organization).push(")");
    sql
}
