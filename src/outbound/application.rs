//! A configured app, ready to be worked on: its row, compiled mapping, scope and adapter.

use super::accounts::StoredAccounts;
use super::policy::{NestedGroups, Policy};
use super::situation::Terms;
use super::throttles::Throttles;
use crate::adapters::adapter::{Adapter, Reason};
use crate::adapters::catalogue::{self, Connection, Entry};
use crate::adapters::throttle::Throttle;
use crate::clock::Clock;
use crate::id::{AppId, OrganizationId};
use crate::mapping::compiled::{Mapping, Problem};
use crate::mapping::document::Document;
use crate::mapping::field::Kind;
use crate::mapping::scope::{self, Scope};
use crate::scim::schema::Registry;
use crate::store::apps::AppRow;
use crate::store::pushes::Nesting;
use crate::store::{self, Store};
use crate::vault::{Place, Sealed, Vault};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A configured app at one revision.
#[derive(Clone)]
pub struct Application {
    /// Whose it is.
    pub organization: OrganizationId,
    /// As it is stored.
    pub row: AppRow,
    /// What kind of app it is.
    pub entry: &'static Entry,
    /// What is in force: what the app should hold of whom, and who belongs in it.
    pub(super) terms: Terms,
    /// What its administrator decided.
    pub policy: Arc<Policy>,
    /// What the directory holds.
    pub registry: Arc<Registry>,
    /// How to talk to it.
    pub adapter: Arc<dyn Adapter>,
    /// How fast; the same for every revision of the app.
    pub throttle: Arc<Throttle>,
}

/// Why an app cannot be worked on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A setting, a secret or the scope is wrong.
    #[error("{}", .0.detail)]
    Settings(Reason),
    /// The mapping does not go with the app's fields.
    #[error("the field mapping has {} problems; the first: {}", .0.len(), .0.first().map_or("", |p| p.detail.as_str()))]
    Mapping(Vec<Problem>),
}

impl Error {
    /// The sentence with which the app pauses; none when the store is at fault, which passes.
    pub fn sentence(&self) -> Option<String> {
        match self {
            Self::Store(_) => None,
            Self::Settings(reason) => Some(format!("{} {}", reason.detail, reason.remedy)),
            Self::Mapping(_) => Some(self.to_string()),
        }
    }
}

/// What every application is made with.
#[derive(Clone)]
pub struct Workshop {
    /// The database.
    pub store: Store,
    /// What opens credentials.
    pub vault: Vault,
    /// What time it is.
    pub clock: Clock,
}

impl Workshop {
    /// Reads and compiles an app; none when it is not there.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn application(
        &self,
        organization: OrganizationId,
        app: AppId,
        throttles: &Throttles,
    ) -> Result<Option<Application>, Error> {
        let read = self
            .store
            .read(organization, move |reader| {
                let Some(row) = reader.app(app)? else { return Ok(None) };
                let mapping = reader.mapping(app, row.mapping)?;
                let secrets = reader.secrets(&owner(app))?;
                Ok(Some((row, mapping, secrets)))
            })
            .await?;
        let Some((row, mapping, secrets)) = read else { return Ok(None) };
        let Some(entry) = catalogue::entry(&row.adapter) else {
            return Err(Error::Settings(Reason {
                field: Some("adapter".into()),
                detail: format!("this version of Rollcall has no adapter {:?}.", row.adapter),
                remedy: "Upgrade, or delete the app.".into(),
            }));
        };
        let document: Document = match mapping {
            Some(row) => serde_json::from_value(row.document)
                .map_err(|_other_shape| unreadable("mapping"))?,
            None => entry.default_mapping.clone(),
        };
        let registry = self.store.registry(organization).await?;
        let compiled =
            Mapping::compile(&document, &entry.schema, &registry).map_err(Error::Mapping)?;
        let scope = parse_scope(row.scope.as_deref(), &registry).map_err(|faults| {
            let details: Vec<String> = faults.into_iter().map(|fault| fault.detail).collect();
            Error::Settings(Reason {
                field: Some("scope".into()),
                detail: format!("The scope cannot be applied: {}.", details.join("; ")),
                remedy: "Correct the app's scope.".into(),
            })
        })?;
        let policy: Policy = serde_json::from_value(row.policy.clone())
            .map_err(|_other_shape| unreadable("policy"))?;
        let mut opened = BTreeMap::new();
        for secret in secrets {
            let place =
                Place { organization: organization.0, owner: &owner(app), name: &secret.name };
            let sealed = Sealed { key_id: secret.key_id, bytes: secret.sealed };
            let plain = self.vault.open(place, &sealed).map_err(|error| {
                Error::Settings(Reason {
                    field: Some(secret.name.clone()),
                    detail: format!("The secret {:?} is {error}.", secret.name),
                    remedy: "Enter it again.".into(),
                })
            })?;
            opened.insert(secret.name, plain);
        }
        let rate = policy.rate.requests_per_minute;
        let throttle = throttles.opened((organization, app), &row.settings, rate);
        let connection = Connection {
            settings: row.settings.clone(),
            secrets: opened,
            accounts: Arc::new(StoredAccounts::new(self.store.clone(), organization, app)),
            throttle: Arc::clone(&throttle),
        };
        let adapter = catalogue::connect(&row.adapter, connection).map_err(Error::Settings)?;
        let policy = Arc::new(policy);
        Ok(Some(Application {
            organization,
            row,
            entry,
            terms: Terms {
                mapping: Arc::new(compiled),
                scope: Arc::new(scope),
                policy: Arc::clone(&policy),
            },
            policy,
            registry,
            adapter,
            throttle,
        }))
    }
}

