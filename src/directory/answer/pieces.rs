//! Resources as the text of an answer, members last and in pages.
//!
//! A group may have more members than an answer may occupy memory. So the text of one is in pieces:
//! what is there, and where members are still to be read.

use super::element::{group, insert, member};
use super::{Paged, Shown};
use crate::id::ResourceId;
use crate::scim::projection::Projection;
use crate::scim::schema::{Registry, ResourceType};
use crate::store::members::MemberRow;
use crate::store::resources::Stored;
use crate::store::{Error, Reader, Result};
use serde_json::{Map, Value};
use std::collections::VecDeque;

/// Members that are read and written out at a time.
pub(super) const PAGE: usize = 1_000;
/// Most members of all groups of a list that are read at once.
const OF_A_LIST: usize = 10_000;

/// A part of an answer's text.
#[derive(Debug)]
pub(super) enum Piece {
    Text(Vec<u8>),
    Members(Rest),
}

/// Members of a group that are still to be read.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) group: ResourceId,
    pub(super) shown: Shown,
    pub(super) after: Option<ResourceId>,
    /// Whether the array has begun.
    pub(super) opened: bool,
}

/// The text of resources, in parts.
#[derive(Debug, Default)]
pub(in crate::directory) struct Pieces {
    pub(super) parts: VecDeque<Piece>,
}

/// What every resource of an answer is shown with.
pub(super) struct Setting<'s> {
    pub(super) registry: &'s Registry,
    pub(super) base: &'s str,
}

impl Pieces {
    pub(super) fn text(&mut self, text: &[u8]) {
        match self.parts.back_mut() {
            Some(Piece::Text(last)) => last.extend_from_slice(text),
            _ => self.parts.push_back(Piece::Text(text.to_vec())),
        }
    }

    /// As a body: whole where nothing is still to be read.
    pub(in crate::directory) fn body(mut self, paged: impl FnOnce(Self) -> Paged) -> Body {
        match self.parts.pop_front() {
            None => Body::Whole(Vec::new()),
            Some(Piece::Text(text)) if self.parts.is_empty() => Body::Whole(text),
            Some(first) => {
                self.parts.push_front(first);
                Body::Paged(Box::new(paged(self)))
            }
        }
    }
}

/// The text of an answer.
#[derive(Debug)]
pub enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// A page after the other.
    Paged(Box<Paged>),
}

impl Body {
    /// The same with more text around it.
    #[must_use]
    pub fn within(self, before: &str, after: &str) -> Self {
        match self {
            Self::Whole(text) => Self::Whole([before.as_bytes(), &text, after.as_bytes()].concat()),
            Self::Paged(mut paged) => {
                paged.pieces.parts.push_front(Piece::Text(before.as_bytes().to_vec()));
                paged.pieces.text(after.as_bytes());
                Self::Paged(paged)
            }
        }
    }
}

