//! Who is told of events, and telling them: a message is written in the transaction of what it tells
//! of, so that it is told if and only if that happened.

use super::apps::{AppRow, Pause};
use super::connection::{Backend, Id};
use super::schema::notification;
use super::sql::Sql;
use super::{Error, Reader, Result, Store, Transaction};
use crate::id::{AppId, DeliveryId, NotificationId, OrganizationId, new_uuid};
use crate::notification::digest::{Notice, WINDOW};
use crate::notification::event::{App, Event, Kind, body};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

/// Somebody who is told of events.
#[derive(Debug, Clone, PartialEq)]
pub struct NotificationRow {
    /// Its id.
    pub id: NotificationId,
    /// Its name, unique in the organization.
    pub name: String,
    /// Where messages go.
    pub url: String,
    /// Types of events; none: all, also those of later versions.
    pub events: Option<Vec<String>>,
    /// Of which apps; none: all, also later ones.
    pub apps: Option<Vec<AppId>>,
    /// Whether anything is told.
    pub enabled: bool,
    /// Why it was switched off by itself.
    pub disabled: Option<String>,
    /// When it came to be.
    pub created_us: i64,
    /// When it last changed.
    pub modified_us: i64,
}

type Row = (
    (NotificationId, String, String, Option<String>, Option<String>),
    (bool, Option<String>, i64, i64),
);

fn row(row: Row) -> Result<NotificationRow> {
    let ((id, name, url, events, apps), (enabled, disabled, created_us, modified_us)) = row;
    let corrupt = |error: serde_json::Error| Error::Corrupt(error.to_string());
    Ok(NotificationRow {
        id,
        name,
        url,
        events: events.as_deref().map(serde_json::from_str).transpose().map_err(corrupt)?,
        apps: apps.as_deref().map(serde_json::from_str).transpose().map_err(corrupt)?,
        enabled,
        disabled,
        created_us,
        modified_us,
    })
}

macro_rules! columns {
    () => {
        (
            (
                notification::id,
                notification::name,
                notification::url,
                notification::events,
                notification::apps,
            ),
            (
                notification::enabled,
                notification::disabled,
                notification::created_us,
                notification::modified_us,
            ),
        )
    };
}

type Written = (
    diesel::dsl::Eq<notification::name, String>,
    diesel::dsl::Eq<notification::url, String>,
    diesel::dsl::Eq<notification::events, Option<String>>,
    diesel::dsl::Eq<notification::apps, Option<String>>,
    diesel::dsl::Eq<notification::enabled, bool>,
    diesel::dsl::Eq<notification::disabled, Option<String>>,
    diesel::dsl::Eq<notification::modified_us, i64>,
);

fn written(row: &NotificationRow) -> Written {
    let json = |list: Option<serde_json::Value>| list.map(|list| list.to_string());
    (
        notification::name.eq(row.name.clone()),
        notification::url.eq(row.url.clone()),
        notification::events.eq(json(row.events.as_ref().map(|list| serde_json::json!(list)))),
        notification::apps.eq(json(row.apps.as_ref().map(|list| serde_json::json!(list)))),
        notification::enabled.eq(row.enabled),
        notification::disabled.eq(row.disabled.clone()),
        notification::modified_us.eq(row.modified_us),
    )
}

impl Reader<'_> {
    /// Every notification, by name.
    pub fn notifications(&mut self) -> Result<Vec<NotificationRow>> {
        let rows: Vec<Row> = notification::table
            .filter(notification::organization.eq(self.organization))
            .order(notification::name)
            .select(columns!())
            .load(self.conn)?;
        rows.into_iter().map(row).collect()
    }

    /// A notification by id.
    pub fn notification(&mut self, id: NotificationId) -> Result<Option<NotificationRow>> {
        let found: Option<Row> = notification::table
            .find((self.organization, id))
            .select(columns!())
            .first(self.conn)
            .optional()?;
        found.map(row).transpose()
    }

    /// A notification by name.
    pub fn notification_named(&mut self, name: &str) -> Result<Option<NotificationRow>> {
        let by_name =
            notification::organization.eq(self.organization).and(notification::name.eq(name));
        let found: Option<Row> =
            notification::table.filter(by_name).select(columns!()).first(self.conn).optional()?;
        found.map(row).transpose()
    }

    /// Those who want to know of a kind of event of an app, in order of id. They are not deleted before
    /// this transaction ends.
    fn listeners(&mut self, kind: Kind, app: AppId) -> Result<Vec<NotificationId>> {
        let mut sql = Sql::new("SELECT id, events, apps FROM notification WHERE organization = ");
        sql.bind(self.organization).push(" AND enabled = ").bind(true).push(" ORDER BY id");
        if self.conn.backend() == Backend::Postgres {
            sql.push(" FOR KEY SHARE");
        }
        type Found = (NotificationId, Option<String>, Option<String>);
        let found: Vec<Found> = sql.load::<(Id, Nullable<Text>, Nullable<Text>), _>(self.conn)?;
        let mut listeners = Vec::new();
        for (id, events, apps) in found {
            let corrupt = |error: serde_json::Error| Error::Corrupt(error.to_string());
            let events: Option<Vec<String>> =
                events.as_deref().map(serde_json::from_str).transpose().map_err(corrupt)?;
            let apps: Option<Vec<AppId>> =
                apps.as_deref().map(serde_json::from_str).transpose().map_err(corrupt)?;
            let wants = events.is_none_or(|list| list.iter().any(|one| one == kind.as_str()))
                && apps.is_none_or(|list| list.contains(&app));
            if wants {
                listeners.push(id);
            }
        }
        Ok(listeners)
    }
}

