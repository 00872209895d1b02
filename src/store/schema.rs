//! The tables of `migrations/`, with types that fit both databases.
//!
//! Written by hand, because each database has its own word for an id; a test compares this file
//! with what each database reports after migrating.

#![allow(missing_docs, reason = "the columns are explained where they are made, in `migrations/`")]
#![allow(clippy::wildcard_imports, reason = "the macro looks types up by their bare names")]

/// SQL types of the tables below.
pub mod types {
    pub use super::super::connection::Id;
    pub use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, Text};
}

diesel::table! {
    use super::types::*;

    organization (id) {
        #[sql_name = "organization"]
        id -> BigInt,
        slug -> Text,
        name -> Text,
        admin_id -> Nullable<Id>,
        created_us -> BigInt,
        registry -> BigInt,
    }
}

diesel::table! {
    use super::types::*;

    schema_definition (organization, urn) {
        organization -> BigInt,
        urn -> Text,
        document -> Text,
        created_us -> BigInt,
        modified_us -> BigInt,
    }
}

diesel::table! {
    use super::types::*;

    index_build (organization, urn, attribute) {
        organization -> BigInt,
        urn -> Text,
        attribute -> Text,
        kind -> Text,
        state -> Text,
        paths -> Text,
        after_id -> Nullable<Id>,
    }
}

diesel::table! {
    use super::types::*;

    resource (organization, id) {
        organization -> BigInt,
        id -> Id,
        kind -> Text,
        version -> BigInt,
        user_name -> Nullable<Text>,
        external_id -> Nullable<Text>,
        display -> Nullable<Text>,
        label -> Nullable<Text>,
        active -> Nullable<Bool>,
        doc -> Text,
        created_us -> BigInt,
        modified_us -> BigInt,
    }
}

diesel::table! {
    use super::types::*;

    attribute (organization, kind, path, key, resource_id, element) {
        organization -> BigInt,
        kind -> Text,
        path -> Text,
        key -> Text,
        resource_id -> Id,
        element -> Integer,
        rest -> Nullable<Text>,
    }
}

diesel::table! {
    use super::types::*;

    member (organization, group_id, member_id) {
        organization -> BigInt,
        group_id -> Id,
        member_id -> Id,
        member_kind -> Text,
        since_us -> BigInt,
    }
}

diesel::table! {
    use super::types::*;

    change (organization, id) {
        organization -> BigInt,
        id -> Id,
        position -> Nullable<BigInt>,
        at_us -> BigInt,
        kind -> Text,
        resource_id -> Id,
        op -> Text,
        version -> BigInt,
        actor -> Text,
        members -> Nullable<Text>,
    }
}

diesel::table! {
    use super::types::*;

    audit (organization, id) {
        organization -> BigInt,
        id -> Id,
        at_us -> BigInt,
        actor -> Text,
        action -> Text,
        subject -> Text,
        detail -> Nullable<Text>,
    }
}

diesel::table! {
    use super::types::*;

    app (organization, id) {
        organization -> BigInt,
        id -> Id,
        name -> Text,
        adapter -> Text,
        settings -> Text,
        scope -> Nullable<Text>,
        policy -> Text,
        enabled -> Bool,
        paused -> Nullable<Text>,
        paused_by -> Nullable<Text>,
        paused_until_us -> Nullable<BigInt>,
        reconciled_us -> Nullable<BigInt>,
        mapping -> BigInt,
        sample_id -> Nullable<Id>,
        revision -> BigInt,
        created_us -> BigInt,
        modified_us -> BigInt,
        unsynced_us -> Nullable<BigInt>,
        waking_after -> Nullable<Id>,
        doubt -> Nullable<Text>,
    }
}

diesel::table! {
    use super::types::*;

    mapping (organization, app_id, version) {
        organization -> BigInt,
        app_id -> Id,
        version -> BigInt,
        document -> Text,
        author -> Text,
        note -> Nullable<Text>,
        at_us -> BigInt,
    }
}

diesel::table! {
    use super::types::*;

    secret (organization, owner, name) {
        organization -> BigInt,
        owner -> Text,
        name -> Text,
        key_id -> Text,
        sealed -> Binary,
        modified_us -> BigInt,
    }
}

