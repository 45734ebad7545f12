//! dcmms.json against dCMMS's specification, section by section. This test decides nothing but whether the figures are
//! those of the specification; it is part of the schema tests.

use crate::{DAY_MS, MINUTE_MS, NOW, fields, names, policies, said, schema};
use landfall::schema::{Dialect, Encrypt, IdMode, MergePolicy, OnDelete, Operation, Written};
use serde_json::{Value, json};

// APP-1
#[test]
fn app_1_dcmms_tables() {
    let schema = schema("dcmms.json");
    assert_eq!((schema.app.as_str(), schema.dialect, schema.id_mode), ("dcmms", Dialect::Dcmms, IdMode::Temp));
    // 2.2, every column but those of the engine's own (`_version`, `_synced`, …).
    let table = [
        (
            "work-order",
            "work_orders",
            "workOrderId siteId assetId type title description priority status assignedTo scheduledStart scheduledEnd tasks \
             partsRequired partsUsed laborRecords attachments",
        ),
        ("asset", "assets", "assetId siteId type category manufacturer model status location"),
        ("inventory", "inventory", "partId description quantityAvailable unit"),
        (
            "attachment",
            "pending_attachments",
            "attachmentId workOrderId localFilePath fileName fileSize mimeType description attachmentType capturedAt capturedBy \
             location",
        ),
        ("user_profile", "user_profile", "userId email firstName lastName role skills siteIds"),
    ];
    for (name, store, columns) in table {
        let entity = schema.entity(name).unwrap();
        let columns: Vec<_> = columns.split_whitespace().collect();
        assert_eq!((entity.store.as_str(), entity.key.as_str()), (store, columns[0]), "{name}");
        let missing: Vec<_> = columns.iter().filter(|column| !names(entity).contains(*column)).collect();
        assert!(missing.is_empty(), "{name} lacks {missing:?}");
    }
    // "URLs for synced, local paths for pending"
    let files = &schema.entity("work-order").unwrap().fields["attachments"].items.as_ref().unwrap().fields;
    assert!(files.contains_key("url") && files.contains_key("localPath"));
    // NOT NULL
    let order = schema.entity("work-order").unwrap();
    let required: Vec<_> = order.fields.iter().filter(|(_, field)| field.required).map(|(name, _)| name.as_str()).collect();
    assert_eq!(required, ["priority", "siteId", "status", "title", "type", "workOrderId"]);
    // FOREIGN KEY, and what `assetId` means
    assert_eq!(order.fields["assetId"].reference.as_ref().unwrap().entity, "asset");
    let part = schema.entity("attachment").unwrap().fields["workOrderId"].reference.clone().unwrap();
    assert_eq!((part.entity.as_str(), part.on_delete, part.part_of), ("work-order", OnDelete::Cascade, true));
    // "read-only cache"
    for (name, read_only) in [("asset", true), ("inventory", true), ("user_profile", true), ("work-order", false)] {
        assert_eq!(schema.entity(name).unwrap().read_only, read_only, "{name}");
    }
}

// APP-1, STO-7
#[test]
fn app_1_dcmms_partitioning() {
    let schema = schema("dcmms.json");
    let rules = |name: &str| &schema.entities[name].partition;
    // 2.3
    let orders = rules("work-order");
    assert_eq!(orders.len(), 4);
    assert_eq!(orders[3].roles, ["supervisor", "admin"], "2.3 is about technicians");
    assert_eq!(said(&orders[0].when), ["assignedTo in $user", "status in assigned|in-progress|on-hold"]);
    assert_eq!(said(&orders[1].when), ["createdBy in $user", "createdAt within 30 days"]);
    assert!(orders[2].selected, "selective sync: the user picks work orders");
    assert_eq!(rules("asset")[0].referenced_by, ["work-order.assetId"]);
    assert_eq!(said(&rules("inventory")[0].when), ["siteId in $sites"]);
    assert_eq!(rules("inventory")[0].fields, ["partId", "description", "quantityAvailable", "unit"], "quantities only");
    assert_eq!(said(&rules("user_profile")[0].when), ["userId in $user"]);
    assert_eq!(rules("attachment")[0].refers_to, ["workOrderId"]);
    // "server-only", "too large"
    let inventory = schema.entity("inventory").unwrap();
    assert!(inventory.fields["siteId"].server_only && inventory.fields["unitCost"].server_only);
    assert!(!schema.entities.contains_key("telemetry") && schema.online_only.iter().any(|online| online.feature == "telemetry"));
    let me = |status: &str, to: &str| fields(json!({"status": status, "assignedTo": to}));
    let takes = |record| orders[0].when.iter().all(|test| test.holds(&record, NOW, "ann"));
    assert!(takes(me("assigned", "ann")) && !takes(me("assigned", "bob")) && !takes(me("closed", "ann")));
}

