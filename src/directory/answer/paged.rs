//! An answer that is read while it is sent.

use super::pieces::{PAGE, Piece, Pieces, Rest, Setting};
use crate::id::OrganizationId;
use crate::scim::schema::Registry;
use crate::store::members::MemberRow;
use crate::store::{Error, Result, Store};
use std::sync::Arc;

/// Text that is handed on at a time, or a page of members where that is more.
const CHUNK: usize = 64 * 1024;
/// How often a page is asked for while the database is busy.
const TRIES: u32 = 5;

/// An answer that is read while it is sent: each page of members in a short read of its own, so that
/// a slow reader holds up nobody.
///
/// The pages go by the members' ids. Who is a member for all the time is in it once; who joins or
/// leaves meanwhile may be in it or not.
pub struct Paged {
    pub(super) pieces: Pieces,
    store: Store,
    organization: OrganizationId,
    registry: Arc<Registry>,
    base: String,
}

impl std::fmt::Debug for Paged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Paged").field("pieces", &self.pieces).finish_non_exhaustive()
    }
}

impl Paged {
    pub(in crate::directory) fn new(
        pieces: Pieces,
        store: Store,
        organization: OrganizationId,
        registry: Arc<Registry>,
        base: String,
    ) -> Self {
        Self { pieces, store, organization, registry, base }
    }

    /// The next part of the text; none at its end.
    ///
    /// # Errors
    /// The store's; [`Error::NotFound`] when a group is gone before all of it was read. What was
    /// handed on is then not the whole answer.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut text = Vec::new();
        while text.len() < CHUNK {
            match self.pieces.parts.pop_front() {
                None => break,
                Some(Piece::Text(more)) if text.is_empty() => text = more,
                Some(Piece::Text(more)) => text.extend_from_slice(&more),
                Some(Piece::Members(rest)) => {
                    let rows = self.read(&rest).await?;
                    let mut read = Pieces::default();
                    let setting = Setting { registry: &self.registry, base: &self.base };
                    setting.members(&rows, rest, &mut read)?;
                    while let Some(piece) = read.parts.pop_back() {
                        self.pieces.parts.push_front(piece);
                    }
                }
            }
        }
        Ok((!text.is_empty()).then_some(text))
    }

    async fn read(&self, rest: &Rest) -> Result<Vec<MemberRow>> {
        let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
        let (group, after) = (rest.group, rest.after);
        let mut tries = 0;
        loop {
            let page = self.store.read(self.organization, move |reader| {
                let rows = reader.members(group, after, limit)?;
                // A group that is gone has no members, which is not how the answer should end.
                if rows.is_empty() && reader.resource_any(group)?.is_none() {
                    return Err(Error::NotFound);
                }
                Ok(rows)
            });
            tries += 1;
            match page.await {
                Err(Error::Busy) if tries < TRIES => {}
                page => return page,
            }
        }
    }
}
