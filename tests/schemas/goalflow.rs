//! goalflow.json against goalflow's specification, section by section. This test decides nothing but whether the figures
//! are those of the specification; it is part of the schema tests.

use crate::{DAY_MS, NOW, fields, indexes, looks_at, names, said, schema};
use landfall::schema::{DeleteEdit, Dialect, Encrypt, FieldType, IdCollision, IdMode, MergePolicy, OnDelete, Operation, Written};
use serde_json::json;

// APP-1
#[test]
fn app_1_goalflow_stores_and_fields() {
    let schema = schema("goalflow.json");
    assert_eq!((schema.app.as_str(), schema.dialect, schema.id_mode), ("goalflow", Dialect::Native, IdMode::Uuid));
    let goal = schema.entity("goal").unwrap();
    let recognition = schema.entity("recognition").unwrap();
    // 4.2
    assert_eq!((goal.store.as_str(), goal.key.as_str()), ("goals", "id"));
    assert_eq!(indexes(goal), [("status", "status".into()), ("ownerId", "owner_id".into()), ("updatedAt", "updated_at".into())]);
    assert_eq!((recognition.store.as_str(), recognition.key.as_str()), ("recognitions", "id"));
    let expected = [("recipientId", "recipient_id"), ("senderId", "sender_id"), ("createdAt", "created_at")];
    assert_eq!(indexes(recognition), expected.map(|(name, path)| (name, path.to_owned())));
    // 4.2 and 4.3: 'goal|recognition|checkin'
    assert_eq!(schema.entity("checkin").unwrap().store, "checkins");
    assert!(
        names(goal)
            .is_superset(&["id", "title", "status", "progress", "owner_id", "due_date", "created_at", "updated_at"].into())
    );
    assert!(names(recognition).is_superset(&["id", "sender_id", "recipient_id", "message", "created_at"].into()));
    assert!(names(schema.entity("checkin").unwrap()).is_superset(&["goal_id", "progress", "notes", "created_at"].into()));
}

// APP-1, IDS-3
#[test]
fn app_1_goalflow_people() {
    let schema = schema("goalflow.json");
    let refers = |name: &str| {
        let all = schema.entity(name).unwrap().references().filter(|(_, to)| to.entity == "user_profile");
        all.map(|(path, to)| (path.join("."), to.on_delete)).collect::<Vec<_>>()
    };
    // 2 and 4.2: who owns, sends, receives, checks in; who leaves takes nothing along but cannot leave thanks without a name
    assert_eq!(refers("goal"), [("owner_id".to_owned(), OnDelete::SetNull)]);
    let expected = [("recipient_id", OnDelete::Restrict), ("sender_id", OnDelete::SetNull)];
    assert_eq!(refers("recognition"), expected.map(|(field, on_delete)| (field.to_owned(), on_delete)));
    assert_eq!(refers("checkin"), [("author_id".to_owned(), OnDelete::SetNull)]);
}

// APP-1
#[test]
fn app_1_goalflow_tiers() {
    let schema = schema("goalflow.json");
    let ago = |days: u64| landfall::time::Millis(NOW.0 - days * DAY_MS).iso();
    let table = [
        // 3.1.2, tier 1: user profile, active goals, recent recognitions, team structure
        ("user_profile", json!({}), 1),
        ("goal", json!({"status": "active"}), 1),
        ("recognition", json!({"created_at": ago(3)}), 1),
        ("team", json!({}), 1),
        // Tier 2: goal history, recognition feed, check-in history, skills
        ("goal", json!({"status": "done"}), 2),
        ("goal_history", json!({}), 2),
        ("recognition", json!({"created_at": ago(60)}), 2),
        ("checkin", json!({"created_at": ago(60)}), 2),
        ("skill", json!({}), 2),
        // Tier 3: archived goals, old recognitions, analytics data, admin settings
        ("goal", json!({"status": "archived"}), 3),
        ("recognition", json!({"created_at": ago(91)}), 3),
        ("checkin", json!({"created_at": ago(91)}), 3),
        ("analytics", json!({"at": ago(0)}), 3),
        ("admin_setting", json!({}), 3),
    ];
    for (entity, record, tier) in table {
        assert_eq!(schema.entity(entity).unwrap().tier_of(&fields(record.clone()), NOW, "ann"), tier, "{entity} {record}");
    }
}

// APP-1, SPC-1, SPC-2
#[test]
fn app_1_goalflow_space() {
    let schema = schema("goalflow.json");
    let limit = |entity: &str| schema.entity(entity).unwrap().limit_bytes;
    // 3.4.1
    assert_eq!(schema.space.total_bytes, 50 << 20);
    assert_eq!((limit("goal"), limit("recognition")), (Some(10 << 20), Some(15 << 20)));
    assert_eq!(schema.space.warn_at, [0.8, 0.95]);
    // 4.4
    let order = ["old_analytics", "archived_goals", "old_recognitions", "old_checkins", "cached_images"];
    assert_eq!(schema.space.cleanup, order);
    // Each name is a tier rule that says what it is.
    let rule = |name: &str| {
        let rules = schema.entities.values().flat_map(|entity| &entity.tier_rules);
        said(&rules.into_iter().find(|rule| rule.name == name).unwrap().when)
    };
    assert_eq!(rule("archived_goals"), ["status in archived"]);
    assert_eq!(rule("old_recognitions"), ["created_at older than 90 days"]);
    assert_eq!(rule("old_checkins"), ["created_at older than 90 days"]);
    assert_eq!(rule("old_analytics"), ["at older than 30 days"]);
    // 3.1.3
    assert_eq!(schema.space.keep_ms, 30 * DAY_MS);
}

