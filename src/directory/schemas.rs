//! Schemas that an administrator adds, changes and removes.
//!
//! Nothing is lost by it: what would leave values behind that nobody can read, or resources that
//! break their own schema, is refused with what has to be cleared first.

use super::Service;
use crate::clock::Stopwatch;
use crate::id::OrganizationId;
use crate::scim::path::AttributePath;
use crate::scim::schema::definition::check::{self, Fault};
use crate::scim::schema::definition::difference::Difference;
use crate::scim::schema::definition::{Definition, Field};
use crate::scim::schema::{Registry, Type};
use crate::store::schemas::{Build, State};
use crate::store::{self, Transaction};
use std::sync::Arc;
use std::time::Duration;

/// Most schemas that an organization adds.
pub const MAX_DEFINITIONS: usize = 50;
/// How long whoever changes a schema waits for its index rows; what is left is done afterwards.
const WAIT: Duration = Duration::from_secs(2);

/// Why a schema is not changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The definition is wrong.
    #[error("the schema has {} faults; nothing was saved", .0.len())]
    Faulty(Vec<Fault>),
    /// What is there does not allow it.
    #[error("the directory does not allow this change; nothing was saved")]
    Conflict(Vec<Fault>),
    /// There is no such schema.
    #[error("no administrator added a schema with this URN")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A change of the schemas that was found right, and what the registry would be after it.
#[derive(Debug, Clone)]
pub struct Proposal {
    organization: OrganizationId,
    before: Arc<Registry>,
    old: Option<Definition>,
    new: Option<Definition>,
    difference: Difference,
    /// What resources would be like.
    pub after: Registry,
}

impl Proposal {
    /// Whether the schema is there already.
    pub fn exists(&self) -> bool {
        self.old.is_some()
    }

    /// URN of the schema.
    pub fn urn(&self) -> &str {
        self.new.as_ref().or(self.old.as_ref()).map_or("", |one| one.id.as_str())
    }
}

impl Service {
    /// The schemas that an administrator added.
    ///
    /// # Errors
    /// The store's.
    pub async fn definitions(
        &self,
        organization: OrganizationId,
    ) -> store::Result<Vec<Definition>> {
        self.store.read(organization, |reader| reader.definitions()).await
    }

    /// What adding or changing the schema of a URN would come to; `None` removes it. Saves nothing.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn propose(
        &self,
        organization: OrganizationId,
        urn: &str,
        new: Option<Definition>,
    ) -> Result<Proposal, Refused> {
        let before = self.store.newest_registry(organization).await?;
        let definitions = self.definitions(organization).await?;
        let is_it = |one: &Definition| one.id.eq_ignore_ascii_case(urn);
        let old = definitions.iter().find(|one| is_it(one)).cloned();
        let mut others: Vec<Definition> =
            definitions.into_iter().filter(|one| !is_it(one)).collect();
        let difference = match (&old, &new) {
            (None, None) => return Err(Refused::Unknown),
            (Some(old), None) => Difference::removal(old),
            (old, Some(new)) => {
                let right = others.len() < MAX_DEFINITIONS;
                let mut faults = check::faults(new, &Registry::with(&others, before.revision));
                if !right {
                    let detail = format!("{MAX_DEFINITIONS} schemas are the most: remove one");
                    faults.push(Fault { field: "id".into(), detail });
                }
                if !faults.is_empty() {
                    return Err(Refused::Faulty(faults));
                }
                match old {
                    Some(old) => Difference::between(old, new),
                    None => Difference::default(),
                }
            }
        };
        let mut refused = difference.refused.clone();
        if new.is_none()
            && let Some(kind) = old.as_ref().and_then(|old| old.resource_type.as_ref())
        {
            let extending = others
                .iter()
                .filter(|one| one.extends().is_some_and(|(name, _)| name == kind.name));
            refused.extend(extending.map(|one| Fault {
                field: "extends".into(),
                detail: format!("{} extends {}: remove it first", one.id, kind.name),
            }));
        }
        if !refused.is_empty() {
            return Err(Refused::Conflict(refused));
        }
        // The place of an earlier one is kept: a later one may extend it.
        others.extend(new.clone());
        let after = Registry::with(&others, before.revision + 1);
        Ok(Proposal { organization, before, old, new, difference, after })
    }

    /// Carries a proposal out, if the schemas and the directory still allow it.
    ///
    /// # Errors
    /// [`Refused`]; [`store::Error::Outdated`] when somebody else changed the schemas meanwhile.
    pub async fn carry_out(&self, proposal: Proposal, actor: String) -> Result<(), Refused> {
        let organization = proposal.organization;
        let now_us = self.clock.now_us();
        let refused = self
            .store
            .write(organization, move |transaction| {
                transaction.lock_registry(proposal.before.revision)?;
                let faults = standing_in_the_way(transaction, &proposal)?;
                if faults.is_empty() {
                    save(transaction, &proposal, &actor, now_us)?;
                }
                Ok(faults)
            })
            .await?;
        if !refused.is_empty() {
            return Err(Refused::Conflict(refused));
        }
        self.store.newest_registry(organization).await?;
        self.build_indexes(organization, WAIT).await?;
        Ok(())
    }

    /// Writes and removes index rows that are due, for as long as that; answers whether all is done.
    ///
    /// # Errors
    /// The store's.
    pub async fn build_indexes(
        &self,
        organization: OrganizationId,
        patience: Duration,
    ) -> store::Result<bool> {
        let watch = Stopwatch::start();
        loop {
            let registry = self.store.newest_registry(organization).await?;
            let step = self
                .store
                .write(organization, move |transaction| transaction.continue_build(&registry))
                .await;
            match step {
                Ok(false) => {
                    self.store.newest_registry(organization).await?;
                    return Ok(true);
                }
                Ok(true) | Err(store::Error::Outdated | store::Error::Busy) => {}
                Err(error) => return Err(error),
            }
            if watch.elapsed() > patience {
                return Ok(false);
            }
        }
    }
}

