//! Expressions that bring other interpreters down, and what happens to them here: each is refused, or
//! stops after so many steps. Steps are counted, because time is not the same everywhere.

use super::{compile, radovan, steps};
use crate::mapping::form::Stopped;
use serde_json::{Map, Value, json};

/// The budget of an evaluation.
const STEPS: usize = 20_000;

#[track_caller]
fn refused(text: &str, why: &str) {
    let faults = compile(&super::USER, text).expect_err("it is refused");
    assert!(faults.iter().any(|fault| fault.detail.contains(why)), "{faults:?}");
}

#[track_caller]
fn stopped(text: &str, profile: &Map<String, Value>, why: &Stopped) {
    let (steps, result) = steps(text, profile);
    assert_eq!(result.as_ref(), Err(why), "{text} after {steps} steps");
    assert!(steps <= STEPS);
}

#[test]
fn long_chains_are_refused() {
    let chain = |first: &str, link: &str, count: usize| format!("{first}{}", link.repeat(count));
    for (first, link) in
        [("1", "+1"), ("1", "-1"), ("'a'", "+'a'"), ("userName", ".trim()"), ("{}", ".a")]
    {
        let long = chain(first, link, 5_000);
        refused(&long, "characters and may have 1000");
        // The longest that the fence lets through, and then what is too deep for an evaluation.
        let longest = chain(first, link, (1_000 - first.len()) / link.len());
        refused(&longest, "nested deeper than 64");
        assert!(compile(&super::USER, &chain(first, link, 60)).is_ok(), "{first}{link}");
    }
    refused(&"!".repeat(1_000), "ends too early");
    refused(&format!("{}active", "!-".repeat(400)), "");
    refused(&chain("true", "?true:true", 99), "");
    refused(&chain("true", "&&true", 160), "more than 256 operations");
    refused(&format!("[{}]", "1,".repeat(400)), "more than 256 operations");
}

/// A test has 2 MiB of stack, as a worker has.
#[test]
fn the_deepest_that_is_let_in_is_evaluated_on_an_ordinary_stack() {
    for (first, link) in [
        ("1", "+1"),
        ("userName", ".trim()"),
        ("{}", ".a"),
        ("[1]", ".map(x, x)"),
        ("[1]", ".filter(x, true)"),
        ("[null]", "[0]"),
        ("'a'", ".default('b')"),
        ("'a'", ".lookup({'a':'a'})"),
        ("'a'", ".matches('a')?'a':'b'"),
    ] {
        let count = 62.min((1_000 - first.len()) / link.len());
        let text = format!("{first}{}", link.repeat(count));
        let (spent, result) = steps(&text, &radovan());
        assert!(spent > 1 && result.is_ok(), "{text}: {result:?}");
    }
    let nested = format!("{}1{}", "[".repeat(32), "]".repeat(32));
    steps(&format!("{nested} == {nested}"), &radovan()).1.unwrap();
    let inner = |count: usize| format!("{}true{}", "!(".repeat(count), ")".repeat(count));
    let test = format!("[1].exists(x, [2].exists(y, {}))", inner(28));
    assert_eq!(steps(&test, &radovan()).1, Ok(json!(true)));
}

#[test]
fn deep_brackets_are_refused() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{1:", "}"), ("size(", ")"), ("emails[", "]")] {
        for count in [33, 90, 3_000] {
            let text = format!("{}1{}", open.repeat(count), close.repeat(count));
            let faults = compile(&super::USER, &text).expect_err("it is refused");
            let told = &faults[0].detail;
            assert!(
                told.contains("nested deeper than 32") || told.contains("may have 1000"),
                "{told}"
            );
        }
    }
    refused(&"(".repeat(999), "nested deeper than 32");
    refused(&"[(".repeat(16), "ends too early");
}

#[test]
fn macros_within_macros_are_bounded() {
    refused("emails.map(a, emails.map(b, emails.map(c, c.value)))", "two at most");
    refused("emails.filter(a, emails.exists(b, emails.all(c, c.primary)))", "two at most");
    let list = format!("[{}]", ["1"; 60].join(","));
    stopped(&format!("{list}.map(a, {list}.map(b, a * b))"), &radovan(), &Stopped::Fuel);
    // After one another they only add up.
    let chain = format!("emails{}", ".filter(e, true)".repeat(30));
    let (steps, result) = steps(&chain, &radovan());
    assert!(result.is_ok() && steps < 500, "{steps}");
}