// APP-1, QUE-2
#[test]
fn app_1_goalflow_priorities() {
    let schema = schema("goalflow.json");
    assert_eq!(schema.priority_levels, 3);
    let none = fields(json!({}));
    let table: [(&str, Operation, &[&str], u8, bool); 7] = [
        ("alert", Operation::Create, &["title"], 1, true),
        ("goal", Operation::Update, &["status"], 1, false),
        ("goal", Operation::Update, &["title"], 2, false),
        ("recognition", Operation::Create, &["message"], 2, false),
        ("checkin", Operation::Create, &["notes"], 2, false),
        ("user_profile", Operation::Update, &["phone"], 3, false),
        ("analytics", Operation::Create, &["event"], 3, false),
    ];
    for (entity, operation, changed, priority, critical) in table {
        let write = Written { operation, changed, record: &none, now: NOW, user: "ann" };
        assert_eq!(
            (schema.priority(entity, &write), schema.critical(entity, &write)),
            (priority, critical),
            "{entity} {changed:?}"
        );
    }
}

// APP-1, SYN-5
#[test]
fn app_1_goalflow_sync() {
    let sync = schema("goalflow.json").sync;
    // 3.2.1
    let on = &sync.triggers;
    assert!(on.online && on.background && on.periodic && on.manual && on.push);
    assert_eq!(on.stale_ms, sync.full_every_ms, "3.2.2: a start is incremental; only what is a week old is loaded anew");
    // 3.2.2: full weekly; adaptive by network (7.4: and power)
    assert_eq!(sync.full_every_ms, 7 * DAY_MS);
    assert!(["network", "battery_below", "saver"].iter().all(|what| looks_at(&sync, what)));
    // 3.2.3: batches, exponential backoff
    assert_eq!((sync.batch.ops, sync.batch.time_ms), (100, 30_000));
    assert!(sync.retry.schedule_ms.is_sorted() && sync.retry.schedule_ms[0] == 0 && sync.retry.jitter > 0.0);
}

// APP-1, CON-3
#[test]
fn app_1_goalflow_conflicts_and_offline() {
    let schema = schema("goalflow.json");
    let goal = schema.entity("goal").unwrap();
    // 3.3.2: merge, last write wins, manual, server arbitration
    assert_eq!(goal.policy("title"), &MergePolicy::LastWriteWins);
    assert_eq!(goal.policy("description"), &MergePolicy::Merge);
    assert_eq!(goal.policy("strategy"), &MergePolicy::Manual);
    assert!(matches!(goal.policy("weight"), MergePolicy::Arbitrate(_)));
    assert_eq!((goal.fields["tags"].kind, goal.policy("tags")), (FieldType::Set, &MergePolicy::Merge));
    assert_eq!(goal.fields["key_results"].item_key.as_deref(), Some("id"));
    assert!(goal.notify);
    // 3.3.1: deleted here, edited there; one id twice
    assert_eq!((goal.delete_edit, goal.id_collision), (DeleteEdit::Manual, IdCollision::NewId));
    // 3.3.3: offline edit time limits for time-sensitive data
    assert!(["checkin", "alert"].iter().all(|name| schema.entity(name).unwrap().edit_limit_ms == Some(7 * DAY_MS)));
    // 3.5.2: unavailable or queued offline
    let offline: Vec<_> = schema.online_only.iter().map(|online| (online.feature.as_str(), online.queue)).collect();
    assert_eq!(offline, [("analytics_reports", false), ("admin", false), ("presence", false), ("export", true)]);
    assert!(schema.entity("admin_setting").unwrap().read_only && schema.entity("team").unwrap().read_only);
    // 8.1: encrypted storage for sensitive data
    assert_eq!(schema.security.encrypt, Encrypt::Fields);
    let sensitive = |entity: &str, field: &str| schema.entity(entity).unwrap().fields[field].sensitive;
    assert!(sensitive("user_profile", "email") && sensitive("checkin", "notes") && !sensitive("goal", "title"));
}

// APP-1, STO-9
#[test]
fn app_1_goalflow_takes_the_records_of_its_specification() {
    let schema = schema("goalflow.json");
    let goal = schema.entity("goal").unwrap();
    let record = goal.with_defaults(&fields(json!({"title": "Ship it"})));
    assert_eq!((goal.check_record("goal", &record), &record["status"]), (Ok(()), &json!("open")));
    let checkin = fields(json!({"goal_id": "g1", "progress": 40, "notes": "half", "created_at": "2025-12-12T08:00:00Z"}));
    let entity = schema.entity("checkin").unwrap();
    assert_eq!(entity.check_record("checkin", &checkin), Ok(()));
    assert_eq!(entity.referred(&checkin), [("goal", "g1", "goal_id".to_owned())]);
}
