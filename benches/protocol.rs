//! What the protocol costs: `cargo bench --bench protocol`.
//!
//! `conformance/load/protocol` prints these figures beside those of another server, for the same
//! filters and patches: `conformance/load/asked.json`.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "the input is known")]

use divan::{Bencher, black_box};
use rollcall::id::OrganizationId;
use rollcall::scim::dialect::Dialect;
use rollcall::scim::schema::{Registry, ResourceType};
use rollcall::scim::{filter, json, patch, resource, urn};
use rollcall::store::query;
use serde_json::{Map, Value};
use std::fmt;
use std::sync::{Arc, LazyLock};

fn main() {
    divan::main();
}

static ASKED: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../conformance/load/asked.json")).expect("is JSON")
});

static USER: LazyLock<Arc<ResourceType>> =
    LazyLock::new(|| Arc::clone(Registry::standard().named("User").expect("is there")));

/// One of the filters or patches.
struct Asked(&'static str, &'static Value);

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

fn asked(what: &str) -> Vec<Asked> {
    let all = ASKED[what].as_object().expect("is an object");
    all.iter().map(|(name, value)| Asked(name, value)).collect()
}

/// The text of a filter to what it means.
#[divan::bench(args = asked("filters"))]
fn read(bencher: Bencher<'_, '_>, asked: &Asked) {
    let text = text(asked);
    bencher.bench(|| filter::parse(black_box(&text)).and_then(|filter| filter.resolve(&USER)));
}

/// The text of a filter to the text of its SQL.
#[divan::bench(args = asked("filters"))]
fn lower(bencher: Bencher<'_, '_>, asked: &Asked) {
    let text = text(asked);
    let lower = || {
        let condition = filter::parse(black_box(&text)).and_then(|filter| filter.resolve(&USER));
        query::tested(&USER, OrganizationId(1), &condition.expect("is a filter"))
    };
    assert!(lower().is_some(), "becomes SQL");
    bencher.bench(lower);
}

/// The body of a PATCH to the document after it.
#[divan::bench(args = asked("patches"))]
fn patched(bencher: Bencher<'_, '_>, asked: &Asked) {
    let message = serde_json::json!({ "schemas": [urn::PATCH_OP], "Operations": asked.1 });
    let body = message.to_string();
    let stored = resource::check(&USER, ASKED["user"].clone(), Dialect::Strict);
    let stored: Map<String, Value> = stored.expect("is a user").attributes;
    let patched = || {
        let body = json::read(black_box(body.as_bytes())).expect("is JSON");
        let operations = patch::parse(&USER, &body, Dialect::Standard).expect("is a PATCH");
        patch::apply(&USER, &stored, &operations, Dialect::Standard).expect("applies")
    };
    assert!(patched().changed, "it changes something");
    bencher.bench(patched);
}

/// In the place of `{n}` comes what is different in each request.
fn text(asked: &Asked) -> String {
    asked.1.as_str().expect("is text").replace("{n}", "7")
}
