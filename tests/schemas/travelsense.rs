//! travelsense.json against TravelSense's specification, section by section. This test decides nothing but whether the
//! figures are those of the specification; it is part of the schema tests.

use crate::{DAY_MS, MINUTE_MS, NOW, fields, looks_at, names, policies, said, schema};
use landfall::limits;
use landfall::schema::{DeleteEdit, Dialect, Encrypt, IdMode, MergePolicy, OnDelete, Operation, Written};
use landfall::time::Millis;
use serde_json::json;

/// The data types of 2, 4 and 5: of a sync request, and of a change.
const TYPES: [(&str, &str); 4] =
    [("booking", "bookings"), ("preference", "preferences"), ("profile", "profiles"), ("trip", "trips")];

// APP-1
#[test]
fn app_1_travelsense_data_types() {
    let schema = schema("travelsense.json");
    assert_eq!((schema.app.as_str(), schema.dialect, schema.id_mode), ("travelsense", Dialect::Travelsense, IdMode::Uuid));
    // Nothing else is synced: sync configuration and operations, changes, conflicts and bundles are the engine's own.
    assert_eq!(schema.entities.keys().collect::<Vec<_>>(), TYPES.map(|(one, _)| one));
    for (one, many) in TYPES {
        let entity = schema.entity(one).unwrap();
        assert_eq!((entity.store.as_str(), entity.key.as_str()), (many, "_id"), "{one}");
        assert_eq!(entity.aliases, [many], "{one}");
        // Data models: what every document has
        assert!(names(entity).is_superset(&["_id", "userId", "createdAt", "updatedAt"].into()), "{one}");
        assert!(entity.fields["userId"].required, "{one}");
    }
    let trip = schema.entity("booking").unwrap().fields["tripId"].reference.clone().unwrap();
    assert_eq!((trip.entity.as_str(), trip.on_delete), ("trip", OnDelete::SetNull));
}

// APP-1, STO-7, SEC-1
#[test]
fn app_1_travelsense_security() {
    let schema = schema("travelsense.json");
    // Security 1: all cached data
    assert_eq!(schema.security.encrypt, Encrypt::All);
    // Security 4: users can only sync their own data
    for (name, _) in TYPES {
        let rules = &schema.entity(name).unwrap().partition;
        assert_eq!((rules.len(), said(&rules[0].when)), (1, vec!["userId in $user".to_owned()]), "{name}");
        let takes = |user: &str| rules[0].when.iter().all(|test| test.holds(&fields(json!({"userId": user})), NOW, "ann"));
        assert!(takes("ann") && !takes("bob"), "{name}");
    }
    let profile = schema.entity("profile").unwrap();
    assert!(
        ["email", "phone", "birthDate", "passportNumber", "emergencyContact"].iter().all(|name| profile.fields[*name].sensitive)
    );
    assert!(!profile.partial, "one's own profile cannot be deselected");
}

// APP-1, QUE-2: feature 6, "priority-based sync for critical data types"
#[test]
fn app_1_travelsense_priorities_and_tiers() {
    use Operation::{Create, Update};
    let schema = schema("travelsense.json");
    assert_eq!(schema.priority_levels, 3);
    let table: [(&str, Operation, &[&str], _, u8, bool); 7] = [
        ("booking", Create, &["title"], json!({}), 1, false),
        ("booking", Update, &["notes"], json!({"status": "cancelled"}), 1, false),
        ("booking", Update, &["status"], json!({"status": "cancelled"}), 1, true),
        ("trip", Create, &["title"], json!({}), 2, false),
        ("trip", Update, &["status"], json!({"status": "cancelled"}), 2, false),
        ("profile", Update, &["phone"], json!({}), 2, false),
        ("preference", Update, &["value"], json!({}), 3, false),
    ];
    for (entity, operation, changed, record, priority, critical) in table {
        let record = fields(record);
        let write = Written { operation, changed, record: &record, now: NOW, user: "ann" };
        let got = (schema.priority(entity, &write), schema.critical(entity, &write));
        assert_eq!(got, (priority, critical), "{entity} {changed:?}");
    }
    // Performance 4: automatic cleanup of old data, oldest and least important first
    assert_eq!(schema.space.cleanup, ["old_bookings", "old_trips", "cached_images"]);
    let tier = |name: &str, days: u64| {
        let at = Millis(NOW.0 - days * DAY_MS).iso();
        let record = fields(json!({"endAt": at, "endDate": at[..10]}));
        schema.entity(name).unwrap().tier_of(&record, NOW, "ann")
    };
    for name in ["trip", "booking"] {
        assert_eq!((tier(name, 0), tier(name, 179), tier(name, 181)), (1, 1, 3), "{name}");
        let kept = &schema.entity(name).unwrap().retention[0];
        assert_eq!((kept.keep_ms, said(&kept.when)), (365 * DAY_MS, vec!["status in completed|cancelled".to_owned()]), "{name}");
    }
    assert_eq!((schema.entity("profile").unwrap().tier, schema.entity("preference").unwrap().tier), (1, 2));
}

