//! `rollcall token`.

use super::{Failure, block_on, open, organization, say};
use crate::auth::token::{self, NewToken};
use crate::clock::{Clock, rfc3339};
use crate::config::Config;
use crate::scim::dialect::Dialect;
use clap::{Args, Subcommand, ValueEnum};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a token for a client; prints the secret, once, and nothing else
    Create(Create),
    /// List tokens, without their secrets
    List,
    /// Revoke a token by its prefix, or all of a client's by its name
    Revoke {
        /// Prefix, as `token list` shows it, or name of the client
        token: String,
    },
}

#[derive(Args)]
pub(super) struct Create {
    /// Name of the client: the identity provider, the script
    name: String,
    /// What the token may do; repeat for several
    #[arg(long = "scope", value_enum, required = true)]
    scopes: Vec<Scope>,
    /// How the client speaks SCIM [default: standard, or what the client has]
    #[arg(long, value_parser = ["standard", "strict", "entra", "okta"])]
    dialect: Option<String>,
    /// Days until the token is refused [default: never]
    #[arg(long, value_name = "DAYS")]
    expires_in: Option<u32>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Scope {
    /// Read users and groups
    #[value(name = "scim.read")]
    ScimRead,
    /// Read and write users and groups: what an identity provider needs
    #[value(name = "scim.write")]
    ScimWrite,
    /// Everything of the admin API
    Admin,
    /// Look at the admin API
    Audit,
}

impl Scope {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ScimRead => "scim.read",
            Self::ScimWrite => "scim.write",
            Self::Admin => "admin",
            Self::Audit => "audit",
        }
    }
}

const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

pub(super) fn run(config: &Config, command: Command) -> Result<(), Failure> {
    let store = open(config, false)?;
    let clock = Clock::System;
    block_on(async move {
        let organization = organization(&store, &clock).await?;
        match command {
            Command::Create(create) => {
                let now_us = clock.now_us();
                let new = NewToken {
                    client: create.name,
                    scopes: create.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
                    dialect: create.dialect.as_deref().and_then(Dialect::named),
                    expires_us: create
                        .expires_in
                        .map(|days| now_us.saturating_add(i64::from(days).saturating_mul(DAY_US))),
                };
                let secret = token::create(&store, organization.id, new, now_us)
                    .await
                    .map_err(|error| error.to_string())?;
                say(&secret)
            }
            Command::List => {
                let tokens = store
                    .read(organization.id, crate::store::Reader::tokens)
                    .await
                    .map_err(|error| error.to_string())?;
                say(&format!(
                    "{:<14} {:<20} {:<10} {:<24} {:<26} {}",
                    "prefix", "client", "dialect", "scopes", "created", "expires"
                ))?;
                for token in tokens {
                    say(&format!(
                        "{:<14} {:<20} {:<10} {:<24} {:<26} {}",
                        token.prefix,
                        token.client.name,
                        token.client.dialect.as_str(),
                        token.scopes.join(" "),
                        rfc3339(token.created_us),
                        token.expires_us.map_or_else(|| "never".into(), rfc3339),
                    ))?;
                }
                Ok(())
            }
            Command::Revoke { token } => {
                let wanted = token.clone();
                let revoked = store
                    .write(organization.id, move |transaction| transaction.revoke_tokens(&wanted))
                    .await
                    .map_err(|error| error.to_string())?;
                if revoked == 0 {
                    return Err(format!("no token has the prefix, and no client the name, {token:?}"));
                }
                say(&format!("{revoked} revoked; a running server forgets within 30 seconds"))
            }
        }
    })
}