impl Transaction<'_> {
    /// Inserts a notification.
    ///
    /// # Errors
    /// [`Error::Taken`] for the name.
    pub fn insert_notification(&mut self, new: &NotificationRow) -> Result<()> {
        diesel::insert_into(notification::table)
            .values((
                notification::organization.eq(self.organization),
                notification::id.eq(new.id),
                notification::created_us.eq(new.created_us),
                written(new),
            ))
            .execute(self.reader.conn)?;
        Ok(())
    }

    /// Writes a notification back. What waits for one that is switched off is given up.
    ///
    /// # Errors
    /// [`Error::Taken`] for the name; [`Error::NotFound`] when it is gone.
    pub fn update_notification(&mut self, changed: &NotificationRow) -> Result<()> {
        let row = notification::table.find((self.organization, changed.id));
        if diesel::update(row).set(written(changed)).execute(self.reader.conn)? == 0 {
            return Err(Error::NotFound);
        }
        if changed.enabled {
            return Ok(());
        }
        self.forget_notices(changed.id)?;
        self.give_up_deliveries(changed.id, changed.modified_us)
    }

    /// Switches a notification off, because its receiver wants no more messages.
    pub fn disable_notification(
        &mut self,
        id: NotificationId,
        sentence: &str,
        now_us: i64,
    ) -> Result<()> {
        let Some(row) = self.notification(id)?.filter(|row| row.enabled) else { return Ok(()) };
        self.record_audit(now_us, "rollcall", "notification.disable", &row.name, Some(sentence))?;
        self.update_notification(&NotificationRow {
            enabled: false,
            disabled: Some(sentence.to_owned()),
            modified_us: now_us,
            ..row
        })
    }

    /// Deletes a notification, its secrets and its messages.
    pub fn delete_notification(&mut self, id: NotificationId, owner: &str) -> Result<()> {
        diesel::delete(notification::table.find((self.organization, id)))
            .execute(self.reader.conn)?;
        self.delete_secrets(owner)
    }

    /// Tells whoever wants to know: one message for each, due at once.
    pub fn tell(&mut self, event: &Event, now_us: i64) -> Result<()> {
        for id in self.listeners(event.kind, event.app)? {
            self.insert_delivery(id, event, now_us)?;
        }
        Ok(())
    }

    /// Tells whoever wants to know that an app is held, by something else than before, or goes on.
    pub(super) fn tell_pause(
        &mut self,
        row: &AppRow,
        before: Option<&Pause>,
        after: Option<&Pause>,
        now_us: i64,
    ) -> Result<()> {
        let app = App { id: row.id, name: &row.name };
        match (before, after) {
            (Some(before), None) => self.tell(&app.resumed(&before.by), now_us),
            (before, Some(after)) if before != Some(after) => {
                self.tell(&app.paused(&after.by, after.until_us), now_us)
            }
            _ => Ok(()),
        }
    }

    /// Adds an event to the messages for somebody.
    pub fn insert_delivery(
        &mut self,
        id: NotificationId,
        event: &Event,
        now_us: i64,
    ) -> Result<()> {
        let mut sql = Sql::new(
            "INSERT INTO delivery (organization, notification_id, id, event, app_id, state, body, \
             at_us, due_us, attempts) VALUES (",
        );
        sql.bind(self.organization).push(", ").bind(id).push(", ");
        sql.bind(DeliveryId(new_uuid(now_us))).push(", ").bind(event.kind.as_str()).push(", ");
        sql.bind(event.app).push(", 'waiting', ").bind(body(event.kind, now_us, &event.data));
        sql.push(", ").bind(now_us).push(", ").bind(now_us).push(", 0)");
        sql.execute(self.conn)?;
        Ok(())
    }

    /// Notes for whoever wants to know that an object is parked. Those of one app that come within
    /// [`WINDOW`] are one message.
    pub fn tell_parked(&mut self, app: AppId, notice: &Notice, now_us: i64) -> Result<()> {
        let window = i64::try_from(WINDOW.as_micros()).unwrap_or(i64::MAX);
        for id in self.listeners(Kind::ObjectParked, app)? {
            let mut sql = Sql::new(
                "INSERT INTO parked_notice (organization, notification_id, app_id, id, resource_id, \
                 kind, cause, due_us) VALUES (",
            );
            sql.bind(self.organization).push(", ").bind(id).push(", ").bind(app).push(", ");
            sql.bind(DeliveryId(new_uuid(now_us))).push(", ").bind(notice.resource).push(", ");
            sql.bind(notice.kind.as_str()).push(", ").bind(notice.cause.as_str()).push(", ");
            sql.bind(now_us.saturating_add(window)).push(")");
            sql.execute(self.conn)?;
        }
        Ok(())
    }
}

impl Store {
    /// Notifications of every organization that are switched on.
    ///
    /// # Errors
    /// The database's.
    pub async fn notifications_everywhere(&self) -> Result<Vec<(OrganizationId, NotificationId)>> {
        self.glance(OrganizationId(0), |reader| {
            let mut sql = Sql::new("SELECT organization, id FROM notification WHERE enabled = ");
            sql.bind(true);
            sql.load::<(BigInt, Id), _>(reader.conn)
        })
        .await
    }
}
