//! What a caller is shown of a resource.

mod element;
mod paged;
mod pieces;

pub use paged::Paged;
pub use pieces::Body;
pub(super) use pieces::Pieces;

use crate::id::ResourceId;
use crate::scim::cursor::Bound;
use crate::scim::dialect::Forgiven;
use crate::scim::projection::{Projection, Written};
use crate::scim::schema::{Registry, ResourceType};
use crate::store::resources::Stored;
use crate::store::{Reader, Result};
use pieces::Setting;
use std::borrow::Cow;
use std::sync::Arc;

/// Most members of a group that is shown to whoever changed it without being asked.
const FEW: i64 = 100;

/// How much of a resource to show.
#[derive(Debug, Clone)]
pub struct View {
    /// External SCIM base URL, without a trailing slash.
    pub base: String,
    /// Which attributes; none for no body at all.
    pub shown: Option<Projection>,
    /// Whether a group with many members is answered without a body.
    pub brief: bool,
    /// What had to be forgiven to read that.
    pub forgiven: Forgiven,
}

impl View {
    /// For the answer to a request that wrote this.
    pub(super) fn of_writing(&self, written: &Written) -> Cow<'_, Self> {
        match &self.shown {
            Some(shown) if !written.is_empty() => Cow::Owned(Self {
                shown: Some(shown.clone().of_writing(written.clone())),
                ..self.clone()
            }),
            _ => Cow::Borrowed(self),
        }
    }
}

/// One resource as it is answered.
#[derive(Debug)]
pub struct Answer {
    /// Its id.
    pub id: ResourceId,
    /// Its entity tag, the same as `meta.version`.
    pub etag: String,
    /// Its URL, the same as `meta.location`.
    pub location: String,
    /// The resource as JSON, when it was asked for.
    pub body: Option<Body>,
}

/// An [`Answer`] of which members may still have to be read.
pub(super) struct Partly {
    id: ResourceId,
    etag: String,
    location: String,
    pieces: Option<Pieces>,
}

impl Partly {
    /// The answer, which reads what is left when it is sent.
    pub(super) fn answer(self, paged: impl FnOnce(Pieces) -> Paged) -> Answer {
        let Self { id, etag, location, pieces } = self;
        Answer { id, etag, location, body: pieces.map(|pieces| pieces.body(paged)) }
    }
}

/// One page of a list as it is answered.
#[derive(Debug)]
pub struct Listing {
    /// All matches, not only those on the page; not counted again for a page that begins at a place.
    pub total: Option<usize>,
    /// How many are on the page.
    pub count: usize,
    /// The page: resources with commas between them.
    pub resources: Body,
    /// Where the page before this one begins.
    pub previous: Option<Bound>,
    /// Where the page after this one begins.
    pub next: Option<Bound>,
}

/// How much of the resources of a type to show.
pub type Shown = (Arc<ResourceType>, Projection);

/// Where a resource is.
pub(super) fn location(base: &str, kind: &ResourceType, id: ResourceId) -> String {
    format!("{base}{}/{id}", kind.endpoint)
}

/// Shows one resource, as far as that goes within a transaction.
pub(super) fn one(
    reader: &mut Reader<'_>,
    registry: &Registry,
    kind: &Arc<ResourceType>,
    stored: &Stored,
    view: &View,
) -> Result<Partly> {
    let mut pieces = None;
    let silent = view.brief && kind.has_members() && reader.has_more_members(stored.id, FEW)?;
    if let Some(projection) = view.shown.as_ref().filter(|_| !silent) {
        let shown = (Arc::clone(kind), projection.clone());
        let setting = Setting { registry, base: &view.base };
        let mut written = Pieces::default();
        setting.one(reader, &shown, stored, &mut written)?;
        pieces = Some(written);
    }
    Ok(Partly {
        id: stored.id,
        etag: stored.etag(),
        location: location(&view.base, kind, stored.id),
        pieces,
    })
}

/// Shows a page of resources of these types, with commas between them.
pub(super) fn page(
    reader: &mut Reader<'_>,
    registry: &Registry,
    shown: &[Shown],
    stored: &[Stored],
    base: &str,
) -> Result<Pieces> {
    let mut pieces = Pieces::default();
    Setting { registry, base }.several(reader, shown, stored, &mut pieces)?;
    Ok(pieces)
}
