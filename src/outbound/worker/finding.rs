//! What the app is found to hold: an account to take over, one that is gone, a value that is agreed.

use super::record::Action;
use super::{PATIENT, Push, Stop};
use crate::adapters::adapter::{Failure, Key, Observed, RemoteId};
use crate::clock::Stopwatch;
use crate::id::ResourceId;
use crate::mapping::record::Record;
use crate::outbound::plan::{self, Following, Found, Origin, Situation};
use crate::outbound::policy::Lost;
use crate::store;
use crate::store::links::Holder;

impl Push<'_> {
    /// The directory came to want what somebody changed in the app: nothing is to be put right.
    pub(super) async fn agree(
        &self,
        now: &mut Situation,
        verdict: plan::Verdict,
    ) -> Result<(), Stop> {
        let desired = &now.desired.always;
        let Some(link) = now.link.as_mut().filter(|_| verdict == plan::Verdict::InSync) else {
            return Ok(());
        };
        let agreed = link.agreed(desired);
        if agreed.is_empty() {
            return Ok(());
        }
        let whole = plan::whole(&link.record, desired);
        link.accepted(whole);
        self.recorder.agree(now.kind, link, agreed).await
    }

    /// Looks by each key until one finds something, and says which of the finds are taken.
    pub(super) async fn look(&self, now: &Situation, keys: &[Key]) -> Result<Vec<Found>, Stop> {
        for key in keys {
            let observed: Vec<Observed> = self.application.adapter.find(now.kind, key).await?;
            if observed.is_empty() {
                continue;
            }
            let holders = self.holders(now, key, &observed).await?;
            // Who holds it may have given it up since the app was asked: a person is called only when
            // it stays so.
            let stays = self.job.attempts >= PATIENT;
            if holders.iter().any(|holder| match holder {
                Holder::Nobody => false,
                Holder::Leaving => true,
                Holder::Another => !stays,
            }) {
                return Err(Stop::Later);
            }
            return Ok(observed
                .into_iter()
                .zip(holders)
                .map(|(observed, holder)| Found { observed, taken: holder == Holder::Another })
                .collect());
        }
        Ok(Vec::new())
    }

    /// Who else each object belongs to that a look by `key` found. What nobody holds may have been
    /// made for somebody of whom that is not known yet: of all who may be meant, whoever asked first.
    async fn holders(
        &self,
        now: &Situation,
        key: &Key,
        observed: &[Observed],
    ) -> Result<Vec<Holder>, Stop> {
        let (app, resource, kind) = (self.application.row.id, self.job.resource, now.kind.as_str());
        let (key, match_fields) = (key.clone(), now.match_fields.clone());
        let observed = observed.to_vec();
        let read = self.engine.store().read(self.application.organization, move |reader| {
            let in_doubt = reader.links_in_doubt(app, kind)?;
            let doubted: Vec<(ResourceId, Record)> = in_doubt
                .into_iter()
                .map(|link| (link.resource, Record(link.record.into_iter().collect())))
                .collect();
            observed
                .iter()
                .map(|one| {
                    let holder = reader.holder_of(app, kind, &one.id.0, resource)?;
                    if holder != Holder::Nobody || planted!(Handover) {
                        return Ok(holder);
                    }
                    let meant = doubted
                        .iter()
                        .find(|(_, sent)| plan::may_be(one, sent, &key, &match_fields));
                    match meant.filter(|(other, _)| *other != resource) {
                        Some((other, _)) => reader.holding(app, *other),
                        None => Ok(Holder::Nobody),
                    }
                })
                .collect::<store::Result<Vec<Holder>>>()
        });
        Ok(read.await?)
    }

    /// How an account that is found came to be: what Rollcall was about to make and then finds is its
    /// own, and so is what it had made before and that comes back.
    pub(super) async fn origin(&self, now: &Situation, remote: &RemoteId) -> Result<Origin, Stop> {
        if now.link.as_ref().is_some_and(|link| link.origin == Origin::Created) {
            return Ok(Origin::Created);
        }
        let (app, resource) = (self.application.row.id, self.job.resource);
        let remote = remote.0.clone();
        let read = self.engine.store().read(self.application.organization, move |reader| {
            reader.is_made(app, resource, &remote)
        });
        Ok(if read.await? { Origin::Created } else { Origin::Adopted })
    }

    /// Asks the app what it holds, where a request may have taken effect or not: should the directory
    /// have come back meanwhile to what it said before, nothing would differ from what is remembered,
    /// and the app would keep what was sent in between.
    pub(super) async fn ascertain(
        &self,
        now: &mut Situation,
        asked: &mut bool,
    ) -> Result<(), Stop> {
        let Some(link) = now.link.as_mut().filter(|link| link.state == Following::Kept) else {
            return Ok(());
        };
        // What may have been made is looked for in any case.
        let Some(remote) = link.remote.clone() else { return Ok(()) };
        *asked = true;
        match self.application.adapter.read(now.kind, &remote).await {
            Ok(observed) => {
                let active = observed.active.unwrap_or(link.active);
                if (&observed.record, active) != (&link.record, link.active) {
                    (link.record, link.active) = (observed.record, active);
                    link.otherwise.clear();
                    self.recorder.note(now.kind, link).await?;
                }
            }
            // All of it is sent; then it shows what has become of it.
            Err(Failure::Gone | Failure::Unsupported(_)) => link.record = Record::default(),
            Err(failure) => return Err(failure.into()),
        }
        Ok(())
    }

    /// The app no longer has the object: what becomes of it is the policy's.
    pub(super) async fn lose(&self, now: &mut Situation, watch: &Stopwatch) -> Result<(), Stop> {
        let state = match self.application.policy.lost {
            Lost::Recreate => None,
            Lost::Park => Some(Following::Lost),
            Lost::Release => Some(Following::Released),
        };
        now.found = None;
        if let (Some(state), Some(link)) = (state, &mut now.link) {
            link.state = state;
            self.recorder.lost(now.kind, link, watch).await
        } else {
            now.link = None;
            self.recorder.unlink(Some(Action::Lost), watch).await
        }
    }
}
