//! The command line.

mod healthcheck;
mod serve;
mod token;
mod welcome;

use crate::clock::Clock;
use crate::config::{self, Config, Flags, Loaded};
use crate::store::{self, Options, Store};
use clap::{Args, Parser, Subcommand};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Rollcall is your directory of people and groups, and the bridge from it to your apps.
///
/// Identity providers push users and groups in over SCIM 2.0; Rollcall maps each profile to each
/// app's own fields and pushes the changes out, the moment they happen.
///
/// Without a command it serves.
#[derive(Parser)]
#[command(
    version,
    disable_help_subcommand = true,
    after_help = "Everything can be set in rollcall.toml, in ROLLCALL_* variables and by flags, in \
rising order; `rollcall check-config` prints every value and where it came from.\n\n\
First steps:\n  rollcall                                        start, on rollcall.db in this directory\n  \
rollcall token create okta --scope scim.write   a token for an identity provider\n  \
rollcall token create me --scope admin          a token for the admin API"
)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args)]
struct Settings {
    /// Configuration file [default: rollcall.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = "ROLLCALL_CONFIG")]
    config: Option<PathBuf>,
    /// Database: `sqlite:PATH` or `postgres://USER@HOST/NAME` [default: sqlite:rollcall.db]
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve SCIM, the admin API and the status page; keep the apps equal (the default)
    Serve,
    /// Make, list and revoke tokens; works while the server runs
    #[command(subcommand)]
    Token(token::Command),
    /// Bring the database to this version's schema, and stop
    Migrate,
    /// Print every setting, its value and where it came from
    CheckConfig,
    /// Ask the running server whether it is well: exit code 0 if it is
    Healthcheck,
    /// Print the version
    Version,
}

/// What ends a command early: a sentence for people, printed to standard error.
type Failure = String;

/// Parses the arguments and runs the command.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            // Standard error may be closed; there is nobody left to tell then.
            let _ = writeln!(io::stderr(), "rollcall: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), Failure> {
    if matches!(cli.command, Some(Command::Version)) {
        return say(&format!("rollcall {}", env!("CARGO_PKG_VERSION")));
    }
    let flags = Flags { listen: cli.settings.listen, database_url: cli.settings.database_url };
    let loaded =
        config::load(cli.settings.config.as_deref(), &flags).map_err(|error| error.to_string())?;
    match cli.command {
        None | Some(Command::Serve) => serve::run(loaded),
        Some(Command::Token(command)) => token::run(&loaded.config, command),
        Some(Command::Migrate) => {
            open(&loaded.config, false)?;
            say("the database has this version's schema")
        }
        Some(Command::CheckConfig) => check_config(&loaded),
        Some(Command::Healthcheck) => healthcheck::run(&loaded.config),
        Some(Command::Version) => Ok(()),
    }
}

fn check_config(loaded: &Loaded) -> Result<(), Failure> {
    crate::telemetry::check(&loaded.config.log).map_err(|error| error.to_string())?;
    for (key, value, source) in &loaded.origins {
        say(&format!("{key:<22} {value:<40} {source}"))?;
    }
    say(&format!("{:<22} {:<40} {}", "(key file)", loaded.config.key_path().display(), "in use"))?;
    for sentence in loaded.unknown_variables.iter().chain(&loaded.config.doubts()) {
        say(&format!("note: {sentence}"))?;
    }
    Ok(())
}

/// Opens the database as configured.
fn open(config: &Config, exclusive: bool) -> Result<Store, Failure> {
    let options = Options { connections: config.database_connections, ..Options::default() };
    Store::open(&config.database_url, &options, exclusive).map_err(|error| match error {
        store::Error::Database(sentence) => format!("database_url: {sentence}"),
        other => format!("database_url: {other}"),
    })
}

/// Opens a database that must be there: a slip in its name must not make another one.
fn open_existing(config: &Config) -> Result<Store, Failure> {
    if let Some(path) = config.database_url.strip_prefix("sqlite:")
        && !Path::new(path.trim_start_matches("//")).exists()
    {
        return Err(format!(
            "there is no database {path}: start the server here, or name the right one with \
             --database-url"
        ));
    }
    open(config, false)
}

/// A runtime for commands that only use the store.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?
        .block_on(work)
}

/// Prints a line to standard output.
fn say(line: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{line}").map_err(|error| format!("standard output: {error}"))
}

/// The organization that commands work for.
const DEFAULT_ORGANIZATION: &str = "default";

async fn organization(
    store: &Store,
    clock: &Clock,
) -> Result<crate::store::organizations::Organization, Failure> {
    store
        .organization_named(DEFAULT_ORGANIZATION, clock.now_us())
        .await
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
