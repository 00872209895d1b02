//! Looking for objects and walking through all of them.
//!
//! Servers may ignore a filter, `count`, or `startIndex`. What they return is therefore never
//! believed to match, to be a page of the size asked for, or to be another page than the last.

use super::Scim;
use super::calls::Calls;
use super::record::{known, observed};
use crate::adapters::adapter::{AccountPage, Failure, Key, Observed, Reason};
use crate::adapters::http::Answer;
use crate::mapping::field::Kind;
use crate::scim::value::fold;
use serde_json::Value;

/// Most pages that are read to find one object where filters do nothing.
const MOST_PAGES: usize = 500;

/// A `ListResponse`, as far as it matters.
pub(super) struct Listed {
    pub(super) total: Option<usize>,
    pub(super) resources: Vec<Value>,
}

impl Listed {
    /// Reads a `ListResponse`; none for anything else.
    pub(super) fn read(body: &Value) -> Option<Self> {
        let total = body.get("totalResults").and_then(|total| match total {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        });
        let resources = match body.get("Resources").or_else(|| body.get("resources")) {
            Some(Value::Array(resources)) => resources.clone(),
            None | Some(Value::Null) if total.is_some() => Vec::new(),
            _ => return None,
        };
        Some(Self { total: total.and_then(|total| usize::try_from(total).ok()), resources })
    }
}

/// One page, read.
struct Page {
    accounts: Vec<Observed>,
    /// Where the next page starts; none where this is the last.
    next: Option<usize>,
    /// How many there are in all, as the server says.
    total: Option<u64>,
}

impl Scim {
    /// Objects with that key.
    pub(super) async fn look(&self, kind: Kind, key: &Key) -> Result<Vec<Observed>, Failure> {
        let filter = Calls::filter(kind, key)?;
        let mut filter = (!self.quirks.no_filters.is_set()).then_some(filter.as_str());
        let exact = known(kind, &key.field)?.case_exact;
        let mut found: Vec<Observed> = Vec::new();
        // Some cannot read every value, which says nothing of the next one.
        let is_plain = !filter.is_some_and(|text| text.contains('\\') || !text.is_ascii());
        let (mut start, mut first) = (1, None);
        for _ in 0..MOST_PAGES {
            let answer = self.send(&self.calls.page(kind, filter, start)).await?;
            if filter.is_some() && matches!(answer.status, 404 | 410) {
                return Ok(found);
            }
            if filter.is_some() && refuses_filters(&answer) {
                if is_plain {
                    self.quirks.no_filters.set();
                }
                filter = None;
                continue;
            }
            let page = self.page(kind, answer, start)?;
            if is_repeated(&page, &mut first) {
                return if found.is_empty() { Err(self.goes_round()) } else { Ok(found) };
            }
            // A server that ignores filters returns strangers; they are never taken for a match.
            found.extend(page.accounts.into_iter().filter(|account| {
                account.record.0.get(&key.field).is_some_and(|has| same(has, &key.value, exact))
            }));
            match page.next {
                Some(next) => start = next,
                None => return Ok(found),
            }
        }
        Err(Failure::Unsupported(format!(
            "{} ignores filters and has too many objects to look through",
            self.calls.host()
        )))
    }

    /// A page of all objects. The cursor is `START FIRST-ID`: where the page starts, and what the
    /// page before began with.
    pub(super) async fn page_from(
        &self,
        kind: Kind,
        from: Option<&str>,
    ) -> Result<AccountPage, Failure> {
        let (start, mut first) = match from.and_then(|cursor| cursor.split_once(' ')) {
            Some((start, first)) => (start.parse().unwrap_or(1), Some(first.to_owned())),
            None => (1, None),
        };
        let answer = self.send(&self.calls.page(kind, None, start)).await?;
        let page = self.page(kind, answer, start)?;
        if is_repeated(&page, &mut first) {
            return Err(self.goes_round());
        }
        let first = first.unwrap_or_default();
        let next = page.next.map(|next| format!("{next} {first}"));
        Ok(AccountPage { accounts: page.accounts, next, total: page.total })
    }

    fn page(&self, kind: Kind, answer: Answer, start: usize) -> Result<Page, Failure> {
        if matches!(answer.status, 404 | 405 | 410 | 501) {
            return Err(self.no_endpoint(kind));
        }
        let answer = answer.success()?;
        let list = answer.body.as_ref().and_then(Listed::read);
        let list = list.ok_or_else(|| self.no_scim("a list"))?;
        let count = list.resources.len();
        let next = start.saturating_add(count);
        let is_last = count == 0 || list.total.is_some_and(|total| next > total);
        let accounts = list
            .resources
            .iter()
            .map(|resource| {
                observed(kind, resource).ok_or_else(|| self.no_scim("objects with ids"))
            })
            .collect::<Result<_, _>>()?;
        let total = list.total.and_then(|total| u64::try_from(total).ok());
        Ok(Page { accounts, next: (!is_last).then_some(next), total })
    }

    fn goes_round(&self) -> Failure {
        Failure::Misconfigured(Reason {
            field: None,
            detail: format!("{} answers with the same page again and again.", self.calls.host()),
            remedy: "Its list cannot be read whole; ask the app's maker about startIndex.".into(),
        })
    }
}

/// Whether the server says that it cannot filter, rather than that nothing matches.
fn refuses_filters(answer: &Answer) -> bool {
    matches!(answer.status, 400 | 501) && !matches!(answer.scim_type(), Some("tooMany"))
}

/// Whether a page begins like the one before; remembers how it begins.
fn is_repeated(page: &Page, first: &mut Option<String>) -> bool {
    let Some(account) = page.accounts.first() else { return false };
    let repeated = first.as_deref() == Some(account.id.0.as_str());
    *first = Some(account.id.0.clone());
    repeated
}

fn same(has: &Value, wanted: &Value, exact: bool) -> bool {
    match (has, wanted) {
        (Value::String(has), Value::String(wanted)) if !exact => fold(has) == fold(wanted),
        (has, wanted) => has == wanted,
    }
}
