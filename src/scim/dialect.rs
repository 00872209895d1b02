//! What a client is forgiven: named leniencies, collected into dialects.
//!
//! A dialect belongs to a client and is never guessed. `Standard` is the RFC plus every leniency
//! that does not contradict it. What was forgiven is reported, so that an operator can see which
//! client needs which leniency: `docs/dialects.md` is the table, `/api/v1/clients` the counters.

mod leniency;
pub mod page;

pub use leniency::Leniency;

use std::cell::Cell;

/// Which way of speaking SCIM a client has.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The RFC plus what does not contradict it.
    #[default]
    Standard,
    /// The RFC alone.
    Strict,
    /// Microsoft Entra ID.
    Entra,
    /// Okta.
    Okta,
}

impl Dialect {
    /// Every dialect, the default first.
    pub const ALL: [Self; 4] = [Self::Standard, Self::Okta, Self::Entra, Self::Strict];

    /// Whether this dialect forgives that.
    pub fn forgives(self, leniency: Leniency) -> bool {
        leniency.dialects().contains(&self)
    }

    /// By its name in configuration and on the command line.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.as_str() == name)
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Strict => "strict",
            Self::Entra => "entra",
            Self::Okta => "okta",
        }
    }
}

/// A set of leniencies: those without which a request would have been refused, or understood
/// otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgiven(u64);

impl Forgiven {
    /// With one more in it.
    #[must_use]
    pub const fn with(self, leniency: Leniency) -> Self {
        Self(self.0 | 1 << leniency as u64)
    }

    /// What is in either.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether that is in it.
    pub const fn has(self, leniency: Leniency) -> bool {
        self.0 & 1 << leniency as u64 != 0
    }

    /// Whether nothing had to be forgiven.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in it, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Leniency> {
        Leniency::ALL.iter().copied().filter(move |leniency| self.has(*leniency))
    }
}

/// The reading of one request in a dialect, which remembers what was forgiven.
#[derive(Debug, Default)]
pub struct Reading {
    dialect: Dialect,
    forgiven: Cell<Forgiven>,
}

impl Reading {
    /// Of a request of a client with that dialect.
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, forgiven: Cell::default() }
    }

    /// Whether that is forgiven. It is asked only where the answer makes a difference, and a yes is
    /// remembered.
    pub fn forgives(&self, leniency: Leniency) -> bool {
        let forgives = self.dialect.forgives(leniency);
        if forgives {
            self.forgiven.set(self.forgiven.get().with(leniency));
        }
        forgives
    }

    /// Whether that would be forgiven. Asking is not remembered.
    pub fn would_forgive(&self, leniency: Leniency) -> bool {
        self.dialect.forgives(leniency)
    }

    /// What has been forgiven so far.
    pub fn forgiven(&self) -> Forgiven {
        self.forgiven.get()
    }
}

#[cfg(test)]
mod tests;
