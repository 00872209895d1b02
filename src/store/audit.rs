//! The audit log: who did what to what, and when.

use super::connection::Id;
use super::sql::Sql;
use super::{Reader, Result};
use crate::id::ChangeId;
use diesel::sql_types::{BigInt, Nullable, Text};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its id: order of time. An entry about a change of the directory has the change's.
    pub id: ChangeId,
    /// When.
    pub at_us: i64,
    /// Who: `client:okta`, `cli`, or `rollcall` for what it did by itself.
    pub actor: String,
    /// What: `User.create`, `app.update`, `guard.approve`.
    pub action: String,
    /// To what: the name of an app, a client or a notification, the URN of a schema, or the id of a user
    /// or group.
    pub subject: String,
    /// More about it; never a secret or a value of a profile.
    pub detail: Option<String>,
}

/// Which entries are looked for: all that are named must be so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// What was done.
    pub action: Option<String>,
    /// To what.
    pub subject: Option<String>,
    /// Older than one.
    pub before: Option<ChangeId>,
}

impl Reader<'_> {
    /// Entries of the audit log, newest first, at most `limit`.
    pub fn audit(&mut self, wanted: &Wanted, limit: i64) -> Result<Vec<AuditRow>> {
        let mut sql = Sql::new(
            "SELECT id, at_us, actor, action, subject, detail FROM audit WHERE organization = ",
        );
        sql.bind(self.organization);
        if let Some(subject) = &wanted.subject {
            sql.push(" AND subject = ").bind(subject.as_str());
        }
        if let Some(action) = &wanted.action {
            sql.push(" AND action = ").bind(action.as_str());
        }
        if let Some(before) = wanted.before {
            sql.push(" AND id < ").bind(before);
        }
        sql.push(" ORDER BY id DESC LIMIT ").bind(limit);
        type Types = (Id, BigInt, Text, Text, Text, Nullable<Text>);
        type Row = (ChangeId, i64, String, String, String, Option<String>);
        let rows: Vec<Row> = sql.load::<Types, _>(self.conn)?;
        Ok(rows
            .into_iter()
            .map(|(id, at_us, actor, action, subject, detail)| AuditRow {
                id,
                at_us,
                actor,
                action,
                subject,
                detail,
            })
            .collect())
    }
}
