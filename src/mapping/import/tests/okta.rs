//! Okta's expressions, one by one.

use super::{flat, outcome};
use serde_json::{Value, json};

fn imported(expression: &str) -> Result<Value, String> {
    let one = json!({"properties": {"x": {"expression": expression, "pushStatus": "PUSH"}}});
    outcome(&crate::mapping::import::okta(&one, &flat()).expect("a mapping"))
}

#[test]
fn the_simplest_kind_wins() {
    for (written, rule) in [
        ("user.firstName", json!({"source": {"kind": "profile", "path": "name.givenName"}})),
        ("source.login", json!({"source": {"kind": "profile", "path": "userName"}})),
        ("'EMEA'", json!({"source": {"kind": "constant", "value": "EMEA"}})),
        ("\"it's \"\"it\"\"\"", json!({"source": {"kind": "constant", "value": "it's \"it\""}})),
        (
            "user.lastName + ', ' + user.firstName",
            json!({"source": {"kind": "join", "template": "{name.familyName}, {name.givenName}"}}),
        ),
        (
            "String.toUpperCase(String.append(user.firstName, user.lastName))",
            json!({
                "source": {"kind": "join", "template": "{name.givenName}{name.familyName}"},
                "normalise": ["upper"],
            }),
        ),
        (
            "user.nickName != '' AND user.nickName != null ? user.nickName : user.firstName",
            json!({"source": {"kind": "first", "paths": ["nickName", "name.givenName"]}}),
        ),
        (
            "user.title == null ? 'Staff' : user.title",
            json!({"source": {"kind": "profile", "path": "title"}, "onEmpty": {"default": "Staff"}}),
        ),
        (
            "user.managerId",
            json!({"source": {
                "kind": "reference",
                "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            }}),
        ),
    ] {
        assert_eq!(imported(written), Ok(rule), "{written}");
    }
    let one = json!({"properties": {"x": {"expression": "user.title", "pushStatus": "DONT_PUSH"}}});
    assert_eq!(
        outcome(&crate::mapping::import::okta(&one, &flat()).expect("a mapping")),
        Ok(json!({"source": {"kind": "profile", "path": "title"}, "apply": "create"}))
    );
}

#[test]
fn everything_else_is_an_expression() {
    for (written, text) in [
        ("String.substringBefore(user.login, '@')", r#"before(userName, "@")"#),
        ("substringAfter(user.login, \"@\")", r#"after(userName, "@")"#),
        ("String.substring(user.title, 0, 1) + user.lastName", "left(title, 1) + name.familyName"),
        ("String.substring(user.title, 2, 9)", "substr(title, 2, 7)"),
        (
            "String.substring(user.title, String.len(user.title)-20, String.len(user.title))",
            "right(title, 20)",
        ),
        ("String.substring(user.title, 3, String.len(user.title))", "substr(title, 3)"),
        ("String.removeSpaces(user.title)", r#"replace(title, " ", "")"#),
        (
            "String.replaceFirst(user.title, 'a', 'b')",
            r#"title.contains("a") ? before(title, "a") + "b" + after(title, "a") : title"#,
        ),
        (
            "String.stringSwitch(user.title, 'z', 'a', '1', 'b', '2')",
            r#"title.contains("a") ? "1" : title.contains("b") ? "2" : "z""#,
        ),
        ("String.join(',', user.title, user.locale)", r#"join([title, locale], ",")"#),
        (
            "user.department == 'Sales' OR !String.startsWith(user.title, 'x') ? 'a' : null",
            r#"department == "Sales" || !title.startsWith("x") ? "a" : null"#,
        ),
        (
            "(user.title == 'a' || user.title == 'b') && user.locale != 'de' ? 'x' : 'y'",
            r#"(title == "a" || title == "b") && locale != "de" ? "x" : "y""#,
        ),
        (
            "String.len(user.title) > 3 and user.title matches 'a.c' ? 1 : 2",
            r#"size(title) > 3 && matches(title, "^(?:a.c)$") ? 1 : 2"#,
        ),
        (
            "isMemberOfGroupName('Sales') ? 'a' : 'b'",
            r#"groups.exists(one, one.display == "Sales") ? "a" : "b""#,
        ),
        (
            "isMemberOfGroupNameStartsWith('S') ? 'a' : 'b'",
            r#"groups.exists(one, one.display.startsWith("S")) ? "a" : "b""#,
        ),
        ("Arrays.contains({'a', 'b'}, user.title)", r#"title in ["a", "b"]"#),
        ("Convert.toInt(user.employeeNumber)", "int(employeeNumber)"),
        ("user.employeeNumber == 123 ? 'a' : 'b'", r#"employeeNumber == "123" ? "a" : "b""#),
        (
            "user.title == 'a' ? 'x' : user.title == 'b' ? 'y' : 'z'",
            r#"title == "a" ? "x" : title == "b" ? "y" : "z""#,
        ),
        (
            "String.toUpperCase(user.title) + '-' + user.manager",
            r#"upper(title) + "-" + manager.displayName"#,
        ),
    ] {
        assert_eq!(
            imported(written),
            Ok(json!({"source": {"kind": "expression", "expression": text}})),
            "{written}"
        );
    }
}

#[test]
fn what_has_no_counterpart_is_named() {
    for (written, why) in [
        ("user.badge", "corresponds to user.badge"),
        ("firstName", "corresponds to firstName"),
        ("appuser.title", "account in another app (appuser)"),
        ("zendesk.title", "account in another app (zendesk)"),
        ("org.name", "Okta organization"),
        ("hasDirectoryUser() ? findDirectoryUser().mail : null", "account in another system"),
        ("findWorkdayUser().employeeID", "account in another system"),
        ("getManagerUser(\"active_directory\").firstName", "somebody else"),
        ("user.getLinkedObject('manager').lastName", "somebody else"),
        ("user.getInternalProperty(\"id\")", "id in the other directory"),
        ("user.getInternalProperty(\"status\")", "by itself"),
        ("isMemberOfGroup('00g1') ? 'a' : 'b'", "ids they have in Okta"),
        ("Time.now()", "when it is asked"),
        ("Iso3166Convert.toAlpha2(user.countryCode)", "list of countries"),
        ("user.getGroups({'group.type': {'OKTA_GROUP'}})", "character"),
        ("Groups.startsWith('OKTA', 'x', 100)", "list of groups"),
        ("Arrays.add({1}, 2)", "no function"),
        ("user.title > 'a' ? 1 : 2", "which is greater"),
        ("String.substring(user.title, 1, user.locale)", "no counterpart"),
        ("String.replaceFirst(user.title, 'a+', 'b')", "regular expression"),
        ("user.title.foo(1)", "no function"),
        ("user.firstName +", "At character 17"),
        ("'a' 'b'", "its end"),
        ("''", "never has a value"),
        ("", "no expression"),
        ("user.managerId + 'x'", "manager's account"),
    ] {
        let detail = imported(written).expect_err(written).to_lowercase();
        assert!(detail.contains(&why.to_lowercase()), "{written}: {detail}");
    }
}