// APP-1, SYN-5, SYN-7, QUE-4, QUE-6
#[test]
fn app_1_travelsense_sync() {
    let sync = schema("travelsense.json").sync;
    // 5: 1 to 1000 changes
    assert_eq!((sync.batch.ops, limits::BATCH_OPS), (1000, 1000));
    // Sync configuration: autoSync, syncInterval in minutes, bandwidthLimit in KB/s (none until the user's sets one)
    let on = &sync.triggers;
    assert!(on.start && on.online && on.manual && on.background && on.periodic && on.critical);
    assert_eq!((on.interval_ms % MINUTE_MS, on.interval_ms > 0, sync.bandwidth_kbps), (0, true, 0));
    // Integration 6: completion and conflicts are told
    assert!(on.push && schema("travelsense.json").entities.values().all(|entity| entity.notify));
    // Feature 4: network conditions and user activity; performance 3: battery; feature 5: bandwidth
    assert!(["network", "busy", "battery_below", "kbps_below", "saver"].iter().all(|what| looks_at(&sync, what)));
    // Error handling 1: exponential backoff
    let waits = &sync.retry.schedule_ms;
    assert!(waits[1..waits.len() - 1].windows(2).all(|pair| pair[1] == pair[0] * 2), "{waits:?}");
}

// APP-1, CON-3, CON-10
#[test]
fn app_1_travelsense_conflicts() {
    let schema = schema("travelsense.json");
    let entity = |name: &str| schema.entity(name).unwrap();
    // Performance 8: 95 % without a person. Only what two people could not both be right about waits for one.
    let by_hand: Vec<_> = schema
        .entities
        .iter()
        .flat_map(|(name, entity)| entity.fields.keys().map(move |field| (name.as_str(), field.as_str(), entity.policy(field))))
        .filter(|(_, _, policy)| **policy == MergePolicy::Manual)
        .map(|(name, field, _)| (name, field))
        .collect();
    assert_eq!(by_hand, [("profile", "passportNumber")]);
    // "update-update": what the provider says of a booking is the provider's; notes and lists of both are merged
    let booking = entity("booking");
    assert_eq!(policies(booking, &["status", "startAt", "endAt", "price", "confirmationCode"]), [&MergePolicy::ServerWins; 5]);
    assert_eq!(policies(booking, &["notes", "seats", "travellers"]), [&MergePolicy::Merge; 3]);
    assert_eq!(policies(entity("trip"), &["notes", "tags", "companions", "itinerary"]), [&MergePolicy::Merge; 4]);
    assert_eq!(entity("trip").policy("title"), &MergePolicy::LastWriteWins);
    // The server's arbitration: of two budgets the smaller
    assert_eq!(entity("trip").policy("budget"), &MergePolicy::Arbitrate("least".to_owned()));
    // "update-delete", "delete-update"
    assert_eq!(entity("booking").delete_edit, DeleteEdit::Manual);
    assert!(["trip", "profile", "preference"].iter().all(|name| entity(name).delete_edit == DeleteEdit::EditWins));
}

// APP-1, STO-9
#[test]
fn app_1_travelsense_takes_the_records_of_its_data_types() {
    let schema = schema("travelsense.json");
    let id = "507f1f77bcf86cd799439011";
    let table = [
        ("trip", json!({"_id": id, "userId": "u1", "title": "Reykjavík", "startDate": "2025-12-01", "country": "IS"})),
        ("profile", json!({"_id": id, "userId": "u1", "displayName": "李娜", "homeAirport": "PEK"})),
        ("preference", json!({"_id": id, "userId": "u1", "category": "seat", "name": "side", "value": {"window": true}})),
        ("booking", json!({"_id": id, "userId": "u1", "tripId": id, "type": "flight", "title": "FI 451", "price": 184.2})),
    ];
    for (name, record) in table {
        let entity = schema.entity(name).unwrap();
        assert_eq!(entity.check_record(name, &fields(record.clone())), Ok(()), "{name}");
        let mut foreign = fields(record);
        foreign.remove("userId");
        assert_eq!(entity.check_record(name, &foreign).unwrap_err().path, format!("{name}.userId"));
    }
}
