use super::*;
use crate::mapping::compiled::tests::william;
use serde_json::json;

const TECHNICIANS: &str = "0190f0a0-0000-7000-8000-00000000000a";
const OTHERS: &str = "0190f0a0-0000-7000-8000-00000000000b";

fn rules(scope: Value) -> Rules {
    Rules::compile(&serde_json::from_value(scope).unwrap(), &Registry::standard()).unwrap()
}

fn in_technicians() -> Map<String, Value> {
    let mut william = william();
    william.insert(
        "groups".into(),
        json!([{ "value": TECHNICIANS, "display": "Technicians", "type": "indirect" }]),
    );
    william
}

#[test]
fn everybody_belongs_where_nothing_is_said() {
    let decision = rules(json!({})).explain(Candidate { resource: &william(), assignments: &[] });
    assert!(decision.in_scope && decision.parts.is_empty());
    assert_eq!(decision.sentence, "In scope: everybody is.");
}

#[test]
fn the_clause_that_fails_is_named() {
    let rules = rules(json!({ "filter": "title eq \"Technician\" and userType eq \"Employee\"" }));
    let decision = rules.explain(Candidate { resource: &william(), assignments: &[] });
    assert!(!decision.in_scope);
    assert_eq!(decision.sentence, "Out of scope: this does not hold: userType eq \"Employee\".");
    assert_eq!(decision.parts.len(), 2);
    assert!(decision.parts[0].holds && !decision.parts[1].holds);
}

#[test]
fn parts_go_together_as_said() {
    let through = [Assigned { through: Some("Field".into()) }];
    let directly = [Assigned { through: None }];
    let who = in_technicians();
    for (scope, assignments, expected) in [
        (json!({ "assigned": true }), &[][..], false),
        (json!({ "assigned": true }), &through[..], true),
        (json!({ "groups": [TECHNICIANS] }), &[][..], true),
        (json!({ "groups": [OTHERS] }), &[][..], false),
        (json!({ "groups": [OTHERS, TECHNICIANS] }), &[][..], true),
        (json!({ "groups": [TECHNICIANS], "assigned": true }), &[][..], false),
        (json!({ "groups": [TECHNICIANS], "assigned": true, "match": "any" }), &[][..], true),
        (json!({ "groups": [OTHERS], "assigned": true, "match": "any" }), &directly[..], true),
        (json!({ "filter": "active eq false", "assigned": true, "match": "any" }), &[][..], false),
        (json!({ "filter": "groups[display eq \"technicians\"]" }), &[][..], true),
    ] {
        let candidate = Candidate { resource: &who, assignments };
        let rules = rules(scope.clone());
        assert_eq!(rules.takes(candidate), expected, "{scope}");
        assert_eq!(rules.explain(candidate).in_scope, expected, "{scope}");
    }
}

#[test]
fn groups_are_told_unless_the_scope_names_some() {
    assert!(rules(json!({ "filter": "active eq true" })).takes_group(OTHERS, false));
    assert!(!rules(json!({ "groups": [TECHNICIANS] })).takes_group(OTHERS, true));
    assert!(rules(json!({ "groups": [TECHNICIANS] })).takes_group(TECHNICIANS, false));
    assert!(!rules(json!({ "assigned": true })).takes_group(OTHERS, false));
    assert!(rules(json!({ "assigned": true })).takes_group(OTHERS, true));
}

#[test]
fn faults_name_their_part() {
    let scope = Scope {
        filter: Some("titel eq \"x\"".into()),
        groups: vec!["Technicians".into()],
        ..Scope::default()
    };
    let problems = Rules::compile(&scope, &Registry::standard()).unwrap_err();
    let places: Vec<&str> = problems.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(places, ["scope/filter", "scope/groups"]);
    assert!(problems[0].detail.contains("titel"), "{problems:?}");
}

#[test]
fn a_filter_alone_is_kept_as_it_is() {
    let text = "userType eq \"Employee\"";
    assert_eq!(Scope::read(text).unwrap().kept().as_deref(), Some(text));
    assert_eq!(Scope::read(" ").unwrap().kept(), None);
    let scope: Scope =
        serde_json::from_value(json!({ "filter": text, "assigned": true, "match": "any" }))
            .unwrap();
    assert_eq!(Scope::read(&scope.kept().unwrap()).unwrap(), scope);
    assert!(Scope::read("{\"filtre\": 1}").unwrap_err().contains("filtre"));
}
