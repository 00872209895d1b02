//! What a caller can do about a failure of the store.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as Diesel};

/// What a caller can do about a failure.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The row is not there, or the one that it belongs to.
    #[error("not found")]
    NotFound,
    /// A unique value is taken; names the SCIM attribute or column.
    #[error("another row has this {0}")]
    Taken(&'static str),
    /// The version is not the one expected.
    #[error("changed since it was read")]
    Stale,
    /// The organization's schemas are not the ones that the caller knows: ask for them again.
    #[error("the schemas have changed")]
    Outdated,
    /// A reference names no resource; holds the id as sent.
    #[error("no resource has the id {0:?}")]
    Dangling(String),
    /// The answer would be larger than the bound.
    #[error("the query matches more than can be examined")]
    TooMany,
    /// All connections are taken, or the database is locked: try again.
    #[error("the database is busy")]
    Busy,
    /// The caller's own refusal inside a transaction, which rolls it back.
    #[error(transparent)]
    Refused(#[from] crate::scim::error::Error),
    /// A stored document cannot be read.
    #[error("a stored row cannot be read: {0}")]
    Corrupt(String),
    /// The database refused or is away. The text never reaches a client.
    #[error("database: {0}")]
    Database(String),
}

/// Result of the store.
pub type Result<T> = std::result::Result<T, Error>;

/// What each unique index is about: its name, which PostgreSQL reports, its columns, which SQLite
/// reports, and the word that the caller understands.
const UNIQUE: &[(&str, &str, &str)] = &[
    ("resource_user_name", "resource.organization, resource.kind, resource.user_name", "userName"),
    ("resource_pkey", "resource.organization, resource.id", "id"),
    ("organization_slug_key", "organization.slug", "slug"),
    ("app_organization_name_key", "app.organization, app.name", "name"),
    ("client_organization_name_key", "client.organization, client.name", "name"),
    ("mapping_pkey", "mapping.organization, mapping.app_id, mapping.version", "version"),
    ("link_remote", "link.organization, link.app_id, link.kind, link.remote_id", "remote id"),
    (
        "sandbox_account_organization_app_id_kind_match_key_key",
        "sandbox_account.organization, sandbox_account.app_id, sandbox_account.kind, \
         sandbox_account.match_key",
        "userName",
    ),
    ("token_pkey", "token.organization, token.hash", "token"),
    ("change_published", "change.organization, change.position", "position"),
];

impl From<Diesel> for Error {
    fn from(error: Diesel) -> Self {
        match error {
            Diesel::NotFound => Self::NotFound,
            Diesel::DatabaseError(kind, info) => from_database(kind, info.as_ref()),
            Diesel::DeserializationError(error) => Self::Corrupt(error.to_string()),
            other => Self::Database(other.to_string()),
        }
    }
}

fn from_database(kind: DatabaseErrorKind, info: &dyn DatabaseErrorInformation) -> Error {
    match kind {
        DatabaseErrorKind::UniqueViolation => Error::Taken(taken(info)),
        DatabaseErrorKind::ForeignKeyViolation => Error::NotFound,
        DatabaseErrorKind::SerializationFailure => Error::Busy,
        // Neither database reports a kind for these, only a sentence: SQLITE_BUSY; 40P01, 55P03
        // and 57014, which an administrator may have translated, and then are plain failures.
        DatabaseErrorKind::Unknown if is_busy(info.message()) => Error::Busy,
        _ => Error::Database(info.message().to_owned()),
    }
}

fn is_busy(message: &str) -> bool {
    [
        "database is locked",
        "database table is locked",
        "deadlock detected",
        "canceling statement due to lock timeout",
        "canceling statement due to statement timeout",
    ]
    .iter()
    .any(|sentence| message.starts_with(sentence))
}

fn taken(info: &dyn DatabaseErrorInformation) -> &'static str {
    let index = info.constraint_name().unwrap_or_default();
    let columns = info.message().strip_prefix("UNIQUE constraint failed: ").unwrap_or_default();
    UNIQUE
        .iter()
        .find(|(name, reported, _)| *name == index || *reported == columns)
        .map_or("value", |(_, _, word)| word)
}
