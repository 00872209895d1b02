//! Entra's expressions and settings, one by one.

use super::{count, flat, notes, outcome, scim};
use crate::mapping::import::Import;
use serde_json::{Value, json};

fn imported(expression: &str) -> Result<Value, String> {
    with(&json!({"source": {"type": "Function", "name": "F", "expression": expression}}))
}

fn with(mapping: &Value) -> Result<Value, String> {
    outcome(&import(mapping))
}

fn import(mapping: &Value) -> Import {
    let mut mapping = mapping.clone();
    if mapping.get("targetAttributeName").is_none() {
        mapping["targetAttributeName"] = "x".into();
    }
    crate::mapping::import::entra(&json!([mapping]), &flat()).expect("a list")
}

fn expression(text: &str) -> Value {
    json!({"source": {"kind": "expression", "expression": text}, "onEmpty": "skip"})
}

#[test]
fn the_simplest_kind_wins() {
    for (written, rule) in [
        (
            "[givenName]",
            json!({"source": {"kind": "profile", "path": "name.givenName"}, "onEmpty": "skip"}),
        ),
        ("\"EMEA\"", json!({"source": {"kind": "constant", "value": "EMEA"}})),
        (
            r#"Join(" ", [givenName], [surname])"#,
            json!({"source": {"kind": "join", "template": "{name.givenName} {name.familyName}"}, "onEmpty": "skip"}),
        ),
        (
            r#"Append([userPrincipalName], ".{test}")"#,
            json!({"source": {"kind": "join", "template": "{userName}.{{test}}"}, "onEmpty": "skip"}),
        ),
        (
            "Coalesce([displayName], [givenName])",
            json!({"source": {"kind": "first", "paths": ["displayName", "name.givenName"]}, "onEmpty": "skip"}),
        ),
        (
            r#"Coalesce([jobTitle], "Staff")"#,
            json!({"source": {"kind": "profile", "path": "title"}, "onEmpty": {"default": "Staff"}}),
        ),
        (
            r#"Switch(IsPresent([jobTitle]), "Staff", "True", [jobTitle])"#,
            json!({"source": {"kind": "profile", "path": "title"}, "onEmpty": {"default": "Staff"}}),
        ),
        (
            "IIF(IsNullOrEmpty([jobTitle]), [givenName], [jobTitle])",
            json!({"source": {"kind": "first", "paths": ["title", "name.givenName"]}, "onEmpty": "skip"}),
        ),
        (
            r#"Switch([jobTitle], "", "Director", "boss", "director", "late", "Lead", "")"#,
            json!({"source": {"kind": "table", "path": "title", "entries": {"Director": "boss"}}, "onEmpty": "skip"}),
        ),
        (
            "ToLower(NormalizeDiacritics(Trim([givenName])), )",
            json!({
                "source": {"kind": "profile", "path": "name.givenName"},
                "onEmpty": "skip",
                "normalise": ["trim", "transliterate", "lower"],
            }),
        ),
        (
            "SingleAppRoleAssignment([appRoleAssignments])",
            json!({"source": {"kind": "assignment"}, "onEmpty": "skip"}),
        ),
        (
            "IgnoreFlowIfNullOrEmpty([jobTitle])",
            json!({"source": {"kind": "profile", "path": "title"}, "onEmpty": "skip"}),
        ),
        (
            "[manager]",
            json!({"source": {
                "kind": "reference",
                "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            }, "onEmpty": "skip"}),
        ),
    ] {
        assert_eq!(imported(written), Ok(rule), "{written}");
    }
}

#[test]
fn everything_else_is_an_expression() {
    for (written, text) in [
        (
            r#"Join(", ", [surname], [givenName])"#,
            r#"join([name.familyName, name.givenName], ", ")"#,
        ),
        (
            r#"Join("@", [displayName], "contoso.com")"#,
            r#"join([displayName, "contoso.com"], "@")"#,
        ),
        (r#"Append("  ", [surname])"#, r#""  " + name.familyName"#),
        (
            "Append(Mid([givenName], 1, 3), Mid([surname], 2, 5))",
            "left(name.givenName, 3) + substr(name.familyName, 1, 5)",
        ),
        (
            r#"Replace([mail], "@contoso.com", , ,"", ,)"#,
            r#"replace(emails.filter(one, one.type == "work")[0].value, "@contoso.com", "")"#,
        ),
        (r#"Replace([jobTitle], , "ab", , "c", , )"#, r#"replace(title, "ab", "c")"#),
        (
            r#"Replace([givenName], "$", , , , , "Dear $!")"#,
            r#"replace("Dear $!", "$", name.givenName)"#,
        ),
        (r#"Item(Split([department], "/"), 2)"#, r#"split(department, "/")[1]"#),
        (r#"Word([displayName], 1, " ")"#, r#"split(displayName, " ")[0]"#),
        (
            r#"IIF([country]="USA",[city],[department])"#,
            r#"addresses.filter(one, one.type == "work")[0].country == "USA" ? addresses.filter(one, one.type == "work")[0].locality : department"#,
        ),
        (
            r#"IIF(InStr([department], "Sales") > 0, "a", "b")"#,
            r#"department.contains("Sales") ? "a" : "b""#,
        ),
        (
            r#"IIF(Not(IsPresent([jobTitle])) OR Len([jobTitle]) > 20, "long", [jobTitle])"#,
            r#"title == null || size(title) > 20 ? "long" : title"#,
        ),
        (
            r#"IIF(And(IsPresent([jobTitle]), [department] <> "IT"), "a", "b")"#,
            r#"title != null && department != "IT" ? "a" : "b""#,
        ),
        (
            r#"Switch(ToUpper([department]), [jobTitle], "IT", "x")"#,
            r#"lookup(upper(department), {"IT": "x"}, title)"#,
        ),
        (
            r#"Switch([department], "z", "IT", [jobTitle], "HR", "y")"#,
            r#"lower(department) == "it" ? title : lower(department) == "hr" ? "y" : "z""#,
        ),
        (
            "StripSpaces(Left(Right([displayName], 9), -1))",
            r#"replace(right(displayName, 9), " ", "")"#,
        ),
        (
            "ToLower(Append([givenName], Left([surname], 1)))",
            "lower(name.givenName + left(name.familyName, 1))",
        ),
        (r#"Append("a\"b\\", Left([surname], "1"))"#, r#""a\"b\\" + left(name.familyName, 1)"#),
        (
            "Append([city], Len([city]))",
            r#"addresses.filter(one, one.type == "work")[0].locality + string(size(addresses.filter(one, one.type == "work")[0].locality))"#,
        ),
    ] {
        assert_eq!(imported(written), Ok(expression(text)), "{written}");
    }
}

#[test]
fn what_has_no_counterpart_is_named() {
    for (written, why) in [
        ("[extensionAttribute7]", "corresponds to extensionAttribute7"),
        ("Guid()", "another value each time"),
        ("RandomString(6,3,0,0,3)", "another value each time"),
        ("SelectUniqueValue([mail], [givenName])", "taken in the app"),
        ("ConvertToBase64([mail])", "no function that does what ConvertToBase64 does"),
        ("PCase([givenName])", "no function"),
        (r#"Replace([jobTitle], , "[a-z]*", , "", , )"#, "regular expression"),
        (r#"ToUpper([givenName], "tr-TR")"#, "rules of one language"),
        (
            r#"FormatDateTime([city], , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")"#,
            "date is read or written",
        ),
        (r#"Append([manager], "x")"#, "manager's account cannot be changed"),
        (
            r#"Switch(SingleAppRoleAssignment([appRoleAssignments]), "a", "b", "c")"#,
            "at the assignment",
        ),
        ("Item([otherMails], 1)", "several addresses"),
        ("[mailNickname]", "alias for mail"),
        ("Coalesce([mailNickname], [givenName])", "alias for mail"),
        ("[objectId]", "an id in the other directory"),
        ("Not([IsSoftDeleted])", "on and off by itself"),
        (
            "IIF(IsPresent([mail]), IgnoreFlowIfNullOrEmpty([mail]), [city])",
            "for a whole rule only",
        ),
        (r#"Coalesce("", )"#, "never has a value"),
        ("Mid([mail], 0, 3)", "in a way that has no counterpart"),
        (r#"Switch([department], "a", "b")"#, "in a way that has no counterpart"),
        ("Join(", "At character"),
        ("Join([a]", "a comma or the end"),
        (r#"Append([city], "x"#, "quotation mark"),
        ("[city] [mail]", "its end"),
    ] {
        let detail = imported(written).expect_err(written).to_lowercase();
        assert!(detail.contains(&why.to_lowercase()), "{written}: {detail}");
    }
}

#[test]
fn settings_of_a_mapping_are_kept() {
    let title = json!({"type": "Attribute", "name": "jobTitle", "expression": "[jobTitle]"});
    for (mapping, rule) in [
        (
            json!({"source": title, "defaultValue": "Staff", "flowType": "Always"}),
            json!({"source": {"kind": "profile", "path": "title"}, "onEmpty": {"default": "Staff"}}),
        ),
        (
            json!({"source": title, "flowType": "ObjectAddOnly"}),
            json!({
                "source": {"kind": "profile", "path": "title"},
                "apply": "create",
                "onEmpty": "skip",
            }),
        ),
        (
            json!({"source": title, "flowType": "objectAddOnly", "defaultValue": "Staff"}),
            json!({
                "source": {"kind": "profile", "path": "title"},
                "apply": "create",
                "onEmpty": {"default": "Staff"},
            }),
        ),
        (
            json!({"source": title, "flowType": null}),
            json!({"source": {"kind": "profile", "path": "title"}, "onEmpty": "skip"}),
        ),
        (
            json!({"source": title, "flowType": "ALWAYS"}),
            json!({"source": {"kind": "profile", "path": "title"}, "onEmpty": "skip"}),
        ),
        (
            json!({"source": title, "flowType": "ValueAddOnly"}),
            json!({"source": {"kind": "profile", "path": "title"}, "onEmpty": "skip"}),
        ),
        (
            json!({"source": null, "defaultValue": "en_US"}),
            json!({"source": {"kind": "constant", "value": "en_US"}, "apply": "create"}),
        ),
        (
            json!({"source": {"type": "Constant", "name": "", "expression": "\"x\""}}),
            json!({"source": {"kind": "constant", "value": "x"}}),
        ),
        (
            // The default must not be in capitals, so the change is part of the expression.
            json!({"source": {"expression": "ToUpper([jobTitle])"}, "defaultValue": "none"}),
            json!({
                "source": {"kind": "expression", "expression": "upper(title)"},
                "onEmpty": {"default": "none"},
            }),
        ),
        (
            json!({"source": {"type": "Function", "name": "Replace", "parameters": [
                {"key": "source", "value": title},
                {"key": "Replacement", "value": {"type": "Constant", "name": "_"}},
                {"key": "OldValue", "value": {"type": "Constant", "name": "-"}},
            ]}}),
            json!({"source": {"kind": "expression", "expression": "replace(title, \"-\", \"_\")"}, "onEmpty": "skip"}),
        ),
    ] {
        assert_eq!(with(&mapping), Ok(rule), "{mapping}");
    }
    for (mapping, why) in [
        (json!({"source": title, "flowType": "AttributeAddOnly"}), "only while"),
        (json!({"source": title, "flowType": "multivalueaddonly"}), "only while"),
        (json!({"source": title, "flowType": "Bogus"}), "flowType is Bogus"),
        (json!({"source": title, "flowType": " Always"}), "flowType is  Always"),
        (json!({"source": title, "flowType": 5}), "flowType is 5"),
        (json!({"defaultValue": "x", "flowType": "Bogus"}), "flowType is Bogus"),
        (json!({"source": null}), "neither a source nor a default"),
        (json!({"source": {}}), "no source"),
        (json!({}), "neither a source nor a default"),
    ] {
        let detail = with(&mapping).expect_err("untranslated");
        assert!(detail.contains(why), "{mapping}: {detail}");
    }
}

#[test]
fn fields_are_found_by_what_they_mean() {
    let field = |name: &str| {
        let import = import(&json!({
            "targetAttributeName": name,
            "source": {"type": "Attribute", "name": "mail"},
        }));
        match import.document.users.as_slice() {
            [rule] => Ok(rule.field.clone()),
            _ => Err(import.untranslated[0].detail.clone()),
        }
    };
    assert_eq!(field("FIRSTNAME"), Ok("firstName".to_owned()));
    assert_eq!(field("name.givenName"), Ok("firstName".to_owned()));
    assert_eq!(
        field("urn:ietf:params:scim:schemas:core:2.0:User:name.familyName"),
        Ok("Last_Name".to_owned())
    );
    assert_eq!(field("emails[type eq \"work\"].value"), Ok("email".to_owned()));
    assert_eq!(field("userName"), Ok("loginName".to_owned()));
    assert_eq!(field("displayName"), Ok("fullName".to_owned()));
    assert!(field("IsActive").expect_err("active").contains("by itself"));
    assert!(field("reference").expect_err("locked").contains("identifies the account"));
    assert!(field("costCenter").expect_err("missing").contains("no field costCenter"));
}

#[test]
fn the_app_decides_how_values_are_given() {
    let vip = import(&json!({
        "targetAttributeName": "vip",
        "source": {"expression": r#"Switch([jobTitle], "False", "Director", "True")"#},
    }));
    assert_eq!(
        outcome(&vip),
        Ok(json!({"source":
            {"kind": "table", "path": "title", "entries": {"Director": true}, "default": false}}))
    );
    let source =
        import(&json!({"targetAttributeName": "source", "source": {"expression": "\"Entra\""}}));
    assert_eq!(
        outcome(&source),
        Ok(json!({"source": {"kind": "constant", "value": "Entra"}, "apply": "create"}))
    );
}

#[test]
fn what_is_not_about_the_app_is_named_once() {
    let entra = |schema: Value| crate::mapping::import::entra(&schema, &scim()).expect("an export");
    let mail = json!([{"targetAttributeName": "userName", "source": {"expression": "[mail]"}}]);
    let users =
        json!({"sourceObjectName": "User", "targetObjectName": "User", "attributeMappings": mail});
    let mut off = users.clone();
    off["enabled"] = false.into();
    let mut scoped = users.clone();
    scoped["scope"] = json!({"groups": [{"clauses": [], "name": "US only"}]});
    let devices = json!({"sourceObjectName": "Device", "attributeMappings": mail});
    let cases = [
        (json!({"objectMappings": [off]}), 0, "switched off"),
        (json!({"objectMappings": [scoped]}), 1, "limits who"),
        (json!({"objectMappings": [devices]}), 0, "called Device"),
        (
            json!({"schema": {"synchronizationRules": [{
                "targetDirectoryName": "Azure Active Directory", "objectMappings": [users],
            }]}}),
            0,
            "not to the app",
        ),
        (json!({"synchronizationRules": [{}]}), 0, "no list objectMappings"),
        (json!({"objectMappings": [users, users]}), 1, "Another rule"),
    ];
    for (schema, rules, why) in cases {
        let import = entra(schema.clone());
        assert_eq!((import.document.users.len(), count(&import)), (rules, rules + 1), "{schema}");
        assert!(import.untranslated[0].detail.contains(why), "{:?}", import.untranslated);
    }
}

#[test]
fn nothing_is_cleared_that_entra_leaves_as_it_is() {
    let on_empty = |written: &str| {
        let rule = imported(written).expect(written);
        rule.get("onEmpty").cloned()
    };
    for written in
        ["[jobTitle]", "Trim([jobTitle])", "Coalesce([jobTitle], [city])", "Left([jobTitle], 2)"]
    {
        assert_eq!(on_empty(written), Some("skip".into()), "{written}");
    }
    // These always have a value.
    for written in [
        r#""EMEA""#,
        r#"Switch([department], "a", "IT", "b")"#,
        r#"ToUpper(Coalesce(Trim([jobTitle]), "none"))"#,
    ] {
        assert_eq!(on_empty(written), None, "{written}");
    }
}

#[test]
fn a_default_that_is_used_more_often_is_told() {
    let title = json!({"type": "Attribute", "name": "jobTitle"});
    let told = import(&json!({"source": title, "defaultValue": "Staff"}));
    assert_eq!(told.document.users.len(), 1);
    let [note] = told.untranslated.as_slice() else { panic!("one note: {told:?}") };
    assert_eq!((note.field.as_str(), note.source.as_str()), ("users/x", "[jobTitle]"));
    assert_eq!(
        note.detail,
        "Entra uses the default only when it makes an account; here it is used whenever the source \
         is empty."
    );
    assert!(note.remedy.contains("\"skip\""), "{note:?}");
    // Where it means the same there is nothing to tell.
    for same in [
        json!({"source": title, "defaultValue": "Staff", "flowType": "ObjectAddOnly"}),
        json!({"source": title, "defaultValue": "Staff", "targetAttributeName": "source"}),
        json!({"source": title, "defaultValue": ""}),
        json!({"source": null, "defaultValue": "Staff"}),
        json!({"source": {"expression": r#"Coalesce([jobTitle], "x")"#}, "defaultValue": "Staff"}),
    ] {
        let import = import(&same);
        assert_eq!((import.document.users.len(), import.untranslated.len()), (1, 0), "{same}");
    }
}

#[test]
fn letters_that_entra_leaves_alone_are_told() {
    for written in [
        "NormalizeDiacritics([givenName])",
        r#"IIF(IsPresent([mail]), Append("x", normalizediacritics([surname])), [mail])"#,
    ] {
        let import = import(&json!({"source": {"expression": written}}));
        assert_eq!(import.document.users.len(), 1);
        let [note] = import.untranslated.as_slice() else { panic!("one note: {import:?}") };
        assert_eq!((note.field.as_str(), note.source.as_str()), ("users/x", written));
        assert!(note.detail.contains("Cyrillic"), "{note:?}");
    }
    let both = json!({
        "source": {"expression": "NormalizeDiacritics([givenName])"},
        "defaultValue": "Staff",
    });
    assert_eq!(notes(&import(&both)), 2);
    // What is left out is named once.
    let lost = import(&json!({"source": {"expression": "NormalizeDiacritics(PCase([mail]))"}}));
    assert_eq!((lost.document.users.len(), lost.untranslated.len()), (0, 1));
}