#[test]
fn a_long_profile_is_walked_through_no_further_than_the_budget() {
    let mut profile = radovan();
    let many: Vec<Value> = (0..30_000).map(|at| json!({ "value": format!("{at}") })).collect();
    profile.insert("emails".to_owned(), Value::Array(many));
    stopped("emails.all(e, e.value != 'x')", &profile, &Stopped::Fuel);
    stopped("emails.map(e, e.value)", &profile, &Stopped::Elements);
    stopped("emails.exists(e, emails.exists(f, e == f && false))", &profile, &Stopped::Fuel);
    stopped("'x' in emails", &profile, &Stopped::Fuel);
    stopped("emails == emails && emails == emails", &profile, &Stopped::Fuel);
    stopped("emails", &profile, &Stopped::Large);
    profile.insert("userName".to_owned(), Value::String("é ".repeat(500_000)));
    for text in [
        "lower(userName)",
        "upper(userName)",
        "slug(userName)",
        "split(userName, ' ')",
        "size(userName)",
        "userName.matches('x')",
        "userName.contains('x')",
        "userName.replace('é', '')",
        "userName == 'x' || userName.left(1) == 'é'",
        "lookup(userName, {'a': 1})",
        "userName.initials()",
        "[userName, userName].join()",
    ] {
        let (steps, result) = steps(text, &profile);
        assert!(
            matches!(result, Err(Stopped::Fuel | Stopped::Large | Stopped::Elements)),
            "{text}: {result:?}"
        );
        assert!(steps <= STEPS);
    }
    stopped("userName", &profile, &Stopped::Large);
}

#[test]
fn texts_do_not_double_for_long() {
    let ten = "'0123456789'";
    let tenfold = ".replace('0', '0000000000')";
    stopped(&format!("{ten}{}", tenfold.repeat(8)), &radovan(), &Stopped::Large);
    let by_all = ".replace('0','00000000000000000000')";
    stopped(&format!("'0'{}", by_all.repeat(8)), &radovan(), &Stopped::Large);
    let doubled = format!("['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa']{}", ".map(x, x + x)".repeat(12));
    stopped(&doubled, &radovan(), &Stopped::Large);
    let joined = format!("['a', 'b']{}", ".map(x, [x, x, x, x, x, x, x, x].join('-'))".repeat(6));
    stopped(&joined, &radovan(), &Stopped::Large);
    let upper = format!("pad('', 6000, 'ŉ'){}", ".upper()".repeat(2));
    stopped(&upper, &radovan(), &Stopped::Large);
    stopped("pad('', 6000, '北').transliterate().transliterate()", &radovan(), &Stopped::Large);
}

#[test]
fn lists_do_not_double_for_long() {
    let list = format!("[{}]", ["1"; 100].join(","));
    let doubled = format!("[{list}]{}[0].size()", ".map(x, x + x)".repeat(10));
    stopped(&doubled, &radovan(), &Stopped::Elements);
    let nested = format!("[0]{}", ".map(x, [x, x, x, x, x, x, x, x])".repeat(12));
    let (spent, result) = steps(&nested, &radovan());
    assert!(
        matches!(result, Err(Stopped::Fuel | Stopped::Elements | Stopped::Large)),
        "{result:?}"
    );
    assert!(spent <= STEPS);
    stopped("pad('', 3000, 'a').split('')", &radovan(), &Stopped::Elements);
    stopped(
        "pad('', 900, 'a').split('').map(x, pad('', 900, 'b').split(''))",
        &radovan(),
        &Stopped::Fuel,
    );
}

#[test]
fn huge_counts_cost_nothing() {
    for text in
        ["pad('a', 9223372036854775807, 'b')", "pad('a', 16385, '0')", "pad('a', 16000, '北')"]
    {
        let (steps, result) = steps(text, &radovan());
        assert_eq!(result, Err(Stopped::Large), "{text}");
        assert!(steps < 20, "{text}: {steps}");
    }
}

#[test]
fn a_result_has_a_bound_though_its_parts_are_shared() {
    // Each list holds the one before ten times over; the tenth would have ten thousand million texts.
    let shared = ".map(x, [x,x,x,x,x,x,x,x,x,x])";
    let text = format!("['aaaaaaaa']{}", shared.repeat(10));
    let (spent, result) = steps(&text, &radovan());
    assert_eq!(result, Err(Stopped::Large));
    assert!(spent < 1_000, "{spent}");
    // Comparing them looks at all of them.
    stopped(&format!("{text} == {text}"), &radovan(), &Stopped::Fuel);
}

