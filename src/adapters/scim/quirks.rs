//! What has been learned of a server from its answers.

use super::patch::Removal;
use crate::mapping::field::Kind;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// Something that is learned once and then remembered.
#[derive(Debug, Default)]
pub(super) struct Flag(AtomicBool);

impl Flag {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// How a server deviates from the RFC.
#[derive(Debug, Default)]
pub(super) struct Quirks {
    /// Bodies must be `application/json`.
    pub(super) plain_json: Flag,
    /// Filters are refused.
    pub(super) no_filters: Flag,
    /// Paths with brackets are refused.
    pub(super) no_element_paths: Flag,
    /// PATCH has been seen to work.
    pub(super) patched: Flag,
    /// Accounts cannot be changed by PATCH.
    put_users: Flag,
    /// Groups cannot be changed by PATCH; their members perhaps can.
    put_groups: Flag,
    /// Members cannot be changed by PATCH.
    pub(super) put_members: Flag,
    removal: AtomicU8,
}

impl Quirks {
    /// Whether objects of the kind can be changed only by PUT.
    pub(super) fn put(&self, kind: Kind) -> &Flag {
        match kind {
            Kind::User => &self.put_users,
            Kind::Group => &self.put_groups,
        }
    }

    /// How members leave.
    pub(super) fn removal(&self) -> Removal {
        match self.removal.load(Ordering::Relaxed) {
            0 => Removal::Path,
            1 => Removal::Listed,
            _ => Removal::Whole,
        }
    }

    /// Remembers how members leave.
    pub(super) fn learn_removal(&self, removal: Removal) {
        let code = match removal {
            Removal::Path => 0,
            Removal::Listed => 1,
            Removal::Whole => 2,
        };
        self.removal.store(code, Ordering::Relaxed);
    }
}
