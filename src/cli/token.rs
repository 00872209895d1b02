//! `rollcall token`.

use super::{Failure, block_on, open_existing, organization, say};
use crate::auth::{Scope, token};
use crate::clock::{Clock, rfc3339};
use crate::config::Config;
use crate::id::{self, ClientId, OrganizationId};
use crate::scim::dialect::Dialect;
use crate::store::{self, Store};
use clap::{Args, Subcommand, ValueEnum};
use secrecy::{ExposeSecret as _, SecretString};

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
    #[arg(value_parser = client_name)]
    name: String,
    /// What the token may do; repeat for several
    #[arg(long = "scope", value_enum, required = true)]
    scopes: Vec<Named>,
    /// How the client speaks SCIM [default: standard, or what the client has]
    #[arg(long, value_parser = ["standard", "strict", "entra", "okta"])]
    dialect: Option<String>,
    /// User name of the person for whom the token speaks: what /Me is
    #[arg(long, value_name = "USERNAME")]
    user: Option<String>,
    /// Days until the token is refused [default: never]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    expires_in: Option<u32>,
}

fn client_name(name: &str) -> Result<String, String> {
    let fits = (1..=64).contains(&name.chars().count())
        && name.trim() == name
        && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err("give 1 to 64 characters in one line".into()) }
}

/// [`Scope`] with its help.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Named {
    /// Read users and groups
    #[value(name = "scim.read")]
    ScimRead,
    /// Read and write users and groups: what an identity provider needs
    #[value(name = "scim.write")]
    ScimWrite,
    /// Read and change one's own person through /Me, and nobody else (needs --user)
    #[value(name = "scim.me")]
    ScimMe,
    /// Everything of the admin API
    #[value(name = "admin")]
    Admin,
    /// Look at the admin API
    #[value(name = "audit")]
    Audit,
}

impl From<Named> for Scope {
    fn from(named: Named) -> Self {
        match named {
            Named::ScimRead => Self::ScimRead,
            Named::ScimWrite => Self::ScimWrite,
            Named::ScimMe => Self::ScimMe,
            Named::Admin => Self::Admin,
            Named::Audit => Self::Audit,
        }
    }
}

/// A token to be made.
#[derive(Clone)]
pub(super) struct NewToken {
    pub(super) client: String,
    pub(super) scopes: Vec<Scope>,
    pub(super) dialect: Option<Dialect>,
    pub(super) expires_us: Option<i64>,
    /// User name of the person for whom the token speaks.
    pub(super) user: Option<String>,
}

/// Makes a token, and its client when there is none of that name; answers the secret.
///
/// # Errors
/// [`store::Error::NotFound`] where nobody has the user name.
pub(super) async fn create(
    store: &Store,
    organization: OrganizationId,
    new: NewToken,
    now_us: i64,
) -> store::Result<SecretString> {
    store
        .write(organization, move |transaction| {
            let id = ClientId(id::new_uuid(now_us));
            let client = transaction.client_named(&new.client, new.dialect, (id, now_us))?;
            let mut issued =
                token::issue(organization, client, &new.scopes, now_us, new.expires_us);
            if let Some(name) = &new.user {
                let person = transaction.user_named(name)?;
                issued.row.subject = Some(person.ok_or(store::Error::NotFound)?);
            }
            transaction.insert_token(&issued.row)?;
            Ok(issued.text)
        })
        .await
}

const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

pub(super) fn run(config: &Config, command: Command) -> Result<(), Failure> {
    let store = open_existing(config)?;
    let clock = Clock::System;
    block_on(async move {
        let organization = organization(&store, &clock).await?;
        match command {
            Command::Create(asked) => {
                let now_us = clock.now_us();
                let me = asked.scopes.iter().any(|named| matches!(named, Named::ScimMe));
                if me && asked.user.is_none() {
                    return Err("the scope scim.me is about one person: add --user USERNAME".into());
                }
                let user = asked.user.clone();
                let new = NewToken {
                    user: asked.user,
                    client: asked.name,
                    scopes: asked.scopes.iter().map(|&named| named.into()).collect(),
                    dialect: asked.dialect.as_deref().and_then(Dialect::named),
                    expires_us: asked
                        .expires_in
                        .map(|days| now_us.saturating_add(i64::from(days).saturating_mul(DAY_US))),
                };
                let made = create(&store, organization.id, new, now_us).await;
                let secret = made.map_err(|error| match (error, user) {
                    (store::Error::NotFound, Some(user)) => {
                        format!("nobody has the user name {user:?}: push the person first")
                    }
                    (error, _) => error.to_string(),
                })?;
                say(secret.expose_secret())
            }
            Command::List => {
                let tokens = store
                    .read(organization.id, |reader| reader.tokens())
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
                    return Err(format!(
                        "no token has the prefix, and no client the name, {token:?}"
                    ));
                }
                say(&format!("{revoked} revoked; a running server forgets within 30 seconds"))
            }
        }
    })
}
