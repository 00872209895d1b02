//! How long a filter takes to read: `cargo bench --bench filter`.

use rollcall::scim::filter::parse::parse;

fn main() {
    divan::main();
}

/// What identity providers ask, from the most frequent to the longest.
const ASKED: &[&str] = &[
    r#"userName eq "william.woods@zylker.example""#,
    r#"emails[type eq "work"].value eq "william.woods@zylker.example""#,
    r#"meta.lastModified gt "2026-01-01T00:00:00Z" and active eq true"#,
    r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department sw "Field" or not (title pr and (userType eq "Employee" or userType eq "Contractor"))"#,
];

#[divan::bench(args = ASKED)]
fn read(bencher: divan::Bencher<'_, '_>, text: &str) {
    bencher.bench(|| parse(divan::black_box(text)));
}
