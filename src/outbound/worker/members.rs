//! Who is in a group, as differences: only members that may differ are looked at, and only those
//! that do are sent.

use super::hold::leaving;
use super::record::Action;
use super::{Push, Stop};
use crate::adapters::adapter::{Failure, MemberChange, Reason, RemoteId, Told};
use crate::clock::Stopwatch;
use crate::store::pushes::DueMember;
use crate::store::removals::Removal;
use async_trait::async_trait;

/// Tells the app of every member that differs, in requests of the size that it takes. Members that
/// the app refuses stay marked and do not hold up the others; the group is parked in the end. So are
/// those who would be too many to be taken out unasked.
pub(super) async fn push(push: &Push<'_>, group: &RemoteId, asked: &mut bool) -> Result<(), Stop> {
    let (app, resource) = (push.application.row.id, push.job.resource);
    let (nesting, in_doubt) = (push.application.nesting(), push.job.in_doubt);
    let mut refused: Option<Reason> = None;
    let mut held = None;
    let mut after = None;
    let mut limit = 1;
    let mut is_known = false;
    loop {
        let (due, now) = push
            .engine
            .store()
            .read(push.application.organization, move |reader| {
                let due = reader.due_members(app, resource, after, limit, nesting, in_doubt)?;
                Ok((due, reader.app_revision(app)?))
            })
            .await?;
        if now != Some(push.application.row.revision) {
            // Who counts as a member may be another question now.
            return Err(Stop::Anew);
        }
        let Some(last) = due.last().map(|one| one.member) else { break };
        // The app is asked how many it takes only when there is something to tell it.
        if !is_known {
            *asked = true;
            let capabilities = push.application.adapter.capabilities().await?;
            limit = capabilities.members_per_request.clamp(1, 1_000);
            is_known = true;
            continue;
        }
        let due = push.permitted(due, &mut held).await?;
        after = Some(last);
        if due.is_empty() {
            continue;
        }
        // A part of a refused request is smaller: in the end one member is refused alone.
        let mut parts = vec![due];
        while let Some(part) = parts.pop() {
            match tell(push, group, &part, limit, asked).await {
                Ok(()) => {}
                Err(Stop::App(Failure::Refused(reason))) => {
                    if let Some((first, second)) = halves(&part) {
                        parts.extend([second, first]);
                    } else {
                        refused = Some(reason);
                    }
                }
                Err(stop) => return Err(stop),
            }
        }
    }
    match (held, refused) {
        (Some(held), _) => Err(Stop::Held(held)),
        (None, Some(reason)) => Err(Stop::App(Failure::Refused(reason))),
        (None, None) => Ok(()),
    }
}

fn halves(part: &[DueMember]) -> Option<(Vec<DueMember>, Vec<DueMember>)> {
    let (first, second) = part.split_at_checked(part.len() / 2)?;
    (!first.is_empty()).then(|| (first.to_vec(), second.to_vec()))
}

async fn tell(
    push: &Push<'_>,
    group: &RemoteId,
    due: &[DueMember],
    limit: usize,
    asked: &mut bool,
) -> Result<(), Stop> {
    let watch = Stopwatch::start();
    let leaving = due.iter().filter_map(|one| Some((one.leave.clone()?, false)));
    let joining = due.iter().filter_map(|one| Some((one.join.clone()?, true)));
    let names: Vec<(String, bool)> = joining.chain(leaving).collect();
    let told = names.len();
    // Whoever has another account now is named twice, which may be one request more.
    for part in names.chunks(limit) {
        let mut change = MemberChange::default();
        for (id, joins) in part {
            let names = if *joins { &mut change.add } else { &mut change.remove };
            names.push(RemoteId(id.clone()));
        }
        *asked = true;
        push.application.adapter.members(group, &change, push).await?;
    }
    settle(push, due.to_vec(), told, &watch).await
}

#[async_trait]
impl Told for Push<'_> {
    async fn members(&self) -> Result<Vec<RemoteId>, Failure> {
        let (app, group) = (self.application.row.id, self.job.resource);
        let told = self
            .engine
            .store()
            .read(self.application.organization, move |reader| reader.told_members(app, group))
            .await;
        match told {
            Ok(ids) => Ok(ids.into_iter().map(RemoteId).collect()),
            Err(error) => Err(Failure::Again { after: None, detail: error.to_string() }),
        }
    }
}

async fn settle(
    push: &Push<'_>,
    due: Vec<DueMember>,
    told: usize,
    watch: &Stopwatch,
) -> Result<(), Stop> {
    let (app, group) = (push.application.row.id, push.job.resource);
    let detail = format!("{told} members");
    let left = leaving(&due);
    let attempt = (told > 0).then(|| {
        push.recorder.attempt(
            Action::Members,
            "done",
            vec!["members".into()],
            Some(detail),
            watch.elapsed_us(),
        )
    });
    push.recorder
        .fenced(move |transaction| {
            transaction.settle_members(app, group, &due)?;
            if left > 0 {
                transaction.note_taken(app, group, Removal::Membership, left)?;
            }
            attempt.iter().try_for_each(|attempt| transaction.insert_attempt(attempt))
        })
        .await
}
