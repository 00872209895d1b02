//! `If-Match` and `If-None-Match` (RFC 7644 §3.14).

use crate::store::{Error, Result};

/// The tags of one header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    /// `*`
    Any,
    /// Opaque parts, without `W/` and quotes: SCIM's tags are weak, so they are compared weakly.
    Listed(Vec<String>),
}

impl Tags {
    /// Reads a header. What is no tag matches nothing.
    pub fn parse(header: &str) -> Self {
        if header.trim() == "*" {
            return Self::Any;
        }
        let opaque = |tag: &str| {
            let tag = tag.trim();
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            let quoted = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            quoted.unwrap_or(tag).to_owned()
        };
        Self::Listed(header.split(',').map(opaque).collect())
    }

    fn hold(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|tag| *tag == version.to_string()),
        }
    }
}

/// What must hold of a resource before something is done with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Precondition {
    /// It has one of these versions.
    pub if_match: Option<Tags>,
    /// It has none of these versions.
    pub if_none_match: Option<Tags>,
}

impl Precondition {
    /// Whether a write may go on.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub(super) fn check_write(&self, version: i64) -> Result<()> {
        self.check_match(version)?;
        if self.is_unchanged(version) {
            return Err(Error::Stale);
        }
        Ok(())
    }

    pub(super) fn check_match(&self, version: i64) -> Result<()> {
        if self.if_match.as_ref().is_some_and(|tags| !tags.hold(version)) {
            return Err(Error::Stale);
        }
        Ok(())
    }

    /// Whether the reader has this version already.
    pub(super) fn is_unchanged(&self, version: i64) -> bool {
        self.if_none_match.as_ref().is_some_and(|tags| tags.hold(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_weak_strong_listed_and_bare() {
        for header in ["W/\"3\"", "\"3\"", "3", " W/\"2\" , W/\"3\"", "*"] {
            assert!(Tags::parse(header).hold(3), "{header}");
        }
        for header in ["W/\"33\"", "\"\"", "", "W/", "\"3", "w\"3\"", "**"] {
            assert!(!Tags::parse(header).hold(3), "{header}");
        }
    }

    #[test]
    fn a_write_needs_the_version_it_names_and_not_the_one_it_excludes() {
        let needs = |header| Precondition { if_match: Some(Tags::parse(header)), ..<_>::default() };
        assert!(Precondition::default().check_write(3).is_ok());
        assert!(needs("W/\"3\"").check_write(3).is_ok());
        assert!(matches!(needs("W/\"2\"").check_write(3), Err(Error::Stale)));
        let none = Precondition { if_none_match: Some(Tags::Any), ..<_>::default() };
        assert!(matches!(none.check_write(3), Err(Error::Stale)));
        assert!(none.is_unchanged(3));
    }
}
