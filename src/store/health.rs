//! How an app takes what it is asked, as whoever works its queue has last seen it.
//!
//! It lives in that process's memory; what is kept here is what the others show.

use super::connection::Id;
use super::sql::Sql;
use super::{Reader, Result, Transaction};
use crate::id::AppId;
use diesel::sql_types::{BigInt, Nullable, Text};

/// How an app takes what it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthRow {
    /// The app.
    pub app: AppId,
    /// `ok`, `throttled` or `away`.
    pub state: String,
    /// Since when.
    pub since_us: i64,
    /// Until when it is left alone; none where it is not.
    pub until_us: Option<i64>,
    /// Why, in a sentence.
    pub reason: Option<String>,
    /// Requests a minute that it takes, as far as is known.
    pub learned: Option<i64>,
    /// Requests that were sent within the minute before.
    pub requests: i64,
    /// Objects that are worked on at the same time at most.
    pub places: i64,
    /// When this was so.
    pub noted_us: i64,
}

impl Reader<'_> {
    /// How an app was last seen; none where nobody has worked its queue yet.
    pub fn health(&mut self, app: AppId) -> Result<Option<HealthRow>> {
        let mut sql = Sql::new(
            "SELECT app_id, state, since_us, until_us, reason, learned, requests, places, noted_us \
             FROM health WHERE organization = ",
        );
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        type Row = (AppId, String, i64, Option<i64>, Option<String>, Option<i64>, i64, i64, i64);
        type Types = (
            Id,
            Text,
            BigInt,
            Nullable<BigInt>,
            Nullable<Text>,
            Nullable<BigInt>,
            BigInt,
            BigInt,
            BigInt,
        );
        let row: Option<Row> = sql.load::<Types, _>(self.conn)?.into_iter().next();
        Ok(row.map(
            |(app, state, since_us, until_us, reason, learned, requests, places, noted_us)| {
                HealthRow {
                    app,
                    state,
                    since_us,
                    until_us,
                    reason,
                    learned,
                    requests,
                    places,
                    noted_us,
                }
            },
        ))
    }
}

impl Transaction<'_> {
    /// Notes how an app is seen; nothing where the app is gone.
    pub fn note_health(&mut self, row: &HealthRow) -> Result<()> {
        let mut sql = Sql::new(
            "INSERT INTO health (organization, app_id, state, since_us, until_us, reason, learned, \
             requests, places, noted_us) SELECT organization, id, ",
        );
        sql.bind(row.state.as_str()).push(", ").bind(row.since_us).push(", ").bind(row.until_us);
        sql.push(", ").bind(row.reason.clone()).push(", ").bind(row.learned).push(", ");
        sql.bind(row.requests).push(", ").bind(row.places).push(", ").bind(row.noted_us);
        sql.push(" FROM app WHERE organization = ").bind(self.organization);
        sql.push(" AND id = ").bind(row.app);
        sql.push(
            " ON CONFLICT (organization, app_id) DO UPDATE SET state = excluded.state, \
             since_us = excluded.since_us, until_us = excluded.until_us, \
             reason = excluded.reason, learned = excluded.learned, \
             requests = excluded.requests, places = excluded.places, noted_us = excluded.noted_us",
        );
        sql.execute(self.conn)?;
        Ok(())
    }
}
