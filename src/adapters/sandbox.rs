//! The built-in app for trying mappings: its accounts live in Rollcall's own database.
//!
//! Adapters never see the store; the engine lends this one an [`Accounts`].

use super::adapter::Failure;
use crate::mapping::field::Kind;
use crate::mapping::record::Record;
use async_trait::async_trait;

/// An account of the sandbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Its id in the sandbox.
    pub remote_id: String,
    /// Folded `userName` or `displayName`: unique.
    pub match_key: String,
    /// Whether it is switched on.
    pub active: bool,
    /// Its fields.
    pub record: Record,
    /// Remote ids of its members, sorted, for groups.
    pub members: Vec<String>,
}

/// Where the sandbox keeps its accounts.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// By the sandbox's id.
    async fn get(&self, kind: Kind, remote_id: &str) -> Result<Option<Account>, Failure>;
    /// By match key.
    async fn find(&self, kind: Kind, match_key: &str) -> Result<Option<Account>, Failure>;
    /// Inserts; [`Failure::Conflict`] when the match key is taken.
    async fn insert(&self, kind: Kind, account: Account) -> Result<(), Failure>;
    /// Replaces; [`Failure::Gone`] when it is not there, [`Failure::Conflict`] when the match key
    /// belongs to another.
    async fn replace(&self, kind: Kind, account: Account) -> Result<(), Failure>;
    /// Removes; whether it was there does not matter.
    async fn remove(&self, kind: Kind, remote_id: &str) -> Result<(), Failure>;
    /// In id order, after an id.
    async fn page(
        &self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Account>, Failure>;
}