/// Something of an app that does not go with what the directory would hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Name of the app.
    pub app: String,
    /// `mapping/users/field`, or `scope`.
    pub place: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Workshop {
    /// What would be wrong with the organization's apps if the directory held this, and is right at
    /// present.
    ///
    /// # Errors
    /// The store's.
    pub async fn conflicts(
        &self,
        organization: OrganizationId,
        after: &Registry,
    ) -> store::Result<Vec<Conflict>> {
        let before = self.store.registry(organization).await?;
        let apps = self
            .store
            .read(organization, |reader| {
                let mut apps = Vec::new();
                for row in reader.apps()? {
                    let mapping = reader.mapping(row.id, row.mapping)?;
                    apps.push((row, mapping));
                }
                Ok(apps)
            })
            .await?;
        let mut conflicts = Vec::new();
        for (row, mapping) in apps {
            let Some(entry) = catalogue::entry(&row.adapter) else { continue };
            let document = match mapping {
                Some(mapping) => serde_json::from_value(mapping.document).ok(),
                None => Some(entry.default_mapping.clone()),
            };
            let faults = |registry: &Registry| -> Vec<(String, String)> {
                let mut faults = Vec::new();
                if let Some(document) = &document
                    && let Err(problems) = Mapping::compile(document, &entry.schema, registry)
                {
                    let place = |one: &Problem| format!("mapping/{}", one.field);
                    faults.extend(problems.into_iter().map(|one| (place(&one), one.detail)));
                }
                if let Err(found) = parse_scope(row.scope.as_deref(), registry) {
                    faults.extend(found.into_iter().map(|one| ("scope".to_owned(), one.detail)));
                }
                faults
            };
            let known = faults(&before);
            let new = faults(after).into_iter().filter(|fault| !known.contains(fault));
            conflicts.extend(new.map(|(place, detail)| Conflict {
                app: row.name.clone(),
                place,
                detail,
            }));
        }
        Ok(conflicts)
    }
}

/// A document that another version of Rollcall wrote.
fn unreadable(what: &str) -> Error {
    Error::Settings(Reason {
        field: Some(what.into()),
        detail: format!("This version of Rollcall cannot read the app's {what}."),
        remedy: format!("Upgrade, or save the {what} again."),
    })
}

/// Reads a scope as it is kept: a SCIM filter over users, or a JSON object of several parts.
///
/// # Errors
/// Every fault, each with its part of the scope.
pub fn parse_scope(text: Option<&str>, registry: &Registry) -> Result<scope::Rules, Vec<Problem>> {
    let scope = Scope::read(text.unwrap_or_default())
        .map_err(|detail| vec![Problem { field: "scope".to_owned(), detail }])?;
    scope::Rules::compile(&scope, registry)
}

