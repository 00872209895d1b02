//! For how long what happened is kept.

use serde::{Deserialize, Serialize};

/// Days for which what happened is kept; 0 means for ever. What is still needed is kept longer: changes
/// that no app was told of, the last try of whoever waits or is parked, runs that are not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Tries to bring objects of apps up to date.
    pub attempts: u32,
    /// Changes of the directory.
    pub changes: u32,
    /// Runs that are over, with their plans.
    pub runs: u32,
    /// The audit log.
    pub audit: u32,
    /// Messages that were delivered or given up.
    pub deliveries: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { attempts: 30, changes: 90, runs: 90, audit: 365, deliveries: 7 }
    }
}
