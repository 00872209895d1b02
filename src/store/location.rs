//! Where the database is: a URL, read once.

use super::error::{Error, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// A database that can be opened.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Location {
    /// A file.
    Sqlite(PathBuf),
    /// A server: the URL as libpq reads it. Holds a password, so it is never shown.
    Postgres(String),
}

impl Location {
    /// Reads `sqlite:PATH` or `postgres://…`.
    pub(super) fn parse(url: &str) -> Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        let Some(path) = url.strip_prefix("sqlite:") else {
            let scheme = url.split_once(':').map_or("none", |(scheme, _)| scheme);
            return Err(Error::Database(format!(
                "the URL has the scheme {scheme:?}; write sqlite:PATH or postgres://USER@HOST/NAME"
            )));
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.contains(":memory:") || path.starts_with("file:") {
            return Err(Error::Database(
                "sqlite: needs the path of a file: databases in memory cannot be shared between \
                 connections, and would be lost; write sqlite:PATH"
                    .into(),
            ));
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

/// Creates a missing database file readable by its owner alone: it holds people's data. SQLite
/// gives the files beside it the same mode.
pub(super) fn create_private(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|error| {
        Error::Database(format!("{} cannot be opened for writing: {error}", path.display()))
    })
}

/// Takes the lock that keeps a second server away from a file. It lasts as long as the answer.
pub(super) fn lock(path: &Path) -> Result<File> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let beside = PathBuf::from(beside);
    let shown = beside.display();
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&beside)
        .map_err(|error| Error::Database(format!("{shown} cannot be opened: {error}")))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Database(format!(
            "another server holds {}: stop it, or give this one a database of its own \
             (several servers can share one PostgreSQL)",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => {
            Err(Error::Database(format!("{shown} cannot be locked: {error}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_servers_are_told_apart() {
        let sqlite = |path: &str| Some(Location::Sqlite(PathBuf::from(path)));
        assert!(Location::parse("sqlite:rollcall.db").ok() == sqlite("rollcall.db"));
        assert!(Location::parse("sqlite:/var/lib/r.db").ok() == sqlite("/var/lib/r.db"));
        assert!(Location::parse("sqlite:///var/lib/r.db").ok() == sqlite("/var/lib/r.db"));
        for url in ["postgres://u@h/d", "postgresql://u@h/d"] {
            assert!(Location::parse(url).ok() == Some(Location::Postgres(url.into())));
        }
    }

    #[test]
    fn what_cannot_be_opened_is_refused_with_the_remedy() {
        for url in ["mysql://root:secret@h/d", "rollcall.db", "", "sqlite:", "sqlite::memory:"] {
            let error = Location::parse(url).err().unwrap().to_string();
            assert!(error.contains("sqlite:PATH"), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