/// Who counts as a member of a group for an app with this policy.
pub fn nesting(policy: &Policy) -> Nesting {
    match policy.nested_groups {
        NestedGroups::Members => Nesting::Members,
        NestedGroups::Flatten => Nesting::Flatten,
    }
}

/// Owner of an app's secrets.
pub fn owner(app: AppId) -> String {
    format!("app:{app}")
}

/// Who counts as a member of a group, as of one revision of an app.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counting {
    app: AppId,
    revision: i64,
    nesting: Nesting,
}

impl Counting {
    /// The ways that may be in force. Whoever has changed the app meanwhile, and who counts, did not
    /// see what this transaction writes.
    pub(super) fn ways(
        self,
        transaction: &mut store::Transaction<'_>,
    ) -> store::Result<Vec<Nesting>> {
        let is_so = transaction.app_revision(self.app)? == Some(self.revision);
        Ok(if is_so { vec![self.nesting] } else { Nesting::EVERY.to_vec() })
    }
}

impl Application {
    /// Fields by which existing objects are recognised.
    pub fn match_fields(&self, kind: Kind) -> Vec<String> {
        self.match_fields_by(&self.policy, kind)
    }

    /// Fields by which existing objects would be recognised by another policy.
    pub(super) fn match_fields_by(&self, policy: &Policy, kind: Kind) -> Vec<String> {
        if let Some(fields) = policy.matching.of(kind) {
            return fields.to_vec();
        }
        let fields = match kind {
            Kind::User => &self.entry.match_users,
            Kind::Group => &self.entry.match_groups,
        };
        fields.iter().map(|field| (*field).to_owned()).collect()
    }

    /// Those of them by which the app cannot be searched.
    pub fn unsearchable(&self, kind: Kind) -> Vec<String> {
        let mut fields = self.match_fields(kind);
        fields.retain(|field| !self.entry.can_find_by(kind, field));
        fields
    }

    /// Fields by which an object may be recognised that the app has and does not show by the match
    /// fields: those, and the ones that no two of its objects share.
    pub fn conflict_fields(&self, kind: Kind) -> Vec<String> {
        let mut fields = self.match_fields(kind);
        let unique = match kind {
            Kind::User => &self.entry.unique_users,
            Kind::Group => &self.entry.unique_groups,
        };
        for field in unique {
            if !fields.iter().any(|known| known == field) {
                fields.push((*field).to_owned());
            }
        }
        fields
    }

    /// The mapping in force.
    pub fn mapping(&self) -> &Mapping {
        &self.terms.mapping
    }

    /// Who belongs in the app.
    pub fn scope(&self) -> &scope::Rules {
        &self.terms.scope
    }

    /// Whether joining or leaving a group may bring somebody in or out, or change what the app is
    /// told of them.
    pub fn follows_memberships(&self) -> bool {
        let (scope, mapping) = (self.scope(), self.mapping());
        scope.reads_groups()
            || scope.reads_assignments()
            || mapping.reads_groups()
            || mapping.reads_assignments(Kind::User)
    }

    /// Kinds of object that the app is told of, in the order in which they go.
    pub fn kinds(&self) -> &'static [Kind] {
        if self.has_groups() { &[Kind::User, Kind::Group] } else { &[Kind::User] }
    }

    /// Who counts as a member of a group there.
    pub fn nesting(&self) -> Nesting {
        nesting(&self.policy)
    }

    /// The same; none where the app is told of no groups.
    pub fn groups(&self) -> Option<Nesting> {
        self.has_groups().then(|| self.nesting())
    }

    /// In which ways members are to be marked for it.
    pub(super) fn counting(&self) -> Counting {
        Counting { app: self.row.id, revision: self.row.revision, nesting: self.nesting() }
    }

    /// Whether the app is told of groups.
    pub fn has_groups(&self) -> bool {
        self.policy.groups && !self.entry.schema.groups.is_empty()
    }
}
