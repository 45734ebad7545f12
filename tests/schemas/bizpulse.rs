//! bizpulse.json against bizpulse's specification, section by section. This test decides nothing but whether the figures
//! are those of the specification; it is part of the schema tests.

use crate::{MINUTE_MS, NOW, fields, looks_at, names, policies, schema};
use landfall::schema::{DeleteEdit, Dialect, FieldType, IdCollision, IdMode, MergePolicy, OnDelete, Operation, Written};
use serde_json::json;

// APP-1
#[test]
fn app_1_bizpulse_tables() {
    let schema = schema("bizpulse.json");
    assert_eq!((schema.app.as_str(), schema.dialect, schema.id_mode), ("bizpulse", Dialect::Bizpulse, IdMode::Uuid));
    // 1, every column but those of the engine's own (`sync_status`, `last_modified`, `version`, `is_deleted`), and its type:
    // REAL, INTEGER (a stock that two tills count down; a time in milliseconds), TEXT.
    let table = [
        ("product", "products_local", "id", FieldType::String),
        ("product", "products_local", "name", FieldType::String),
        ("product", "products_local", "price", FieldType::Number),
        ("product", "products_local", "stock", FieldType::Counter),
        ("sale", "sales_local", "id", FieldType::String),
        ("sale", "sales_local", "customer_name", FieldType::String),
        ("sale", "sales_local", "total_amount", FieldType::Number),
        ("sale", "sales_local", "sale_date", FieldType::Integer),
    ];
    for (name, store, column, kind) in table {
        let entity = schema.entity(name).unwrap();
        assert_eq!((entity.store.as_str(), entity.key.as_str()), (store, "id"), "{name}");
        assert_eq!(entity.fields[column].kind, kind, "{name}.{column}");
    }
    // 3 to 5: whatever else is named as synced, and by the name it has there
    for (name, alias) in [
        ("product", "products"),
        ("sale", "sales"),
        ("customer", "customers"),
        ("payment", "payments"),
        ("setting", "settings"),
        ("report", "reports"),
        ("backup", "backups"),
    ] {
        assert_eq!(schema.entity(name).unwrap().aliases, [alias], "{name}");
    }
    assert!(names(schema.entity("analytics").unwrap()).contains("event"));
    // A sale refers to what was sold and to whom; it outlives both.
    let sale = schema.entity("sale").unwrap();
    let refers = sale.references().map(|(path, to)| (path.join("."), to.entity.as_str(), to.on_delete)).collect::<Vec<_>>();
    assert_eq!(
        refers,
        [
            ("customer_id".to_owned(), "customer", OnDelete::SetNull),
            ("items.product_id".to_owned(), "product", OnDelete::SetNull)
        ]
    );
}

// APP-1, STO-7: the table of 5, "what to sync"
#[test]
fn app_1_bizpulse_what_is_synced() {
    let schema = schema("bizpulse.json");
    // `priority` of a table is the order of loading: high, medium, low → tier 1, 2, 3
    let table = [("product", 1, true), ("sale", 1, false), ("customer", 2, true), ("report", 3, true)];
    for (name, tier, partial) in table {
        let entity = schema.entity(name).unwrap();
        assert_eq!((entity.tier, entity.partial), (tier, partial), "{name}");
    }
    assert_eq!((schema.entity("payment").unwrap().tier, schema.entity("setting").unwrap().tier), (1, 2));
    // 5, full sync: products, customers, settings; money is never deselected
    assert!(["setting", "payment"].iter().all(|name| !schema.entities[*name].partial));
}

// APP-1, QUE-2
#[test]
fn app_1_bizpulse_all_nine_priorities() {
    use Operation::{Create, Delete, Update};
    let schema = schema("bizpulse.json");
    assert_eq!(schema.priority_levels, 3);
    let (high, medium, low) = (1, 2, 3);
    let table: [(&str, &str, Operation, &[&str], u8); 16] = [
        ("sales transactions", "sale", Create, &["total_amount", "items"], high),
        ("a sale taken back", "sale", Update, &["status"], high),
        ("a sale struck out", "sale", Delete, &[], high),
        ("customer payments", "payment", Create, &["amount"], high),
        ("stock updates", "product", Update, &["stock"], high),
        ("stock and price at once", "product", Update, &["price", "stock"], high),
        ("product updates", "product", Update, &["price"], medium),
        ("product updates", "product", Update, &["name", "category"], medium),
        ("a new product", "product", Create, &["name", "price", "stock"], medium),
        ("a product taken out", "product", Delete, &[], medium),
        ("customer info changes", "customer", Update, &["phone"], medium),
        ("settings changes", "setting", Update, &["value"], medium),
        ("reports generation", "report", Create, &["kind"], low),
        ("a report again", "report", Update, &["status"], low),
        ("backup data", "backup", Create, &["kind"], low),
        ("analytics data", "analytics", Create, &["event"], low),
    ];
    let none = fields(json!({}));
    for (what, entity, operation, changed, priority) in table {
        let write = Written { operation, changed, record: &none, now: NOW, user: "ann" };
        assert_eq!(schema.priority(entity, &write), priority, "{what}: {operation:?} {entity} {changed:?}");
        assert!(!schema.critical(entity, &write), "{what}: 5 names no trigger by a write");
    }
    assert!(schema.entities.keys().all(|name| table.iter().any(|row| row.1 == name)), "each entity has its row");
}