diesel::table! {
    use super::types::*;

    assignment (organization, app_id, resource_id) {
        organization -> BigInt,
        app_id -> Id,
        resource_id -> Id,
        kind -> Text,
        fields -> Text,
        author -> Text,
        assigned_us -> BigInt,
        modified_us -> BigInt,
    }
}

diesel::table! {
    use super::types::*;

    account_reference (organization, app_id, resource_id, target_id) {
        organization -> BigInt,
        app_id -> Id,
        resource_id -> Id,
        target_id -> Id,
    }
}

diesel::table! {
    use super::types::*;

    link (organization, app_id, resource_id) {
        organization -> BigInt,
        app_id -> Id,
        resource_id -> Id,
        kind -> Text,
        remote_id -> Nullable<Text>,
        state -> Text,
        origin -> Text,
        record -> Nullable<Text>,
        record_hash -> Nullable<Text>,
        pushed_version -> Nullable<BigInt>,
        pushed_us -> Nullable<BigInt>,
        leaving_us -> Nullable<BigInt>,
        seen_us -> Nullable<BigInt>,
        drift -> Nullable<Text>,
        mapping -> Nullable<BigInt>,
        righted -> Nullable<Text>,
    }
}

diesel::table! {
    use super::types::*;

    link_member (organization, app_id, group_id, member_id) {
        organization -> BigInt,
        app_id -> Id,
        group_id -> Id,
        member_id -> Id,
        remote_id -> Text,
    }
}

diesel::table! {
    use super::types::*;

    member_push (organization, app_id, group_id, member_id) {
        organization -> BigInt,
        app_id -> Id,
        group_id -> Id,
        member_id -> Id,
        mark -> BigInt,
    }
}

diesel::table! {
    use super::types::*;

    job (organization, app_id, resource_id) {
        organization -> BigInt,
        app_id -> Id,
        resource_id -> Id,
        kind -> Text,
        generation -> BigInt,
        state -> Text,
        priority -> Integer,
        run_at_us -> BigInt,
        attempts -> Integer,
        lease_us -> Nullable<BigInt>,
        fence -> BigInt,
        run_id -> Nullable<Id>,
        error -> Nullable<Text>,
        approved -> Bool,
        allowed_deactivations -> BigInt,
        allowed_deletions -> BigInt,
        allowed_memberships -> BigInt,
        counted -> BigInt,
        counted_limit -> Nullable<Text>,
        counted_us -> Nullable<BigInt>,
        held -> BigInt,
        held_limit -> Nullable<Text>,
        in_doubt -> Bool,
    }
}

diesel::table! {
    use super::types::*;

    attempt (organization, id) {
        organization -> BigInt,
        id -> Id,
        app_id -> Id,
        resource_id -> Id,
        kind -> Text,
        run_id -> Nullable<Id>,
        action -> Text,
        outcome -> Text,
        fields -> Text,
        detail -> Nullable<Text>,
        took_us -> BigInt,
        at_us -> BigInt,
        cause -> Nullable<Text>,
        remedy -> Nullable<Text>,
        next_us -> Nullable<BigInt>,
        wire -> Nullable<Text>,
    }
}

diesel::table! {
    use super::types::*;

    run (organization, id) {
        organization -> BigInt,
        id -> Id,
        app_id -> Id,
        state -> Text,
        total -> BigInt,
        done -> BigInt,
        failed -> BigInt,
        summary -> Text,
        started_us -> BigInt,
        finished_us -> Nullable<BigInt>,
        kind -> Text,
        author -> Text,
        confirm -> Bool,
        seen -> BigInt,
        read -> BigInt,
        held -> Nullable<Text>,
        confirmed_us -> Nullable<BigInt>,
        approved_by -> Nullable<Text>,
        approved_us -> Nullable<BigInt>,
        note -> Nullable<Text>,
        believed_us -> Nullable<BigInt>,
        planned_us -> Nullable<BigInt>,
    }
}

diesel::table! {
    use super::types::*;

    run_item (organization, run_id, resource_id) {
        organization -> BigInt,
        run_id -> Id,
        resource_id -> Id,
        kind -> Text,
        action -> Text,
        digest -> Text,
        state -> Text,
        deactivations -> BigInt,
        deletions -> BigInt,
        memberships -> BigInt,
    }
}

