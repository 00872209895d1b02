//! Logs, on standard error: what happened, never whose data it happened to.

use crate::config::LogFormat;
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
#[error("log: {0:?} is not a list of directives such as `info` or `info,rollcall=debug`")]
pub struct BadDirectives(String);

/// Checks directives without starting anything.
///
/// # Errors
/// [`BadDirectives`].
pub fn check(directives: &str) -> Result<(), BadDirectives> {
    EnvFilter::try_new(directives).map_err(|_bad| BadDirectives(directives.to_owned()))?;
    Ok(())
}

/// Starts writing log lines. A second call changes nothing.
///
/// # Errors
/// [`BadDirectives`].
pub fn start(directives: &str, format: LogFormat) -> Result<(), BadDirectives> {
    let filter =
        EnvFilter::try_new(directives).map_err(|_bad| BadDirectives(directives.to_owned()))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    Ok(())
}