#[test]
fn patterns_are_paid_for_by_size() {
    let mut profile = radovan();
    profile.insert("userName".to_owned(), Value::String("a".repeat(4_000)));
    stopped(r"userName.matches('(a?){60}(a){60}(\\w{1,2})$')", &profile, &Stopped::Fuel);
    let (steps, result) = steps(r"userName.matches('^a+$')", &profile);
    assert_eq!(result, Ok(json!(true)));
    assert!(steps < 20_000, "{steps}");
}

/// Sixty-one letters, walked through within one another: 3,721 times whatever is asked.
fn squared(asked: &str) -> String {
    let list = format!("'{}'.split(',')", ["a"; 61].join(","));
    format!("{list}.exists(a, {list}.exists(b, {asked}))")
}

#[test]
fn what_ends_an_evaluation_is_not_tolerated() {
    let mut profile = radovan();
    let many: Vec<Value> = (0..600).map(|at| json!({ "value": format!("{at}") })).collect();
    profile.insert("emails".to_owned(), Value::Array(many));
    let large = "pad('x', 16384, '𐍈') == b";
    for text in [
        squared(large),
        squared(large).replace("exists", "all"),
        squared(&format!("{large} || b == 'x'")),
        squared(&format!("1 / 0 == 1 && {large}")),
        squared(&format!("{large} || true")),
    ] {
        let (spent, result) = steps(&text, &profile);
        assert_eq!(result, Err(Stopped::Large), "{text}");
        assert!(spent < 300, "{text}: {spent}");
    }
    let (spent, result) = steps(&squared("emails + emails == [] || true"), &profile);
    assert_eq!(result, Err(Stopped::Elements));
    assert!(spent < 300, "{spent}");
    // What one element fails at, another may decide.
    assert_eq!(steps("[0, 1].exists(x, 1 / x == 1)", &profile).1, Ok(json!(true)));
    assert_eq!(steps("1 / 0 == 1 || true", &profile).1, Ok(json!(true)));
}

#[test]
fn nothing_is_made_before_it_is_paid_for() {
    let mut profile = radovan();
    let many: Vec<Value> = (0..200).map(|at| json!({ "value": format!("key {at}") })).collect();
    profile.insert("emails".to_owned(), Value::Array(many));
    profile.insert("title".to_owned(), Value::String("x".repeat(60_000)));
    profile.insert("nickName".to_owned(), Value::String("ﷺ".repeat(3_000)));
    // How much is made is held against the steps in every test.
    for asked in [
        "pad('x', 4096, '𐍈') == b",
        "[emails, 1][0].lookup({'a': 1}) == 2",
        "[[emails], 1][0].lookup({'a': 1}) == 2",
        "string(title) == b",
        "title == b",
        "{'a': title}.a + b == b",
        "{title: 1}[b] == 1",
        "b in {title: 1}",
        "title.replace(null, b) == b",
        "title.lookup({'a': 1}) == 2",
        "nickName.lookup({'a': 1}) == 2",
        "nickName.slug() == b",
        "formatDate('2024-02-29', title.left(9000)) == b",
        "emails + [b] == emails + ['c']",
        "emails == emails && false",
        "[title, title].join(b) == b",
    ] {
        let (spent, result) = steps(&squared(asked), &profile);
        let ended = matches!(
            result,
            Ok(Value::Bool(false)) | Err(Stopped::Fuel | Stopped::Large | Stopped::Kind { .. })
        );
        assert!(ended && spent <= STEPS, "{asked}: {result:?} after {spent}");
    }
    // A list is looked up one by one, and what has parts is no key.
    let (spent, result) = steps("[emails, 1][0].lookup({'a': 1})", &profile);
    assert!(matches!(result, Err(Stopped::Kind { of: "lookup", .. })), "{result:?}");
    assert!(spent < 20, "{spent}");
    // A text that is handed on is not copied.
    let (spent, result) = steps("size(string(title)) + size([title][0])", &profile);
    assert_eq!(result, Ok(json!(120_000)));
    assert!(spent < 8_000, "{spent}");
    let (spent, _) = steps("pad('x', 4096, '𐍈') == 'y'", &profile);
    assert!(spent >= 4_095 * 4 / 16, "{spent}");
}

#[test]
fn parts_of_long_tables_are_paid_for() {
    let mut profile = radovan();
    let parts: Map<String, Value> = (0..30_000).map(|at| (format!("k{at}"), json!(at))).collect();
    profile.insert("name".to_owned(), Value::Object(parts));
    stopped("[name, 1][0].map(k, k)", &profile, &Stopped::Fuel);
    stopped("name == name", &profile, &Stopped::Fuel);
    stopped("name", &profile, &Stopped::Large);
    assert_eq!(steps("'k7' in name", &profile).1, Ok(json!(true)));
}
