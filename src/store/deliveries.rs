//! Messages that are to be delivered, one row each for every receiver.
//!
//! ```text
//! waiting ──claim──▶ sending ──▶ delivered
//!    ▲                  │ └────▶ gaveUp
//!    └──────────────────┘ after a failure, or when whoever sent it died
//! ```

use super::connection::{Backend, Id};
use super::sql::Sql;
use super::{Reader, Result, Transaction};
use crate::id::{AppId, DeliveryId, NotificationId, ResourceId};
use crate::notification::digest::{MOST_OBJECTS, Notice, WINDOW};
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use std::time::Duration;

/// Why a message is given up whose receiver was switched off.
const SWITCHED_OFF: &str = "The notification was switched off.";

/// A message, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its id: order of time, and the message's `webhook-id`.
    pub id: DeliveryId,
    /// Type of the event.
    pub event: String,
    /// Of which app.
    pub app: Option<AppId>,
    /// `waiting`, `sending`, `delivered` or `gaveUp`.
    pub state: String,
    /// When it happened.
    pub at_us: i64,
    /// When it is tried next; of one that is being sent, until when nobody else does.
    pub due_us: Option<i64>,
    /// How often it was tried.
    pub attempts: u32,
    /// HTTP status of the last answer.
    pub status: Option<u16>,
    /// Why the last try failed.
    pub error: Option<String>,
    /// When it was delivered or given up.
    pub ended_us: Option<i64>,
}

/// A message that is ours to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Its id.
    pub id: DeliveryId,
    /// What is sent.
    pub body: String,
    /// How often it was tried, this time included: only who has this number may say what came of it.
    pub attempts: u32,
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it failed; none where the message arrived.
    pub error: Option<String>,
    /// When it is tried again; none when it is not.
    pub again_us: Option<i64>,
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

impl Reader<'_> {
    /// Whether a message for somebody is due, or objects that are to be put in one.
    pub fn has_due_deliveries(&mut self, to: NotificationId, now_us: i64) -> Result<bool> {
        let mut sql = Sql::new("SELECT EXISTS (SELECT 1 FROM delivery WHERE organization = ");
        sql.bind(self.organization).push(" AND notification_id = ").bind(to);
        sql.push(" AND due_us IS NOT NULL AND due_us <= ").bind(now_us);
        sql.push(") OR EXISTS (SELECT 1 FROM parked_notice WHERE organization = ");
        sql.bind(self.organization).push(" AND notification_id = ").bind(to);
        sql.push(" AND due_us <= ").bind(now_us).push(")");
        let rows: Vec<(bool,)> = sql.load::<(Bool,), _>(self.conn)?;
        Ok(rows.first().is_some_and(|row| row.0))
    }

    /// An app whose parked objects are to be put in a message for somebody.
    pub fn due_notices(&mut self, to: NotificationId, now_us: i64) -> Result<Option<AppId>> {
        let mut sql = Sql::new("SELECT app_id FROM parked_notice WHERE organization = ");
        sql.bind(self.organization).push(" AND notification_id = ").bind(to);
        sql.push(" AND due_us <= ").bind(now_us).push(" ORDER BY due_us LIMIT 1");
        let rows: Vec<(AppId,)> = sql.load::<(Id,), _>(self.conn)?;
        Ok(rows.first().map(|row| row.0))
    }

    /// Messages for somebody, newest first, older than one, at most `limit`.
    pub fn deliveries(
        &mut self,
        to: NotificationId,
        before: Option<DeliveryId>,
        limit: i64,
    ) -> Result<Vec<DeliveryRow>> {
        let mut sql = Sql::new(
            "SELECT id, event, app_id, state, at_us, due_us, attempts, status, error, ended_us \
             FROM delivery WHERE organization = ",
        );
        sql.bind(self.organization).push(" AND notification_id = ").bind(to);
        if let Some(before) = before {
            sql.push(" AND id < ").bind(before);
        }
        sql.push(" ORDER BY id DESC LIMIT ").bind(limit);
        type Types = (
            (Id, Text, Nullable<Id>, Text),
            (BigInt, Nullable<BigInt>, Integer),
            (Nullable<Integer>, Nullable<Text>, Nullable<BigInt>),
        );
        type Row = (
            (DeliveryId, String, Option<AppId>, String),
            (i64, Option<i64>, i32),
            (Option<i32>, Option<String>, Option<i64>),
        );
        let rows: Vec<Row> = sql.load::<Types, _>(self.conn)?;
        Ok(rows
            .into_iter()
            .map(
                |(
                    (id, event, app, state),
                    (at_us, due_us, attempts),
                    (status, error, ended_us),
                )| {
                    DeliveryRow {
                        id,
                        event,
                        app,
                        state,
                        at_us,
                        due_us,
                        attempts: u32::try_from(attempts).unwrap_or(0),
                        status: status.and_then(|status| u16::try_from(status).ok()),
                        error,
                        ended_us,
                    }
                },
            )
            .collect())
    }

    /// When the last message about parked objects of an app was made for somebody, if that was less than
    /// [`WINDOW`] ago.
    fn last_digest(&mut self, to: NotificationId, app: AppId, now_us: i64) -> Result<Option<i64>> {
        let since_us = now_us.saturating_sub(micros(WINDOW));
        let mut sql = Sql::new("SELECT at_us FROM delivery WHERE organization = ");
        sql.bind(self.organization).push(" AND notification_id = ").bind(to);
        // Ids are in order of time.
        sql.push(" AND id > ").bind(DeliveryId(first_uuid(since_us)));
        sql.push(" AND app_id = ").bind(app).push(" AND event = 'object.parked' AND at_us > ");
        sql.bind(since_us).push(" ORDER BY id DESC LIMIT 1");
        let rows: Vec<(i64,)> = sql.load::<(BigInt,), _>(self.conn)?;
        Ok(rows.first().map(|row| row.0))
    }
}