diesel::table! {
    use super::types::*;

    run_loss (organization, run_id, resource_id) {
        organization -> BigInt,
        run_id -> Id,
        resource_id -> Id,
        kind -> Text,
        remote_id -> Text,
        since_us -> BigInt,
    }
}

diesel::table! {
    use super::types::*;

    former_account (organization, resource_id, app_id) {
        organization -> BigInt,
        resource_id -> Id,
        app_id -> Id,
        remote_id -> Text,
    }
}

diesel::table! {
    use super::types::*;

    stray_account (organization, app_id, kind, remote_id) {
        organization -> BigInt,
        app_id -> Id,
        kind -> Text,
        remote_id -> Text,
        label -> Text,
        match_key -> Text,
        active -> Nullable<Bool>,
        seen_us -> BigInt,
    }
}

diesel::table! {
    use super::types::*;

    removal_count (organization, app_id, slot) {
        organization -> BigInt,
        app_id -> Id,
        slot -> BigInt,
        deactivations -> BigInt,
        deletions -> BigInt,
        memberships -> BigInt,
    }
}

diesel::table! {
    use super::types::*;

    health (organization, app_id) {
        organization -> BigInt,
        app_id -> Id,
        state -> Text,
        since_us -> BigInt,
        until_us -> Nullable<BigInt>,
        reason -> Nullable<Text>,
        learned -> Nullable<BigInt>,
        requests -> BigInt,
        places -> BigInt,
        noted_us -> BigInt,
    }
}

diesel::table! {
    use super::types::*;

    notification (organization, id) {
        organization -> BigInt,
        id -> Id,
        name -> Text,
        url -> Text,
        events -> Nullable<Text>,
        apps -> Nullable<Text>,
        enabled -> Bool,
        disabled -> Nullable<Text>,
        created_us -> BigInt,
        modified_us -> BigInt,
    }
}

diesel::table! {
    use super::types::*;

    delivery (organization, notification_id, id) {
        organization -> BigInt,
        notification_id -> Id,
        id -> Id,
        event -> Text,
        app_id -> Nullable<Id>,
        state -> Text,
        body -> Text,
        at_us -> BigInt,
        due_us -> Nullable<BigInt>,
        attempts -> Integer,
        status -> Nullable<Integer>,
        error -> Nullable<Text>,
        ended_us -> Nullable<BigInt>,
    }
}

diesel::table! {
    use super::types::*;

    parked_notice (organization, notification_id, app_id, id) {
        organization -> BigInt,
        notification_id -> Id,
        app_id -> Id,
        id -> Id,
        resource_id -> Id,
        kind -> Text,
        cause -> Text,
        due_us -> BigInt,
    }
}

diesel::table! {
    use super::types::*;

    sandbox_account (organization, app_id, kind, remote_id) {
        organization -> BigInt,
        app_id -> Id,
        kind -> Text,
        remote_id -> Text,
        match_key -> Text,
        active -> Bool,
        record -> Text,
        members -> Text,
    }
}

diesel::table! {
    use super::types::*;

    client (organization, id) {
        organization -> BigInt,
        id -> Id,
        name -> Text,
        dialect -> Text,
        created_us -> BigInt,
        disabled_us -> Nullable<BigInt>,
    }
}

diesel::table! {
    use super::types::*;

    token (organization, hash) {
        organization -> BigInt,
        hash -> Binary,
        prefix -> Text,
        client_id -> Id,
        scopes -> Text,
        created_us -> BigInt,
        expires_us -> Nullable<BigInt>,
        used_us -> Nullable<BigInt>,
        subject_id -> Nullable<Id>,
    }
}

diesel::table! {
    use super::types::*;

    leniency (organization, client_id, name) {
        organization -> BigInt,
        client_id -> Id,
        name -> Text,
        uses -> BigInt,
        used_us -> BigInt,
    }
}

diesel::table! {
    use super::types::*;

    lease (name) {
        name -> Text,
        holder -> Id,
        expires_us -> BigInt,
        fence -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    organization,
    schema_definition,
    index_build,
    resource,
    attribute,
    member,
    change,
    audit,
    app,
    mapping,
    secret,
    assignment,
    account_reference,
    link,
    link_member,
    member_push,
    job,
    attempt,
    run,
    health,
    notification,
    delivery,
    parked_notice,
    sandbox_account,
    client,
    token,
    leniency,
    lease,
);