/// What of the directory does not allow a change.
fn standing_in_the_way(
    transaction: &mut Transaction<'_>,
    proposal: &Proposal,
) -> store::Result<Vec<Fault>> {
    let difference = &proposal.difference;
    let mut faults = Vec::new();
    let Some(old) = &proposal.old else {
        // A new extension that everybody must have is one that nobody has.
        let required = proposal.new.as_ref().is_some_and(|new| new.required);
        let holder = proposal.new.as_ref().map_or("", Definition::holder).to_owned();
        if required && transaction.has_resources(&holder)? {
            faults.push(Fault {
                field: "required".into(),
                detail: format!("each {holder} that is there would lack it: leave it out"),
            });
        }
        return Ok(faults);
    };
    let holder = old.holder().to_owned();
    if !difference.without_resources.is_empty() && transaction.has_resources(&holder)? {
        faults.extend(difference.without_resources.iter().cloned());
    }
    let Some(kind) = proposal.before.named(&holder) else { return Ok(faults) };
    for fault in &difference.without_values {
        let (attribute, sub) = match fault.field.split_once('.') {
            Some((attribute, sub)) => (attribute, Some(sub.to_owned())),
            None => (fault.field.as_str(), None),
        };
        let schema = old.resource_type.is_none().then(|| old.id.clone());
        let path = AttributePath { schema, attribute: attribute.to_owned(), sub };
        let Some(place) = kind.place(&path) else { continue };
        match transaction.has_values(kind, &place) {
            Ok(false) => {}
            Ok(true) => faults.push(Fault {
                detail: format!("{}: clear them first", fault.detail),
                ..fault.clone()
            }),
            Err(store::Error::TooMany) => faults.push(Fault {
                detail: format!(
                    "{}, and there are too many resources to look whether they have: index it first",
                    fault.detail
                ),
                ..fault.clone()
            }),
            Err(error) => return Err(error),
        }
    }
    Ok(faults)
}

fn save(
    transaction: &mut Transaction<'_>,
    proposal: &Proposal,
    actor: &str,
    now_us: i64,
) -> store::Result<()> {
    let urn = proposal.urn();
    let dropping = transaction.dropping(urn)?;
    let difference = &proposal.difference;
    let build = |definition: &Definition, name: &str, state| Build {
        urn: definition.id.clone(),
        attribute: name.to_owned(),
        kind: definition.holder().to_owned(),
        state,
        paths: paths(definition, name),
    };
    let action = if let Some(new) = &proposal.new {
        transaction.save_definition(new, now_us)?;
        let anew = new
            .attributes
            .iter()
            .map(|field| field.name.as_str())
            .filter(|name| dropping.iter().any(|dropped| dropped == name));
        for name in anew.chain(difference.build.iter().map(String::as_str)) {
            transaction.start_build(&build(new, name, State::Build))?;
        }
        if proposal.exists() { "schema.change" } else { "schema.add" }
    } else {
        transaction.delete_definition(urn)?;
        "schema.remove"
    };
    if let Some(old) = &proposal.old {
        for name in &difference.drop {
            transaction.start_build(&build(old, name, State::Drop))?;
        }
    }
    transaction.count_registry(proposal.before.revision)?;
    transaction.record_audit(now_us, actor, action, urn, None)
}

/// Every path that index rows of an attribute can have.
fn paths(definition: &Definition, name: &str) -> Vec<String> {
    let key = definition.key(name);
    let field: Option<&Field> = definition.attributes.iter().find(|field| field.name == name);
    let parts = field.into_iter().flat_map(|field| &field.sub_attributes);
    let mut paths: Vec<String> = parts
        .filter(|part| part.kind != Type::Complex)
        .map(|part| format!("{key}.{}", part.name))
        .collect();
    paths.push(key);
    paths
}
