//! How an app is asked for its own list: again and again while it stumbles or asks to wait, but neither
//! for ever nor for a run that nobody wants any more.

use crate::adapters::adapter::Failure;
use crate::id::{self, OrganizationId, RunId};
use crate::outbound::engine::Engine;
use crate::outbound::retry;
use crate::store;
use std::time::Duration;

/// How often something is asked for before the list counts as unreadable.
const TRIES: u32 = 5;
/// Longest wait for an app that stumbles.
const LONGEST_WAIT: Duration = Duration::from_mins(2);
/// How long one list is waited for in all because the app asks to wait.
const LONGEST: Duration = Duration::from_hours(1);
/// How often it is looked meanwhile whether the run is still wanted.
const LOOK: Duration = Duration::from_secs(2);

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The app said no, or stumbled too often.
    App(Failure),
    /// It asked to wait for longer than a list is waited for.
    TooLong,
    /// The run was cancelled meanwhile.
    Cancelled,
    /// The store failed.
    Store(store::Error),
}

impl Unanswered {
    /// Why a list is not whole.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn sentence(self, begun: &str) -> store::Result<String> {
        match self {
            Self::App(failure) => {
                Ok(format!("{begun}: {}.", failure.to_string().trim_end_matches('.')))
            }
            Self::TooLong => Ok(format!("{begun}: the app asked to wait for more than an hour.")),
            Self::Cancelled => Ok(format!("{begun}: the run was cancelled.")),
            Self::Store(error) => Err(error),
        }
    }
}

/// What is left of it, of one run.
#[derive(Debug)]
pub(super) struct Patience {
    run: RunId,
    left: Duration,
}

impl Patience {
    /// All of it.
    pub(super) const fn new(run: RunId) -> Self {
        Self { run, left: LONGEST }
    }

    /// Asks until there is an answer, or no patience is left.
    pub(super) async fn answer<T, F>(
        &mut self,
        engine: &Engine,
        organization: OrganizationId,
        ask: impl Fn() -> F,
    ) -> Result<T, Unanswered>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut tries = 0;
        loop {
            let failure = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let dice = id::below(1_001);
            let wait = match &failure {
                Failure::Throttled { after } => {
                    let wait = retry::app_wait(1, *after, dice);
                    let left = self.left.checked_sub(wait);
                    self.left = left.ok_or(Unanswered::TooLong)?;
                    wait
                }
                Failure::Again { .. } | Failure::InDoubt { .. } => {
                    tries += 1;
                    let wish =
                        if let Failure::Again { after, .. } = failure { after } else { None };
                    let wait = retry::app_wait(tries, wish, dice);
                    if tries >= TRIES || wait > LONGEST_WAIT {
                        return Err(Unanswered::App(failure));
                    }
                    wait
                }
                _ => return Err(Unanswered::App(failure)),
            };
            self.wait(engine, organization, wait).await?;
        }
    }

    async fn wait(
        &self,
        engine: &Engine,
        organization: OrganizationId,
        mut wait: Duration,
    ) -> Result<(), Unanswered> {
        let run = self.run;
        while !wait.is_zero() {
            let some = wait.min(LOOK);
            engine.clock().sleep(some).await;
            wait = wait.saturating_sub(some);
            let found = engine.store().glance(organization, move |reader| reader.run(run)).await;
            let found = found.map_err(Unanswered::Store)?;
            if found.is_none_or(|found| found.state != "planning") {
                return Err(Unanswered::Cancelled);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
