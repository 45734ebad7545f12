//! The application of the simulation: small, with every kind of field that merges. Sums and marks that no fault may lose or
//! double, plain fields under last-write-wins, one that only a person can decide, references, deletes.

pub const SCHEMA: &str = r#"{
  "app": "sim", "version": 1,
  "entities": {
    "tally": { "store": "tallies", "tier": 1, "fields": {
      "id": { "type": "string", "required": true }, "count": { "type": "counter", "required": true },
      "marks": { "type": "set", "items": { "type": "string" }, "merge": "merge", "required": true } } },
    "note": { "store": "notes", "fields": {
      "id": { "type": "string", "required": true }, "title": { "type": "string", "required": true },
      "ask": { "type": "string", "merge": "manual" } } },
    "task": { "store": "tasks", "tier": 3, "delete_edit": "delete_wins", "fields": {
      "id": { "type": "string", "required": true }, "title": { "type": "string", "required": true },
      "note": { "type": "string", "reference": { "entity": "note" } } } }
  }
}"#;
