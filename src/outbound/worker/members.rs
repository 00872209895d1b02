//! Who is in a group, as differences: only members that may differ are looked at, and only those
//! that do are sent.

use super::record::Action;
use super::{Push, Stop};
use crate::adapters::adapter::{MemberChange, RemoteId};
use crate::clock::Stopwatch;
use crate::store::pushes::DueMember;

/// Tells the app of every member that differs, in requests of the size that it takes.
pub(super) async fn push(push: &Push<'_>, group: &RemoteId, asked: &mut bool) -> Result<(), Stop> {
    let (app, resource) = (push.application.row.id, push.job.resource);
    let mut limit = None;
    loop {
        let most = limit.unwrap_or(1);
        let due = push
            .engine
            .store()
            .read(push.application.organization, move |reader| {
                reader.due_members(app, resource, most)
            })
            .await?;
        if due.is_empty() {
            return Ok(());
        }
        // The app is asked how many it takes only when there is something to tell it.
        if limit.is_none() {
            let capabilities = push.capabilities(asked).await?;
            limit = Some(capabilities.members_per_request.clamp(1, 1_000));
            continue;
        }
        let mut change = MemberChange::default();
        for member in &due {
            match &member.wish {
                Some((remote, true)) => change.add.push(RemoteId(remote.clone())),
                Some((remote, false)) => change.remove.push(RemoteId(remote.clone())),
                None => {}
            }
        }
        let watch = Stopwatch::start();
        let told = change.add.len() + change.remove.len();
        if told > 0 {
            *asked = true;
            push.application.adapter.members(group, &change).await?;
        }
        settle(push, due, told, &watch).await?;
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
            attempt.iter().try_for_each(|attempt| transaction.insert_attempt(attempt))
        })
        .await
}
