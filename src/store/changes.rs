//! Changes of the directory, and the audit log.

use super::{Reader, Result, Transaction};
use crate::id::{ChangeId, ResourceId};

/// What happened to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeOp {
    /// It came to be.
    Create,
    /// Its attributes changed.
    Update,
    /// It is gone.
    Delete,
    /// Its members changed, and nothing else.
    Members,
}

impl ChangeOp {
    /// As the column holds it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Members => "members",
        }
    }
}

/// A change, before it is published.
#[derive(Debug, Clone, PartialEq)]
pub struct NewChange {
    /// Of what.
    pub resource: ResourceId,
    /// Its resource type.
    pub kind: String,
    /// What happened.
    pub op: ChangeOp,
    /// The resource's version after it.
    pub version: i64,
    /// Who did it: `client:okta`.
    pub actor: String,
    /// Who joined the group.
    pub joined: Vec<ResourceId>,
    /// Who left the group.
    pub left: Vec<ResourceId>,
}

/// A change as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRow {
    /// Its id.
    pub id: ChangeId,
    /// Its place in the order of publication, once published.
    pub position: Option<i64>,
    /// When.
    pub at_us: i64,
    /// What.
    pub change: NewChange,
}

impl Transaction<'_> {
    /// Records a change and its audit row (`<kind>.<op>`).
    pub fn record_change(
        &mut self,
        _id: ChangeId,
        _now_us: i64,
        _change: &NewChange,
    ) -> Result<()> {
        todo!()
    }

    /// Records what an administrator did.
    pub fn record_audit(
        &mut self,
        _now_us: i64,
        _actor: &str,
        _action: &str,
        _subject: &str,
        _detail: Option<&str>,
    ) -> Result<()> {
        todo!()
    }

    /// Takes up to `limit` unpublished changes of this organization in id order and gives them the
    /// next positions, without a gap.
    pub fn publish_changes(&mut self, _limit: i64) -> Result<Vec<ChangeRow>> {
        todo!()
    }
}

impl Reader<'_> {
    /// Published changes after a position, at most `limit`.
    pub fn changes(&mut self, _after: i64, _limit: i64) -> Result<Vec<ChangeRow>> {
        todo!()
    }
}
