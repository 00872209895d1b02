//! Why a run that nobody is asked about does not go on.

use crate::outbound::provision;
use crate::store::apps::AppRow;
use crate::store::runs::RunRow;
use crate::store::{self, Reader};

/// Why a run does not go on, in a sentence with what to do; none where it goes on, is over, or waits for
/// a person.
///
/// # Errors
/// The store's.
pub fn waits(reader: &mut Reader<'_>, app: &AppRow, run: &RunRow) -> store::Result<Option<String>> {
    let held = || provision::held(app);
    Ok(match run.state.as_str() {
        "planning" if reader.is_planned_before(app.id, run.id)? => {
            Some("Another run of the app is planned first.".to_owned())
        }
        "queued" if !app.enabled => held(),
        "queued" if reader.is_running(app.id)? => {
            let first = "Another run of the app is applied first.".to_owned();
            Some(held().map_or(first.clone(), |sentence| format!("{first} {sentence}")))
        }
        "running" => held(),
        _ => None,
    })
}