// APP-1, CON-3, IDS-4
#[test]
fn app_1_bizpulse_conflicts() {
    let schema = schema("bizpulse.json");
    for name in ["product", "sale", "customer", "payment"] {
        let entity = schema.entity(name).unwrap();
        // 4, UPDATE_UPDATE: accept_server, backup_local (every losing side is kept), notify_user: false
        assert_eq!((&entity.merge, entity.notify), (&MergePolicy::ServerWins, false), "{name}");
        // DELETE_UPDATE: ask_user; ID_COLLISION: generate_new_id, sync_both
        assert_eq!((entity.delete_edit, entity.id_collision), (DeleteEdit::Manual, IdCollision::NewId), "{name}");
        assert!(entity.fields.values().all(|field| field.merge_rules.iter().all(|rule| rule.backup && !rule.notify)), "{name}");
    }
    let product = schema.entity("product").unwrap();
    assert_eq!(policies(product, &["price", "name"]), [&MergePolicy::ServerWins; 2]);
    // What two tills sold is added up, and may end below nothing.
    assert_eq!((product.policy("stock"), product.fields["stock"].min), (&MergePolicy::Merge, None));
    assert_eq!(schema.entity("customer").unwrap().policy("credit_limit"), &MergePolicy::Arbitrate("least".to_owned()));
}

// APP-1, SYN-5, QUE-4, QUE-6, SYN-7
#[test]
fn app_1_bizpulse_sync() {
    let sync = schema("bizpulse.json").sync;
    let on = &sync.triggers;
    // 5: app_start, internet_available, user_manual, scheduled '*/30 * * * *'; 3: background service
    assert_eq!((on.start, on.online, on.manual, on.interval_ms), (true, true, true, 30 * MINUTE_MS));
    assert!(on.background && on.periodic);
    assert!(!on.foreground && !on.push && !on.critical, "5 names no other");
    assert_eq!(on.stale_ms, sync.full_every_ms, "5: a start is incremental, not full after an hour");
    // 5: max_records_per_batch, max_sync_time, retry_attempts
    assert_eq!((sync.batch.ops, sync.batch.time_ms, sync.retry.max_attempts), (100, 30_000, 3));
    // 9: exponential delay: each wait twice the one before, up to five minutes
    let waits = &sync.retry.schedule_ms;
    assert!(waits[1..waits.len() - 1].windows(2).all(|pair| pair[1] == pair[0] * 2), "{waits:?}");
    assert_eq!((waits[0], waits.last()), (0, Some(&300_000)));
    // 8: pause while busy; low usage times; Wi-Fi or mobile, with another frequency
    assert!(sync.adapt.iter().any(|rule| rule.when.get("busy") == Some(&json!(true)) && rule.pause));
    assert!(looks_at(&sync, "hours") && looks_at(&sync, "saver"));
    let interval = |network: &str| {
        sync.adapt.iter().find(|rule| rule.when.get("network") == Some(&json!(network))).and_then(|rule| rule.interval_ms)
    };
    assert!(interval("wifi") == Some(30 * MINUTE_MS) && interval("cellular") > interval("wifi"));
}

// APP-1, STO-9
#[test]
fn app_1_bizpulse_takes_the_records_of_its_specification() {
    let schema = schema("bizpulse.json");
    let product = schema.entity("product").unwrap();
    let rice = fields(json!({"id": "P1", "name": "Rice", "price": 50, "stock": 100}));
    assert_eq!(product.check_record("product", &rice), Ok(()));
    assert_eq!(product.check_patch("product", &fields(json!({"stock": -2})), &[]), Ok(()), "sold twice while apart");
    let wrong = fields(json!({"price": -1}));
    assert_eq!(product.check_patch("product", &wrong, &[]).unwrap_err().path, "product.price");
    let sale = schema.entity("sale").unwrap();
    let one = fields(json!({"id": "S001", "customer_name": "अनीता", "total_amount": 1000, "sale_date": 1_762_596_000_000_u64,
        "customer_id": "C1", "items": [{"line": 1, "product_id": "P1", "name": "Rice", "quantity": 20, "price": 50}]}));
    assert_eq!(sale.check_record("sale", &one), Ok(()));
    let refers = sale.referred(&one);
    assert_eq!(refers, [("customer", "C1", "customer_id".to_owned()), ("product", "P1", "items[0].product_id".to_owned())]);
}
