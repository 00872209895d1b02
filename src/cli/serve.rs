//! `rollcall serve`: everything put together.

use super::token::{self, NewToken};
use super::{Failure, open, organization, say, welcome};
use crate::auth::Scope;
use crate::clock::Clock;
use crate::config::Loaded;
use crate::http::instance::{Instance, Materials};
use crate::http::trace;
use crate::id::OrganizationId;
use crate::store::Store;
use crate::telemetry;
use crate::vault::Vault;
use secrecy::{ExposeSecret as _, SecretString};
use std::net::TcpListener;
use std::time::Duration;

pub(super) fn run(loaded: Loaded) -> Result<(), Failure> {
    telemetry::start(&loaded.config.log, loaded.config.log_format)
        .map_err(|error| error.to_string())?;
    trace::log_panics();
    for sentence in loaded.unknown_variables.iter().chain(&loaded.config.doubts()) {
        tracing::warn!("{sentence}");
    }
    actix_web::rt::System::new().block_on(serve(loaded))
}

async fn serve(loaded: Loaded) -> Result<(), Failure> {
    let config = loaded.config;
    let clock = Clock::System;
    let store = open(&config, true)?;
    let vault = Vault::open_or_create(&config.key_path()).map_err(|error| error.to_string())?;
    let organization = organization(&store, &clock).await?;
    let base = config.base_url();
    recover(&store, &config.database_url, &clock).await?;
    let instance = Instance::new(Materials {
        store: store.clone(),
        vault,
        clock: clock.clone(),
        base: base.clone(),
        body_limit: config.body_limit,
        large_body_limit: config.large_body_limit,
        app_concurrency: config.app_concurrency,
    });

    let listener = TcpListener::bind(config.listen).map_err(|error| {
        format!("cannot listen on {}: {error}; choose another address with --listen", config.listen)
    })?;
    let patience = Duration::from_secs(config.shutdown_seconds);
    let http = instance.serve(listener, workers(), patience).map_err(|error| error.to_string())?;

    let running = instance.engine().start();
    let indexes = actix_web::rt::spawn({
        let instance = instance.clone();
        async move { instance.keep_indexes().await }
    });
    let counting = actix_web::rt::spawn({
        let instance = instance.clone();
        async move { instance.keep_counting().await }
    });
    let sweeping = actix_web::rt::spawn({
        let (instance, terms) = (instance.clone(), config.retention);
        async move { instance.keep_sweeping(terms).await }
    });
    say(&welcome::started(&base, &shown_database(&config.database_url)))?;
    if let Some(secret) = first_token(&store, organization.id, &clock).await? {
        say(&welcome::first_steps(&base, secret.expose_secret()))?;
    }

    let handle = http.handle();
    let stopped = actix_web::rt::spawn(async move {
        let signal = stop_signal().await;
        tracing::info!(signal, "stopping: no new requests; what is running is finished");
        handle.stop(true).await;
    });
    let ended = http.await.map_err(|error| error.to_string());
    stopped.abort();
    indexes.abort();
    counting.abort();
    sweeping.abort();
    if let Err(error) = instance.finish_counting().await {
        tracing::warn!(%error, "what clients were forgiven in the last seconds was not counted");
    }
    if !running.stop(patience).await {
        tracing::warn!("some pushes did not finish in time; they run again at the next start");
    }
    tracing::info!("stopped");
    ended
}

/// One worker per core, and at least two.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get).max(2)
}

/// A SQLite file belongs to one server: what the last one was doing when it died is free again.
async fn recover(store: &Store, database_url: &str, clock: &Clock) -> Result<(), Failure> {
    if !database_url.starts_with("sqlite:") {
        return Ok(());
    }
    let now_us = clock.now_us();
    store
        .write(OrganizationId(0), move |transaction| transaction.recover_alone(now_us))
        .await
        .map_err(|error| error.to_string())
}

async fn first_token(
    store: &Store,
    organization: OrganizationId,
    clock: &Clock,
) -> Result<Option<SecretString>, Failure> {
    let has = store
        .read(organization, |reader| reader.has_clients())
        .await
        .map_err(|error| error.to_string())?;
    if has {
        return Ok(None);
    }
    let new = NewToken {
        client: "first-start".into(),
        scopes: vec![Scope::ScimWrite, Scope::Admin],
        dialect: None,
        expires_us: None,
        user: None,
    };
    token::create(store, organization, new, clock.now_us())
        .await
        .map(Some)
        .map_err(|error| error.to_string())
}

/// The database without its password.
fn shown_database(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(parsed) if parsed.has_host() => {
            format!("{}://{}{}", parsed.scheme(), parsed.host_str().unwrap_or(""), parsed.path())
        }
        _ => url.to_owned(),
    }
}

async fn stop_signal() -> &'static str {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            return tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = tokio::signal::ctrl_c() => "SIGINT",
            };
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        tracing::warn!("signals cannot be watched; stop the process the hard way");
        std::future::pending::<()>().await;
    }
    "SIGINT"
}