impl Setting<'_> {
    /// Writes a resource with its groups and the first page of its members.
    pub(super) fn one(
        &self,
        reader: &mut Reader<'_>,
        shown: &Shown,
        stored: &Stored,
        pieces: &mut Pieces,
    ) -> Result<()> {
        let (kind, projection) = shown;
        let mut groups = Vec::new();
        if wants_groups(kind, projection) {
            groups = reader.groups_of(&[stored.id])?.remove(&stored.id).unwrap_or_default();
        }
        let elements = groups.iter().map(|one| group(self.registry, self.base, one));
        self.open(shown, stored, elements, pieces)?;
        if wants_members(kind, projection) {
            let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
            let rows = reader.members(stored.id, None, limit)?;
            let rest = Rest { group: stored.id, shown: shown.clone(), after: None, opened: false };
            self.members(&rows, rest, pieces)?;
        }
        pieces.text(b"}");
        Ok(())
    }

    /// Writes resources of these types with commas between them: members and groups of all of them
    /// are read with one query each, unless there are too many members for that.
    pub(super) fn several(
        &self,
        reader: &mut Reader<'_>,
        shown: &[Shown],
        stored: &[Stored],
        pieces: &mut Pieces,
    ) -> Result<()> {
        let of = |stored: &Stored| shown.iter().find(|(kind, _)| kind.name == stored.kind);
        let with = |wanted: fn(&ResourceType, &Projection) -> bool| -> Vec<ResourceId> {
            let wants =
                |stored: &&Stored| of(stored).is_some_and(|(kind, shown)| wanted(kind, shown));
            stored.iter().filter(wants).map(|stored| stored.id).collect()
        };
        let mut members = Some(<_>::default());
        if let groups @ [_, ..] = with(wants_members).as_slice() {
            members = reader.members_of_at_most(groups, OF_A_LIST)?;
        }
        let mut groups = match with(wants_groups).as_slice() {
            [] => <_>::default(),
            people => reader.groups_of(people)?,
        };
        for (at, stored) in stored.iter().enumerate() {
            let Some(shown) = of(stored) else { continue };
            if at > 0 {
                pieces.text(b",");
            }
            let groups = groups.remove(&stored.id).unwrap_or_default();
            let elements = groups.iter().map(|one| group(self.registry, self.base, one));
            self.open(shown, stored, elements, pieces)?;
            let rest = Rest { group: stored.id, shown: shown.clone(), after: None, opened: false };
            match &mut members {
                Some(members) => {
                    if let Some(rows) = members.remove(&stored.id) {
                        let mut text = Vec::new();
                        if self.write(&rows, &rest, &mut text)? {
                            text.push(b']');
                        }
                        pieces.text(&text);
                    }
                }
                None if wants_members(&shown.0, &shown.1) => {
                    pieces.parts.push_back(Piece::Members(rest));
                }
                None => {}
            }
            pieces.text(b"}");
        }
        Ok(())
    }

    /// Writes a resource up to where its members go in, before the brace that ends the object.
    fn open(
        &self,
        (kind, projection): &Shown,
        stored: &Stored,
        groups: impl Iterator<Item = Value>,
        pieces: &mut Pieces,
    ) -> Result<()> {
        let mut complete = stored.complete(kind, self.base);
        insert(&mut complete, "groups", groups);
        projection.apply(kind, &mut complete);
        let mut text = serde_json::to_vec(&complete).map_err(corrupt)?;
        text.pop();
        pieces.text(&text);
        Ok(())
    }

    /// Writes a page of members, and what is left of them.
    pub(super) fn members(
        &self,
        rows: &[MemberRow],
        mut rest: Rest,
        pieces: &mut Pieces,
    ) -> Result<()> {
        let mut text = Vec::new();
        rest.opened = self.write(rows, &rest, &mut text)?;
        let full = rows.len() == PAGE;
        if !full && rest.opened {
            text.push(b']');
        }
        pieces.text(&text);
        if full {
            rest.after = rows.last().map(|row| row.id);
            pieces.parts.push_back(Piece::Members(rest));
        }
        Ok(())
    }

    /// Writes members, and before the first of all what begins the array. Whether it has begun.
    fn write(&self, rows: &[MemberRow], rest: &Rest, text: &mut Vec<u8>) -> Result<bool> {
        let (kind, projection) = &rest.shown;
        let mut part = Map::new();
        let elements = rows.iter().map(|row| member(self.registry, self.base, row));
        insert(&mut part, "members", elements);
        projection.apply(kind, &mut part);
        let mut opened = rest.opened;
        if let Some(Value::Array(members)) = part.get("members") {
            for member in members {
                text.extend_from_slice(if opened { b"," } else { b",\"members\":[" });
                opened = true;
                serde_json::to_writer(&mut *text, member).map_err(corrupt)?;
            }
        }
        Ok(opened)
    }
}

fn wants_members(kind: &ResourceType, projection: &Projection) -> bool {
    kind.has_members() && projection.wants(kind, "members")
}

fn wants_groups(kind: &ResourceType, projection: &Projection) -> bool {
    kind.schema.attribute("groups").is_some() && projection.wants(kind, "groups")
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` calls it")]
fn corrupt(error: serde_json::Error) -> Error {
    Error::Corrupt(error.to_string())
}