// APP-1, CON-3, CON-6
#[test]
fn app_1_dcmms_policies() {
    let schema = schema("dcmms.json");
    let order = schema.entity("work-order").unwrap();
    // 4.2, 1: the default; asset status, scheduled dates; "user notified of conflict"
    assert_eq!((&order.merge, order.notify), (&MergePolicy::ServerWins, true));
    let fields = ["assetStatus", "scheduledStart", "scheduledEnd", "title"];
    assert_eq!(policies(order, &fields), [&MergePolicy::ServerWins; 4]);
    // … one rule that the server decides by: work began when it first began
    assert_eq!(order.policy("actualStart"), &MergePolicy::Arbitrate("least".to_owned()));
    assert_eq!(schema.entity("asset").unwrap().policy("status"), &MergePolicy::ServerWins);
    // … work order status, if changed by a supervisor; else 2: the technician's
    let rule = &order.fields["status"].merge_rules[0];
    assert_eq!((&rule.policy, rule.notify, rule.backup), (&MergePolicy::ServerWins, true, true));
    assert!(rule.server_roles.contains(&"supervisor".to_owned()) && !rule.server_roles.contains(&"technician".to_owned()));
    assert_eq!(policies(order, &["status", "actualEnd"]), [&MergePolicy::ClientWins; 2]);
    // 2 and 3: work done is merged element by element, and within an element the client wins
    for name in ["tasks", "partsUsed", "laborRecords", "attachments", "measurements"] {
        let field = &order.fields[name];
        assert_eq!((order.policy(name), field.item_key.is_some()), (&MergePolicy::Merge, true), "{name}");
        assert_eq!(field.items.as_ref().unwrap().merge, Some(MergePolicy::ClientWins), "{name}");
    }
    assert_eq!(order.fields["partsUsed"].item_key.as_deref(), Some("partId"));
    // 4
    assert_eq!(policies(order, &["rootCause", "completionNotes"]), [&MergePolicy::Manual; 2]);
    assert_eq!(schema.roles.keys().collect::<Vec<_>>(), ["admin", "supervisor", "technician"]);
}

/// A write of the table of 5.2: what it is, the entity, what it does, the fields it changes, the record.
type Row = (u8, &'static str, &'static str, Operation, &'static [&'static str], Value);

fn rows() -> Vec<Row> {
    use Operation::{Create, Update};
    let order = "work-order";
    vec![
        (1, "emergency work order creation", order, Create, &["type", "title"], json!({"type": "emergency"})),
        (1, "safety incident", order, Create, &["type", "title"], json!({"type": "safety"})),
        (1, "emergency by its priority", order, Create, &["priority"], json!({"type": "corrective", "priority": "emergency"})),
        (2, "critical status change: asset failed → operational", order, Update, &["assetStatus"], json!({})),
        (2, "the same on the asset", "asset", Update, &["status"], json!({"status": "operational"})),
        (3, "work order completion", order, Update, &["status", "actualEnd", "partsUsed"], json!({"status": "completed"})),
        (4, "parts consumption", order, Update, &["partsUsed"], json!({"status": "in-progress"})),
        (4, "parts and a status", order, Update, &["partsUsed", "status"], json!({"status": "on-hold"})),
        (5, "standard update: task status", order, Update, &["tasks"], json!({"status": "in-progress"})),
        (5, "standard update beside labor time", order, Update, &["laborRecords", "tasks"], json!({})),
        (5, "standard creation", order, Create, &["type", "laborRecords"], json!({"type": "corrective", "priority": "high"})),
        (5, "standard status change", order, Update, &["status"], json!({"status": "in-progress"})),
        (5, "deletion", order, Operation::Delete, &[], json!({"status": "completed"})),
        (6, "labor time: clock in", order, Update, &["laborRecords"], json!({"status": "in-progress"})),
        (7, "photos named on the order", order, Update, &["attachments"], json!({"status": "in-progress"})),
        (7, "photo", "attachment", Create, &["fileName"], json!({"attachmentType": "photo"})),
        (8, "document", "attachment", Create, &["fileName"], json!({"attachmentType": "document"})),
        (8, "other files", "attachment", Create, &["fileName"], json!({"attachmentType": "video"})),
        (9, "custom fields", order, Update, &["customFields"], json!({"status": "in-progress"})),
        (10, "usage tracking", "usage-event", Create, &["event"], json!({})),
    ]
}

