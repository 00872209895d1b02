//! From an `Authorization` header to a [`Principal`].

use super::principal::{Principal, Scope};
use super::token::Parsed;
use crate::clock::Clock;
use crate::id::OrganizationId;
use crate::store::clients::TokenRow;
use crate::store::{self, Store};
use moka::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How long a token is trusted without asking the database again: the longest that a revoked token
/// goes on working on an instance that has just seen it.
pub const TRUST: Duration = Duration::from_secs(30);
/// Most tokens and organization names that are remembered.
const REMEMBERED: u64 = 10_000;
/// How exactly the last use of a token is kept.
const USED_STEP_US: i64 = 60_000_000;

/// Why a caller is turned away.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// There is no credential.
    #[error("no bearer token")]
    Missing,
    /// The header is not of the form `Bearer <token>`.
    #[error("no bearer token, but another credential")]
    Scheme,
    /// Nobody holds this token, or nobody any more.
    #[error("an unknown or revoked token")]
    Unknown,
    /// The token was good once.
    #[error("an expired token")]
    Expired,
    /// The store could not say.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Knows callers by their tokens, cheap to clone.
///
/// A token is looked up once in [`TRUST`]; a request in between pays no database read. A revoked
/// token or a disabled client is refused after that time at the latest.
#[derive(Clone)]
pub struct Authenticator {
    store: Store,
    clock: Clock,
    tokens: Cache<[u8; 32], Arc<Known>>,
    organizations: Cache<String, OrganizationId>,
}

struct Known {
    principal: Arc<Principal>,
    expires_us: Option<i64>,
    used_us: AtomicI64,
}

impl Authenticator {
    /// Over a store.
    pub fn new(store: Store, clock: Clock) -> Self {
        Self {
            store,
            clock,
            tokens: Cache::builder().max_capacity(REMEMBERED).time_to_live(TRUST).build(),
            organizations: Cache::builder().max_capacity(REMEMBERED).time_to_live(TRUST).build(),
        }
    }

    /// Who sent this `Authorization` header.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn authenticate(&self, header: Option<&str>) -> Result<Arc<Principal>, Denied> {
        let (scheme, token) =
            header.ok_or(Denied::Missing)?.trim().split_once(' ').ok_or(Denied::Scheme)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Denied::Scheme);
        }
        let parsed = Parsed::read(token.trim_start()).ok_or(Denied::Unknown)?;
        let known = match self.tokens.get(&parsed.hash) {
            Some(known) => known,
            None => self.look_up(parsed).await?,
        };
        let now_us = self.clock.now_us();
        if known.expires_us.is_some_and(|expires_us| expires_us <= now_us) {
            return Err(Denied::Expired);
        }
        self.note_use(&parsed, &known, now_us);
        Ok(Arc::clone(&known.principal))
    }

    /// Whether an organization's name in a URL is that of the caller's organization.
    ///
    /// # Errors
    /// The store's.
    pub async fn is_of(&self, principal: &Principal, slug: &str) -> store::Result<bool> {
        if let Some(found) = self.organizations.get(slug) {
            return Ok(found == principal.organization);
        }
        for organization in self.store.organizations().await? {
            self.organizations.insert(organization.slug, organization.id);
        }
        Ok(self.organizations.get(slug) == Some(principal.organization))
    }

    /// Forgets every token, so that the next request of each is looked up: what was revoked in this
    /// process stops at once.
    pub fn forget(&self) {
        self.tokens.invalidate_all();
        self.organizations.invalidate_all();
    }

    async fn look_up(&self, parsed: Parsed) -> Result<Arc<Known>, Denied> {
        let row = self
            .store
            .glance(parsed.organization, move |reader| reader.token(&parsed.hash))
            .await?
            .ok_or(Denied::Unknown)?;
        let known = Arc::new(Known::new(parsed.organization, row));
        self.tokens.insert(parsed.hash, Arc::clone(&known));
        Ok(known)
    }

    /// Writes down that the token is in use, at most once a minute and not while the caller waits.
    fn note_use(&self, parsed: &Parsed, known: &Known, now_us: i64) {
        let last = known.used_us.load(Ordering::Relaxed);
        let due = now_us.saturating_sub(last) >= USED_STEP_US;
        let mine =
            || known.used_us.compare_exchange(last, now_us, Ordering::Relaxed, Ordering::Relaxed);
        if !due || mine().is_err() {
            return;
        }
        let (store, parsed) = (self.store.clone(), *parsed);
        tokio::spawn(async move {
            let noted = store.write(parsed.organization, move |transaction| {
                transaction.token_used(&parsed.hash, now_us)
            });
            if let Err(error) = noted.await {
                tracing::debug!(%error, "the last use of a token was not noted");
            }
        });
    }
}

impl Known {
    fn new(organization: OrganizationId, row: TokenRow) -> Self {
        // A scope that this version does not know gives nothing.
        let scopes = row.scopes.iter().filter_map(|name| Scope::named(name)).collect();
        Self {
            principal: Arc::new(Principal {
                organization,
                client: row.client,
                scopes,
                subject: row.subject,
            }),
            expires_us: row.expires_us,
            used_us: AtomicI64::new(row.used_us.unwrap_or(i64::MIN)),
        }
    }
}
