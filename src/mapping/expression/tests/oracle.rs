//! What both can do, the interpreter of the `cel` crate does the same.

use super::{Map, USER, Value, compile};
use crate::mapping::form::Facts;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// An expression of a type, made of what has the same meaning in both.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sort {
    Int,
    Truth,
    Text,
    Ints,
}

/// A macro's variable is known within it as `x` (an integer).
fn expression(sort: Sort, depth: u32, variable: bool) -> BoxedStrategy<String> {
    let leaf = match (sort, variable) {
        (Sort::Int, true) => {
            prop_oneof![Just("x".to_owned()), (-9_i64..9).prop_map(literal)].boxed()
        }
        (Sort::Int, false) => {
            prop_oneof![(-9_i64..9).prop_map(literal), Just("9223372036854775807".to_owned()),]
                .boxed()
        }
        (Sort::Truth, _) => any::<bool>().prop_map(|truth| truth.to_string()).boxed(),
        (Sort::Text, _) => "[a-cé😀 ]{0,3}".prop_map(|text| format!("'{text}'")).boxed(),
        (Sort::Ints, _) => proptest::collection::vec(-3_i64..3, 0..4)
            .prop_map(|list| {
                format!("[{}]", list.iter().map(|n| literal(*n)).collect::<Vec<_>>().join(", "))
            })
            .boxed(),
    };
    if depth == 0 {
        return leaf;
    }
    let of = move |sort| expression(sort, depth - 1, variable);
    let two = move |sort, signs: &'static [&'static str]| {
        (of(sort), proptest::sample::select(signs), of(sort))
            .prop_map(|(left, sign, right)| format!("({left} {sign} {right})"))
            .boxed()
    };
    let chosen = (of(Sort::Truth), of(sort), of(sort))
        .prop_map(|(test, yes, no)| format!("({test} ? {yes} : {no})"))
        .boxed();
    let walked = move |sort, rest: u32| expression(sort, depth.saturating_sub(rest), true);
    let inner = match sort {
        Sort::Int => prop_oneof![
            two(Sort::Int, &["+", "-", "*", "/", "%"]),
            of(Sort::Text).prop_map(|text| format!("size({text})")),
            of(Sort::Ints).prop_map(|list| format!("{list}.size()")),
            of(Sort::Int).prop_map(|of| format!("-({of})")),
            of(Sort::Int).prop_map(|of| format!("int(string({of}))")),
        ]
        .boxed(),
        Sort::Truth => {
            let walks = if variable {
                of(Sort::Truth)
            } else {
                let walk = proptest::sample::select(&["all", "exists", "exists_one"][..]);
                (of(Sort::Ints), walk, walked(Sort::Truth, 1))
                    .prop_map(|(list, walk, test)| format!("{list}.{walk}(x, {test})"))
                    .boxed()
            };
            prop_oneof![
                two(Sort::Int, &["==", "!=", "<", "<=", ">", ">="]),
                two(Sort::Text, &["==", "!=", "<", "<=", ">", ">="]),
                two(Sort::Truth, &["&&", "||", "==", "!="]),
                two(Sort::Ints, &["==", "!="]),
                of(Sort::Truth).prop_map(|of| format!("!({of})")),
                (of(Sort::Int), of(Sort::Ints))
                    .prop_map(|(one, list)| format!("({one} in {list})")),
                (
                    of(Sort::Text),
                    proptest::sample::select(&["contains", "startsWith", "endsWith"][..]),
                    of(Sort::Text)
                )
                    .prop_map(|(text, test, other)| format!("{text}.{test}({other})")),
                walks,
            ]
            .boxed()
        }
        Sort::Text => prop_oneof![
            two(Sort::Text, &["+"]),
            of(Sort::Int).prop_map(|of| format!("string({of})")),
        ]
        .boxed(),
        Sort::Ints => {
            let walks = if variable {
                of(Sort::Ints)
            } else {
                prop_oneof![
                    (of(Sort::Ints), walked(Sort::Int, 1))
                        .prop_map(|(list, of)| format!("{list}.map(x, {of})")),
                    (of(Sort::Ints), walked(Sort::Truth, 1))
                        .prop_map(|(list, of)| format!("{list}.filter(x, {of})")),
                    (of(Sort::Ints), walked(Sort::Truth, 1), walked(Sort::Int, 1))
                        .prop_map(|(list, test, of)| format!("{list}.map(x, {test}, {of})")),
                ]
                .boxed()
            };
            prop_oneof![two(Sort::Ints, &["+"]), walks].boxed()
        }
    };
    prop_oneof![1 => leaf, 3 => inner, 1 => chosen].boxed()
}

fn literal(number: i64) -> String {
    if number < 0 { format!("({number})") } else { number.to_string() }
}

/// A value of the other interpreter; what is empty is no value here.
fn theirs(value: &cel::Value) -> Value {
    let value = whole(value);
    match &value {
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Array(elements) if elements.is_empty() => Value::Null,
        _ => value,
    }
}

fn whole(value: &cel::Value) -> Value {
    match value {
        cel::Value::Int(whole) => Value::from(*whole),
        cel::Value::UInt(whole) => Value::from(*whole),
        cel::Value::Bool(truth) => Value::Bool(*truth),
        cel::Value::String(text) => Value::String(text.to_string()),
        cel::Value::List(elements) => Value::Array(elements.iter().map(whole).collect()),
        other => panic!("{other:?} was not asked for"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn both_interpreters_agree(
        text in proptest::sample::select(&[Sort::Int, Sort::Truth, Sort::Text, Sort::Ints][..])
            .prop_flat_map(|sort| expression(sort, 3, false)),
    ) {
        let Ok(form) = compile(&USER, &text) else {
            // The fence: it is longer, deeper or has more nodes than what is let in.
            prop_assert!(text.len() > 150, "{text}: {:?}", compile(&USER, &text));
            return Ok(());
        };
        let (resource, accounts) = (Map::new(), BTreeMap::new());
        let facts = Facts { resource: &resource, assigned: &resource, accounts: &accounts };
        let ours = form.evaluate(&facts);
        let program = cel::Program::compile(&text).unwrap();
        match (ours, program.execute(&cel::Context::default())) {
            (Ok(ours), Ok(other)) => prop_assert_eq!(ours, theirs(&other), "{}", text),
            (Err(_), Err(_)) => {}
            (ours, other) => prop_assert!(false, "{text}: {ours:?}, they {other:?}"),
        }
    }
}
