//! Clients and their tokens.

use super::{Reader, Result, Transaction};
use crate::id::ClientId;
use crate::scim::dialect::Dialect;

/// An identity provider or script that holds tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// Its name, unique in the organization.
    pub name: String,
    /// How it speaks SCIM.
    pub dialect: Dialect,
    /// When it came to be.
    pub created_us: i64,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenRow {
    /// SHA-256 of the whole token text.
    pub hash: [u8; 32],
    /// Its first characters, by which people recognise it.
    pub prefix: String,
    /// Whose it is.
    pub client: Client,
    /// What it may do: `scim.write`, `scim.read`, `admin`, `audit`.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_us: i64,
    /// From when it is refused.
    pub expires_us: Option<i64>,
    /// When it was last used, to the minute.
    pub used_us: Option<i64>,
}

impl Reader<'_> {
    /// A token by its hash, unless its client is disabled.
    pub fn token(&mut self, _hash: &[u8; 32]) -> Result<Option<TokenRow>> {
        todo!()
    }

    /// Every token, newest first.
    pub fn tokens(&mut self) -> Result<Vec<TokenRow>> {
        todo!()
    }

    /// Whether the organization has any token.
    pub fn has_tokens(&mut self) -> Result<bool> {
        todo!()
    }
}

impl Transaction<'_> {
    /// A client by name, made when missing (`new` gives the id and the time); the dialect is set
    /// when given.
    pub fn client_named(
        &mut self,
        _name: &str,
        _dialect: Option<Dialect>,
        _new: (ClientId, i64),
    ) -> Result<Client> {
        todo!()
    }

    /// Stores a token.
    pub fn insert_token(&mut self, _token: &TokenRow) -> Result<()> {
        todo!()
    }

    /// Revokes tokens by prefix or by client name; answers how many.
    pub fn revoke_tokens(&mut self, _prefix_or_client: &str) -> Result<usize> {
        todo!()
    }

    /// Notes that a token was used.
    pub fn token_used(&mut self, _hash: &[u8; 32], _now_us: i64) -> Result<()> {
        todo!()
    }
}
