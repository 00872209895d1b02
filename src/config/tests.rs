use super::*;

/// Writes a file and reads it.
fn read(text: &str, flags: &Flags) -> Result<Loaded, Error> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rollcall.toml");
    std::fs::write(&path, text).unwrap();
    load(Some(&path), flags)
}

#[test]
fn flags_win_over_the_file_and_the_file_over_defaults() {
    let flags = Flags { listen: Some("127.0.0.1:9".parse().unwrap()), ..Flags::default() };
    let loaded = read("listen = \"0.0.0.0:1\"\nlog = \"debug\"\n", &flags).unwrap();
    assert_eq!(loaded.config.listen.port(), 9);
    assert_eq!(loaded.config.log, "debug");
    assert_eq!(loaded.config.body_limit, Config::default().body_limit);
    let origin = |key: &str| {
        loaded.origins.iter().find(|(name, _, _)| *name == key).map(|(_, _, from)| from.clone())
    };
    assert_eq!(origin("listen").unwrap(), "flag");
    assert!(origin("log").unwrap().ends_with("rollcall.toml"));
    assert_eq!(origin("body_limit").unwrap(), "default");
}

#[test]
fn every_key_is_listed() {
    let value = serde_json::to_value(Config {
        public_url: Some("https://x".into()),
        key_file: Some("k".into()),
        ..Config::default()
    })
    .unwrap();
    let mut keys = Vec::new();
    for (key, value) in value.as_object().unwrap() {
        match value.as_object() {
            Some(table) => keys.extend(table.keys().map(|inner| format!("{key}.{inner}"))),
            None => keys.push(key.clone()),
        }
    }
    assert_eq!(keys, KEYS);
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest() {
    let error = read("databse_url = \"x\"\n", &Flags::default()).unwrap_err().to_string();
    assert!(error.contains("databse_url") && error.contains("\"database_url\""), "{error}");
}

#[test]
fn a_table_has_keys_of_its_own() {
    let loaded = read("[retention]\nattempts = 7\naudit = 0\n", &Flags::default()).unwrap();
    assert_eq!(loaded.config.retention.attempts, 7);
    assert_eq!(loaded.config.retention.audit, 0);
    assert_eq!(loaded.config.retention.runs, Retention::default().runs);
    let origin = |key: &str| loaded.origins.iter().find(|(name, _, _)| *name == key).cloned();
    let (_, value, from) = origin("retention.attempts").unwrap();
    assert!(value == "7" && from.ends_with("rollcall.toml"), "{value} {from}");
    assert_eq!(origin("retention.runs").unwrap().2, "default");
    let error = read("[retention]\nattempt = 7\n", &Flags::default()).unwrap_err().to_string();
    assert!(error.contains("\"attempt\"") && error.contains("retention.attempts"), "{error}");
    for (key, name) in [
        ("retention.attempts", "ROLLCALL_RETENTION_ATTEMPTS"),
        ("body_limit", "ROLLCALL_BODY_LIMIT"),
    ] {
        assert_eq!(variable(key), name);
        assert_eq!(key_of(name.trim_start_matches("ROLLCALL_")), key);
    }
}

#[test]
fn a_wrong_value_names_its_key() {
    for (text, key) in [
        ("listen = \"somewhere\"", "listen"),
        ("body_limit = 1", "body_limit"),
        ("large_body_limit = 5000", "large_body_limit"),
        ("public_url = \"rollcall.example\"", "public_url"),
        ("app_concurrency = 0", "app_concurrency"),
        ("log_format = \"xml\"", "log_format"),
        ("[retention]\nruns = -1", "retention.runs"),
    ] {
        let error = read(text, &Flags::default()).unwrap_err().to_string();
        assert!(error.contains(key), "{text}: {error}");
    }
    assert!(load(Some(Path::new("/nowhere/rollcall.toml")), &Flags::default()).is_err());
}

#[test]
fn a_password_is_not_shown() {
    for url in [
        "postgres://rollcall:hunter2@db/rollcall",
        "postgres://rollcall@db/rollcall?password=hunter2",
        "host=db user=rollcall password=hunter2",
    ] {
        let loaded = read(&format!("database_url = {url:?}"), &Flags::default()).unwrap();
        assert!(loaded.origins.iter().all(|(_, value, _)| !value.contains("hunter2")), "{url}");
        assert_eq!(loaded.config.database_url, url);
    }
}

#[test]
fn the_key_file_lies_beside_the_database() {
    let config =
        Config { database_url: "sqlite:/var/lib/rollcall/r.db".into(), ..Config::default() };
    assert_eq!(config.key_path(), Path::new("/var/lib/rollcall/r.key"));
}

#[test]
fn who_listens_everywhere_is_told_to_say_where() {
    let config = Config { listen: "0.0.0.0:80".parse().unwrap(), ..Config::default() };
    assert_eq!(config.base_url(), "http://127.0.0.1:80");
    assert_eq!(config.doubts().len(), 1);
    let named = Config { public_url: Some("https://x/".into()), ..config };
    assert_eq!((named.base_url().as_str(), named.doubts().len()), ("https://x", 0));
}
