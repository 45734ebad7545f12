//! Every bound in one place, units last in the name. This module decides how much is too much; it never enforces
//! anything itself. Each room that takes something from outside checks it against the number here, and the relations
//! between the numbers are asserted when the crate is compiled.

/// Deepest nesting of a value; an object of plain fields has depth 1.
pub const VALUE_DEPTH: usize = 32;
/// Longest string, in bytes of UTF-8.
pub const STRING_BYTES: usize = 1 << 20;
/// Largest record, in bytes of its JSON.
pub const RECORD_BYTES: usize = 256 << 10;
/// Most fields of one object.
pub const RECORD_FIELDS: usize = 1000;
/// Longest id or key, in bytes.
pub const ID_BYTES: usize = 128;
/// Largest safe integer either way (2^53): beyond it JavaScript rounds.
pub const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

/// Most rows in one slice of a pull: one IndexedDB transaction, which a reader may have to wait for.
pub const SLICE_ROWS: usize = 32;
/// Most bytes of JSON in one slice.
pub const SLICE_BYTES: usize = 64 << 10;
/// Most rows in one page (one answer); a page is a list of slices.
pub const PAGE_ROWS: usize = 1024;
/// Most entities or tiers one pull is filtered by.
pub const PULL_NAMES: usize = 64;
/// Most ids one snapshot slice names as still there; the device names no more of its own in one transaction.
pub const SLICE_KEPT: usize = 256;
/// Most slices of one answer: each of a page's rows in a slice of its own, and as many again without any.
pub const PAGE_SLICES: usize = 2 * PAGE_ROWS;
/// Most records picked, and most opened, on one device.
pub const PICKS: usize = 1000;
/// Most acks carried by one slice.
pub const SLICE_ACKS: usize = 64;

/// Most rows a migration, or a look for damage, takes in one transaction. Nobody waits for single rows meanwhile.
pub const MIGRATE_ROWS: u32 = 256;

/// At least this long between two looks for damaged rows, in milliseconds.
pub const SCRUB_MS: u64 = 60_000;

/// Most ops in one push, whatever the schema says.
pub const BATCH_OPS: usize = 1000;
/// Most bytes of ops in one push, whatever the schema says.
pub const BATCH_BYTES: usize = 2 << 20;
/// Largest request body as it arrives, in bytes.
pub const BODY_BYTES: usize = 4 << 20;
/// Largest request body after decompression, in bytes.
pub const BODY_EXPANDED_BYTES: usize = 8 << 20;
/// Deepest nesting of a message: a value inside a change inside the body.
pub const BODY_DEPTH: usize = VALUE_DEPTH + 8;

/// Most parents one op is made to wait for.
pub const OP_NEEDS: usize = 64;
/// Most rows that go, or lose a reference, with the one row that is deleted.
pub const CASCADE_ROWS: usize = 1000;
/// Most rounds of reads any store transaction takes.
pub const TX_ROUNDS: usize = 8;

/// How far ahead of the server a device's stamp may be after correction, in milliseconds.
pub const CLOCK_AHEAD_MS: u64 = 5_000;
/// Longest wait a server may ask for; a larger Retry-After is capped, in milliseconds.
pub const RETRY_AFTER_MAX_MS: u64 = 3_600_000;
/// After so many failures in a row the server is asked for an empty page and one op before it gets a whole batch again.
pub const BREAKER_FAILURES: u32 = 3;
/// A request without an answer is given up after this, in milliseconds.
pub const REQUEST_TIMEOUT_MS: u64 = 60_000;
/// A store transaction without a result is given up after this, in milliseconds: the connection is lost.
pub const STORE_TIMEOUT_MS: u64 = 30_000;
/// How long one waits for the holder of the lock to answer a knock before stealing it, in milliseconds.
pub const KNOCK_MS: u64 = 2_000;
/// How often a context looks at the store without being told: a tab that was killed between its commit and its bell has told
/// nobody, in milliseconds.
pub const LOOK_MS: u64 = 30_000;
/// How long a completed op keeps its payload, in milliseconds (7 days).
pub const COMPLETED_KEPT_MS: u64 = 7 * 24 * 3_600_000;
/// Most completed ops kept, whatever their age.
pub const COMPLETED_MOST: u64 = 20_000;
/// How often completed ops are looked through for those that may go, in milliseconds.
pub const SWEEP_MS: u64 = 3_600_000;
/// Most records kept aside that a restored server has lost; beyond it they are counted only.
pub const LOST_MOST: u64 = 1_000;
/// How long the server keeps answers and tombstones, in milliseconds (30 days; a setting may raise it).
pub const LEDGER_KEPT_MS: u64 = 30 * 24 * 3_600_000;
/// An op first sent up to so long after the horizon is doubted like one from before it: clocks may have been set.
pub const FORGOTTEN_MARGIN_MS: u64 = 2 * 24 * 3_600_000;
/// Most answers and tombstones collected in one transaction: writers wait for no more.
pub const COLLECT_ROWS: usize = 500;
/// Most changed ids named by one bell; beyond it the bell names only the entity.
pub const BELL_IDS: usize = 64;

const _: () = assert!(SLICE_BYTES < RECORD_BYTES * 2, "one largest record still makes a slice of its own");
const _: () = assert!(BATCH_BYTES < BODY_BYTES && BODY_BYTES <= BODY_EXPANDED_BYTES);
const _: () = assert!(RECORD_BYTES * 2 < BATCH_BYTES, "the largest op, data and before, fits a batch");
const _: () = assert!(BODY_DEPTH < 127, "what we accept, every JSON parser on the way accepts");
const _: () = assert!(COMPLETED_KEPT_MS < LEDGER_KEPT_MS, "an op sent again within its time finds its answer");
const _: () = assert!(SLICE_ROWS <= PAGE_ROWS);