/// No id of that instant or later is less than this one.
pub(super) fn first_uuid(at_us: i64) -> uuid::Uuid {
    let millis = u64::try_from(at_us / 1_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

impl Transaction<'_> {
    /// Claims the message for somebody that is due first, until `lease_us`: whoever dies leaves it to
    /// the next one then.
    pub fn claim_delivery(
        &mut self,
        to: NotificationId,
        now_us: i64,
        lease_us: i64,
    ) -> Result<Option<Claimed>> {
        // In a table of its own for the reason that claims of jobs have.
        let mut sql =
            Sql::new("WITH due AS MATERIALIZED (SELECT id FROM delivery WHERE organization = ");
        sql.bind(self.organization).push(" AND notification_id = ").bind(to);
        sql.push(" AND due_us IS NOT NULL AND due_us <= ").bind(now_us);
        sql.push(" ORDER BY due_us LIMIT 1");
        if self.conn.backend() == Backend::Postgres {
            sql.push(" FOR UPDATE SKIP LOCKED");
        }
        sql.push(") UPDATE delivery SET state = 'sending', attempts = attempts + 1, due_us = ");
        sql.bind(lease_us).push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND notification_id = ").bind(to).push(" AND id IN (SELECT id FROM due)");
        sql.push(" RETURNING id, body, attempts");
        let rows: Vec<(DeliveryId, String, i32)> = sql.load::<(Id, Text, Integer), _>(self.conn)?;
        Ok(rows.into_iter().next().map(|(id, body, attempts)| Claimed {
            id,
            body,
            attempts: u32::try_from(attempts).unwrap_or(0),
        }))
    }

    /// Notes what came of a try, unless somebody else has claimed the message since. Answers whether it
    /// was still ours.
    pub fn end_delivery(
        &mut self,
        to: NotificationId,
        claimed: &Claimed,
        tried: &Tried,
        now_us: i64,
    ) -> Result<bool> {
        let state = match (&tried.error, tried.again_us) {
            (None, _) => "delivered",
            (Some(_), Some(_)) => "waiting",
            (Some(_), None) => "gaveUp",
        };
        let mut sql = Sql::new("UPDATE delivery SET state = ");
        sql.bind(state).push(", status = ");
        sql.bind(tried.status.map(i64::from)).push(", error = ").bind(tried.error.clone());
        sql.push(", due_us = ").bind(tried.again_us);
        sql.push(", ended_us = ").bind(tried.again_us.is_none().then_some(now_us));
        sql.push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND notification_id = ").bind(to).push(" AND id = ").bind(claimed.id);
        sql.push(" AND state = 'sending' AND attempts = ");
        sql.bind(i32::try_from(claimed.attempts).unwrap_or(i32::MAX));
        Ok(sql.execute(self.conn)? == 1)
    }

    /// Adds a message that was sent already, by somebody who tries whether messages arrive.
    pub fn insert_tried(
        &mut self,
        to: NotificationId,
        (id, event, body): (DeliveryId, &str, &str),
        tried: &Tried,
        now_us: i64,
    ) -> Result<()> {
        let state = if tried.error.is_none() { "delivered" } else { "gaveUp" };
        let mut sql = Sql::new(
            "INSERT INTO delivery (organization, notification_id, id, event, state, body, at_us, \
             attempts, status, error, ended_us) SELECT organization, id, ",
        );
        sql.bind(id).push(", ").bind(event).push(", ").bind(state).push(", ").bind(body);
        sql.push(", ").bind(now_us).push(", 1, ").bind(tried.status.map(i64::from));
        sql.push(", ").bind(tried.error.clone()).push(", ").bind(now_us);
        // Unless it was deleted meanwhile.
        sql.push(" FROM notification WHERE organization = ").bind(self.organization);
        sql.push(" AND id = ").bind(to);
        if self.conn.backend() == Backend::Postgres {
            sql.push(" FOR KEY SHARE");
        }
        sql.execute(self.conn)?;
        Ok(())
    }

    /// Takes the parked objects of an app that are to be put in a message for somebody, in the order in
    /// which they were parked, at most [`MOST_OBJECTS`]. None while the last message is less than
    /// [`WINDOW`] old: they then wait until it is.
    pub fn take_notices(
        &mut self,
        to: NotificationId,
        app: AppId,
        now_us: i64,
    ) -> Result<Vec<Notice>> {
        if self.conn.backend() == Backend::Postgres {
            // One makes the message, and the next one sees it.
            let mut sql = Sql::new("SELECT id FROM notification WHERE organization = ");
            sql.bind(self.organization).push(" AND id = ").bind(to);
            sql.push(" FOR NO KEY UPDATE");
            sql.execute(self.conn)?;
        }
        let mut theirs = Sql::new(" WHERE organization = ");
        theirs.bind(self.organization).push(" AND notification_id = ").bind(to);
        theirs.push(" AND app_id = ").bind(app);
        if let Some(last_us) = self.last_digest(to, app, now_us)? {
            let mut sql = Sql::new("UPDATE parked_notice SET due_us = ");
            sql.bind(last_us.saturating_add(micros(WINDOW))).append(theirs);
            sql.push(" AND due_us <= ").bind(now_us);
            sql.execute(self.conn)?;
            return Ok(Vec::new());
        }
        let mut sql = Sql::new("DELETE FROM parked_notice");
        sql.append(theirs.clone()).push(" AND id IN (SELECT id FROM parked_notice").append(theirs);
        sql.push(" ORDER BY id LIMIT ").bind(i64::try_from(MOST_OBJECTS).unwrap_or(i64::MAX));
        sql.push(") RETURNING id, resource_id, kind, cause");
        type Row = (DeliveryId, ResourceId, String, String);
        let mut rows: Vec<Row> = sql.load::<(Id, Id, Text, Text), _>(self.conn)?;
        rows.sort_by_key(|row| row.0);
        let notices =
            rows.into_iter().map(|(_, resource, kind, cause)| Notice { resource, kind, cause });
        Ok(notices.collect())
    }

    /// Forgets the parked objects that somebody was to be told of.
    pub(super) fn forget_notices(&mut self, to: NotificationId) -> Result<()> {
        let mut sql = Sql::new("DELETE FROM parked_notice WHERE organization = ");
        sql.bind(self.organization).push(" AND notification_id = ").bind(to);
        sql.execute(self.conn)?;
        Ok(())
    }

    /// Gives up every message for somebody that has not arrived.
    pub(super) fn give_up_deliveries(&mut self, to: NotificationId, now_us: i64) -> Result<()> {
        let mut sql = Sql::new("UPDATE delivery SET state = 'gaveUp', due_us = NULL, error = ");
        sql.bind(SWITCHED_OFF).push(", ended_us = ").bind(now_us);
        sql.push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND notification_id = ").bind(to).push(" AND due_us IS NOT NULL");
        sql.execute(self.conn)?;
        Ok(())
    }

    /// After a crash of the only process: what it was sending is sent again.
    pub(super) fn recover_deliveries(&mut self, now_us: i64) -> Result<()> {
        let mut sql = Sql::new("UPDATE delivery SET state = 'waiting', due_us = ");
        sql.bind(now_us).push(" WHERE due_us IS NOT NULL AND state = 'sending'");
        sql.execute(self.conn)?;
        Ok(())
    }
}