// APP-1, QUE-2
#[test]
fn app_1_dcmms_all_ten_priorities() {
    let schema = schema("dcmms.json");
    assert_eq!(schema.priority_levels, 10);
    for (priority, what, entity, operation, changed, record) in rows() {
        let record = fields(record);
        let write = Written { operation, changed, record: &record, now: NOW, user: "ann" };
        assert_eq!(schema.priority(entity, &write), priority, "{what}");
        // 5.1, critical action: work order status change, emergency
        let critical = priority <= 3 || changed.contains(&"status");
        assert_eq!(schema.critical(entity, &write), critical, "{what}");
    }
    let proven: std::collections::BTreeSet<u8> = rows().into_iter().map(|row| row.0).collect();
    assert_eq!(proven.into_iter().collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
}

// APP-1, SYN-5, QUE-6, SYN-16
#[test]
fn app_1_dcmms_sync() {
    let sync = schema("dcmms.json").sync;
    let on = &sync.triggers;
    // 5.1
    assert_eq!((on.start, on.stale_ms), (true, 60 * MINUTE_MS));
    assert_eq!((on.foreground, on.background_ms), (true, 5 * MINUTE_MS));
    assert_eq!((on.manual, on.interval_ms, on.online, on.critical), (true, 15 * MINUTE_MS, true, true));
    // 3.1 C: background sync
    assert!(on.background && on.periodic);
    // 7.2
    assert_eq!(sync.retry.schedule_ms, [0, 5_000, 10_000, 30_000, 60_000, 300_000]);
    assert_eq!(sync.retry.max_attempts, 10);
    // 1.1
    assert_eq!(sync.offline_ms, 7 * DAY_MS);
    assert!(sync.ledger_kept_ms >= 30 * DAY_MS);
    // 6.2
    let files = schema("dcmms.json").attachments;
    assert_eq!((files.entity.as_deref(), files.image_max_px, files.image_quality), (Some("attachment"), 1920, 0.8));
    assert!(files.thumbnails_metered && sync.wifi_only && files.max_bytes >= 5 << 20);
}

// APP-1, SPC-4, SEC-1
#[test]
fn app_1_dcmms_retention_states_and_security() {
    let schema = schema("dcmms.json");
    let order = schema.entity("work-order").unwrap();
    // 8.4; the attachments go with their work order (`part_of`)
    assert_eq!((order.retention.len(), order.retention[0].keep_ms), (1, 90 * DAY_MS));
    assert_eq!(said(&order.retention[0].when), ["status in closed|cancelled"]);
    // 8.1
    assert_eq!(schema.security.encrypt, Encrypt::All);
    assert!(order.fields["rootCause"].sensitive && schema.entities["user_profile"].fields["email"].sensitive);
    // The states a work order goes through; edits made offline reach the server as one step, so a step may skip states, but
    // nothing leaves `closed` and `cancelled`, and nothing returns to `draft`.
    let allow = &order.transitions[0].allow;
    let states: Vec<_> = order.fields["status"].values.iter().filter_map(Value::as_str).collect();
    assert_eq!(allow.len(), states.len());
    for from in &states {
        let last = ["closed", "cancelled"].contains(from);
        for to in states.iter().filter(|to| *to != from) {
            let allowed = allow[*from].iter().any(|state| state == to);
            assert_eq!(allowed, !last && *to != "draft", "{from} → {to}");
        }
    }
}

// APP-1, STO-9
#[test]
fn app_1_dcmms_takes_the_records_of_its_specification() {
    let schema = schema("dcmms.json");
    let order = schema.entity("work-order").unwrap();
    let record = fields(json!({
        "workOrderId": "WO-001", "siteId": "S1", "assetId": "A1", "type": "corrective", "title": "Replace contactor",
        "description": "...", "priority": "high", "status": "completed",
        "partsUsed": [{"partId": "A", "qty": 1}, {"partId": "B", "qty": 2}]
    }));
    assert_eq!(order.check_record("work-order", &record), Ok(()));
    assert_eq!(order.referred(&record), [("asset", "A1", "assetId".to_owned())]);
    // 6.1
    let change = fields(json!({"status": "completed", "actualEnd": "2025-11-08T10:00:00Z"}));
    assert_eq!(order.check_patch("work-order", &change, &[]), Ok(()));
    let wrong = fields(json!({"status": "finished"}));
    assert_eq!(order.check_patch("work-order", &wrong, &[]).unwrap_err().path, "work-order.status");
    // The names of the delta endpoint (3.1 B).
    assert!(["work-orders", "workOrders"].iter().all(|alias| order.aliases.iter().any(|known| known == alias)));
}
