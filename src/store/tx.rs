//! Every transaction under one type, so that an executor has one thing to run. This module routes and decides nothing.

use crate::schema::Schema;
use crate::store::absorb::{Absorb, Absorbed};
use crate::store::act::{Act, Acted};
use crate::store::deleted::{Deleted, Listed};
use crate::store::desk::Summary;
use crate::store::inspect::{Inspect, Inspected};
use crate::store::isolate::{Isolate, Isolated};
use crate::store::migrate::{Migrate, Migrated};
use crate::store::note::{Note, Noted};
use crate::store::peek::{Peek, Peeked};
use crate::store::port::{Rows, Scope, Step};
use crate::store::quarantine::{Release, Released};
use crate::store::recover::{Recover, Recovered};
use crate::store::remap::{Remap, Remapped};
use crate::store::replay::Replay;
use crate::store::scrub::{Scrub, Scrubbed};
use crate::store::settle::{Settle, Settled};
use crate::store::stage::{Stage, Staged};
use crate::store::sweep::{Sweep, Swept};
use crate::store::write::{Write, Wrote};

macro_rules! transactions {
    ($( $(#[$doc:meta])* $name:ident($tx:ident) -> $output:ident($result:ident), $scope:ident; )*) => {
        /// A transaction as a value. Cloned before it has advanced, it can be run again from the beginning.
        #[derive(Clone, Debug)]
        pub enum Tx { $( $(#[$doc])* $name($tx), )* }

        /// What a transaction tells once it is committed.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Output { $( $(#[$doc])* $output($result), )* }

        impl Tx {
            /// What the executor must know before it opens the database transaction.
            #[must_use]
            pub fn scope(&self, schema: &Schema) -> Scope {
                match self { $( Tx::$name(tx) => transactions!(@scope $scope tx schema), )* }
            }

            /// The next step; `rows` answers the reads of the last one, in their order (empty at first).
            pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Output> {
                match self { $( Tx::$name(tx) => match tx.advance(schema, rows) {
                    Step::Read(reads) => Step::Read(reads),
                    Step::Done(changes, result) => Step::Done(changes, Output::$output(result)),
                    Step::Abort(error) => Step::Abort(error),
                }, )* }
            }

            /// Its name, for logs and traces.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $( Tx::$name(_) => stringify!($name), )* }
            }
        }

        impl Output {
            /// How the store stands after it.
            #[must_use]
            pub const fn summary(&self) -> &Summary {
                match self { $( Output::$output(result) => &result.summary, )* }
            }
        }

        $( impl From<$tx> for Tx { fn from(tx: $tx) -> Self { Self::$name(tx) } } )*
    };
    (@scope plain $tx:ident $schema:ident) => { $tx.scope() };
    (@scope schema $tx:ident $schema:ident) => { $tx.scope($schema) };
}

transactions! {
    /// A local change.
    Write(Write) -> Wrote(Wrote), schema;
    /// Cutting a batch.
    Stage(Stage) -> Staged(Staged), plain;
    /// Taking the answers of a push.
    Settle(Settle) -> Settled(Settled), schema;
    /// Taking a slice of a pull.
    Absorb(Absorb) -> Absorbed(Absorbed), schema;
    /// Taking over the lock.
    Recover(Recover) -> Recovered(Recovered), plain;
    /// Sending again what a restored server has lost.
    Replay(Replay) -> Replayed(Staged), schema;
    /// Letting completed ops go.
    Sweep(Sweep) -> Swept(Swept), plain;
    /// Writing down a fact about syncing.
    Note(Note) -> Noted(Noted), plain;
    /// A person's decision about a record's ops.
    Act(Act) -> Acted(Acted), schema;
    /// Moving data of an older version.
    Migrate(Migrate) -> Migrated(Migrated), schema;
    /// Taking a damaged row out of the way.
    Isolate(Isolate) -> Isolated(Isolated), schema;
    /// Looking for damaged rows.
    Scrub(Scrub) -> Scrubbed(Scrubbed), schema;
    /// Listing deleted records.
    Deleted(Deleted) -> Listed(Listed), schema;
    /// Letting go of a row in quarantine.
    Release(Release) -> Released(Released), plain;
    /// Going on with records' new ids.
    Remap(Remap) -> Remapped(Remapped), schema;
    /// Looking for references that lead nowhere.
    Inspect(Inspect) -> Inspected(Inspected), schema;
    /// Looking.
    Peek(Peek) -> Peeked(Peeked), plain;
}
