//! What a person reads when the server has started.

/// Where it listens and where the guide is.
pub(super) fn started(base: &str, database: &str) -> String {
    format!(
        "Rollcall {version} listens on {base}\n\
         \x20 SCIM       {base}/scim/v2\n\
         \x20 Admin API  {base}/api/v1   (described by {base}/api/v1/openapi.json)\n\
         \x20 Database   {database}\n\
         \x20 Guide      {base}/\n",
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// A ready token, and three lines to paste, for an empty database.
pub(super) fn first_steps(base: &str, token: &str) -> String {
    let auth = "-H \"Authorization: Bearer $TOKEN\"";
    format!(
        "\nThe database is new. This token is shown once (revoke it with: rollcall token revoke first-start):\n\n\
         TOKEN={token}\n\n\
         Paste these to push a person, set up the built-in sandbox app, and see the person there:\n\n\
         curl -s {auth} -H 'Content-Type: application/scim+json' {base}/scim/v2/Users -d '{person}'; echo\n\
         curl -s {auth} -H 'Content-Type: application/json' {base}/api/v1/apps -d '{app}'; echo\n\
         curl -s {auth} '{base}/api/v1/apps/sandbox/accounts?wait=5'; echo\n\n",
        person = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"william.woods@zylker.example","name":{"givenName":"William","familyName":"Woods"},"title":"Technician","emails":[{"value":"william.woods@zylker.example","type":"work","primary":true}]}"#,
        app = r#"{"name":"sandbox","adapter":"sandbox","enabled":true}"#,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_steps_are_three_lines_of_valid_json() {
        let text = first_steps("http://127.0.0.1:8080", "rc_1_x");
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("curl ")).collect();
        assert_eq!(lines.len(), 3);
        for line in &lines[..2] {
            let body = line.split("-d '").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
            assert!(serde_json::from_str::<serde_json::Value>(body).unwrap().is_object());
        }
    }
}
