use super::*;
use crate::scim::error::ScimType;
use crate::scim::filter::sample;
use proptest::prelude::*;

fn path(text: &str) -> AttributePath {
    crate::scim::path::attribute(text).unwrap()
}

fn equal(name: &str, value: &str) -> Filter {
    Filter::Compare(path(name), Operator::Equal, Literal::String(value.to_owned()))
}

fn present(name: &str) -> Filter {
    Filter::Present(path(name))
}

#[test]
fn the_examples_of_the_rfc_read() {
    // RFC 7644 §3.4.2.2 figure 2.
    for text in [
        r#"userName eq "bjensen""#,
        r#"name.familyName co "O'Malley""#,
        r#"userName sw "J""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
        "title pr",
        r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
        r#"meta.lastModified ge "2011-05-13T04:42:34Z""#,
        r#"meta.lastModified lt "2011-05-13T04:42:34Z""#,
        r#"meta.lastModified le "2011-05-13T04:42:34Z""#,
        r#"title pr and userType eq "Employee""#,
        r#"title pr or userType eq "Intern""#,
        r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
        r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
        r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
        r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#,
        r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
    ] {
        assert_eq!(parse(text).unwrap().to_string(), text);
    }
    assert_eq!(
        parse(r#"userType eq "Employee" and (emails.type eq "work")"#).unwrap(),
        Filter::And(vec![equal("userType", "Employee"), equal("emails.type", "work")])
    );
}

#[test]
fn precedence_is_not_then_and_then_or() {
    let (a, b, c) = (present("a"), present("b"), present("c"));
    let not = |inner: &Filter| Filter::Not(Box::new(inner.clone()));
    for (text, expected) in [
        (
            "a pr or b pr and c pr",
            Filter::Or(vec![a.clone(), Filter::And(vec![b.clone(), c.clone()])]),
        ),
        (
            "a pr and b pr or c pr",
            Filter::Or(vec![Filter::And(vec![a.clone(), b.clone()]), c.clone()]),
        ),
        (
            "(a pr or b pr) and c pr",
            Filter::And(vec![Filter::Or(vec![a.clone(), b.clone()]), c.clone()]),
        ),
        ("not (a pr) and b pr", Filter::And(vec![not(&a), b.clone()])),
        ("not(a pr)or b pr", Filter::Or(vec![not(&a), b.clone()])),
        ("((a pr))", a.clone()),
        ("a pr and b pr and c pr", Filter::And(vec![a.clone(), b.clone(), c.clone()])),
        ("NOT (a PR) AND b Pr", Filter::And(vec![not(&a), b.clone()])),
        ("(a pr)and(b pr)", Filter::And(vec![a.clone(), b.clone()])),
        ("  a   pr\n and\tb pr ", Filter::And(vec![a.clone(), b.clone()])),
        ("not (not (a pr))", not(&not(&a))),
    ] {
        assert_eq!(parse(text).unwrap(), expected, "{text}");
    }
}

#[test]
fn literals_are_those_of_json() {
    for (text, expected) in [
        (r#""a\"b\\c\/\u00e9\n""#, Literal::String("a\"b\\c/é\n".to_owned())),
        (r#""\ud83d\ude00""#, Literal::String("😀".to_owned())),
        (r#""""#, Literal::String(String::new())),
        ("true", Literal::Boolean(true)),
        ("False", Literal::Boolean(false)),
        ("null", Literal::Null),
        ("-12", Literal::Number((-12).into())),
        ("1.5e2", Literal::Number(Number::from_f64(150.0).unwrap())),
        ("18446744073709551615", Literal::Number(u64::MAX.into())),
    ] {
        let filter = parse(&format!("a eq {text}")).unwrap();
        assert_eq!(filter, Filter::Compare(path("a"), Operator::Equal, expected), "{text}");
    }
    assert_eq!(parse(r#"a Eq"x""#).unwrap(), equal("a", "x"), "RFC 7644 §3.5.2.2 writes eq\"…\"");
}

#[test]
fn a_part_behind_the_brackets_is_one_of_its_conditions() {
    for (text, same) in [
        (r#"emails[type eq "work"].value eq "x""#, r#"emails[type eq "work" and value eq "x"]"#),
        ("emails[a pr and b pr].value pr", "emails[a pr and b pr and value pr]"),
        ("emails[a pr or b pr].value pr", "emails[(a pr or b pr) and value pr]"),
    ] {
        assert_eq!(parse(text).unwrap(), parse(same).unwrap(), "{text}");
    }
}

#[test]
fn wrong_filters_say_where_and_what() {
    for (text, position, what) in [
        ("", 1, "expected an attribute name"),
        ("userName", 9, "expected a space and an operator"),
        ("userName ", 10, "expected a space and an operator"),
        ("userName eq", 12, "expected a space and a value"),
        ("userName eq ", 13, "expected a value"),
        ("userName regex \"x\"", 10, "the operator \"regex\" is not supported"),
        ("userName = \"x\"", 10, "expected an operator"),
        ("userName eq bjensen", 13, "expected a value"),
        ("userName eq 'bjensen'", 13, "expected a value"),
        ("userName eq \"bjensen", 13, "does not end"),
        ("userName eq \"a\\x\"", 13, "expected a JSON string"),
        ("userName eq \"a\nb\"", 13, "expected a JSON string"),
        ("userName eq \"\\ud800\"", 13, "expected a JSON string"),
        ("userName eq \"a\\u0000\"", 13, "U+0000"),
        ("userName eq 01", 13, "expected a JSON number"),
        ("userName eq 1e999", 13, "expected a JSON number"),
        ("userName eq 1x", 14, "expected the end of the value"),
        ("userName eq trueish", 13, "expected a value"),
        ("a pr b pr", 6, "expected \"and\" or \"or\""),
        ("a pr and", 9, "expected a space and a comparison"),
        ("a pr and ", 10, "expected an attribute name"),
        ("and a pr", 5, "the operator \"a\" is not supported"),
        ("(a pr", 6, "expected \"and\", \"or\" or \")\""),
        ("a pr)", 5, "expected \"and\" or \"or\""),
        ("()", 2, "expected an attribute name"),
        ("not a pr", 5, "expected \"(\" after \"not\""),
        ("not not (a pr)", 5, "expected \"(\" after \"not\""),
        ("emails[type pr", 15, "expected \"and\", \"or\" or \"]\""),
        ("emails[type pr].not pr", 17, "expected an attribute name"),
        ("emails[ims[a pr]]", 11, "brackets do not nest"),
        ("emails.value[a pr]", 13, "not a part of one"),
        ("a eq 1and b pr", 7, "expected the end of the value"),
        ("élan eq 1", 1, "expected an attribute name"),
        ("a eq \"é\" x", 10, "expected \"and\" or \"or\""),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidFilter), "{text}");
        assert!(
            error.to_string().starts_with(&format!("filter, character {position}: "))
                && error.to_string().contains(what),
            "{text:?}: {error}"
        );
    }
}

#[test]
fn nesting_length_and_number_are_bounded() {
    let nested = |depth: usize| format!("{}a pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    for text in [
        nested(MAX_DEPTH + 1),
        nested(100_000),
        "(".repeat(100_000),
        "(".repeat(MAX_LENGTH),
        "not (".repeat(MAX_LENGTH / 5),
        "not ".repeat(MAX_LENGTH / 4),
        "a[".repeat(MAX_LENGTH / 2),
        format!("{}e[{}a pr{}]", "(".repeat(20), "(".repeat(20), ")".repeat(20)),
    ] {
        let error = parse(&text).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidFilter));
    }
    let many = |count: usize| vec!["a pr"; count].join(" or ");
    assert!(parse(&many(MAX_COMPARISONS)).is_ok());
    let error = parse(&many(MAX_COMPARISONS + 1)).unwrap_err();
    assert!(error.to_string().contains("256 comparisons"), "{error}");
}

proptest! {
    #[test]
    fn printing_and_reading_is_the_identity(filter in sample::filter()) {
        let text = filter.to_string();
        prop_assert_eq!(parse(&text).map_err(|error| error.to_string()), Ok(filter), "{}", text);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_nearly_right_text_makes_it_panic(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "a", "emails", "[", "]", "(", ")", "not", "and", "or", " ", " ", "eq", "pr", "\"x\"",
                "\"", "\\", "1", ".", "urn:a:2.0:", "true", "é",
            ]),
            0..24,
        )
    ) {
        if let Ok(filter) = parse(&words.concat()) {
            prop_assert_eq!(parse(&filter.to_string()), Ok(filter));
        }
    }
}
