//! What could not be read, does not keep to the schema or has no place in it any more: kept aside as it was found, never
//! dropped, told and listed until a person discards it. This module decides the form of such a row and how a damaged row is
//! named in an error; `isolate` moves rows here, `Release` lets them go.

use crate::error::{Code, Error, Result};
use crate::plain::{self, Plain, plain};
use crate::queue::{Op, OpStatus};
use crate::record::Fields;
use crate::schema::Schema;
use crate::store::desk::{Desk, Name, Summary, answers};
use crate::store::key::Key;
use crate::store::layout::{METADATA, QUARANTINE};
use crate::store::port::{Change, Durability, Read, Rows, Scope, Step};
use crate::store::rows::{Head, from_row};
use crate::store::scope;
use crate::time::Millis;
use serde_json::Value;

plain! {
    /// A row of `quarantine`.
    #[derive(Clone, Debug, PartialEq)]
    pub struct QuarantineRow {
        /// Its id.
        pub id: String,
        /// The store it was found in; `pull` for a row that the server sent.
        pub store: String,
        /// The entity of the record it is of, if that could be read.
        pub entity_type?: Option<String>,
        /// The record, likewise.
        pub entity_id?: Option<String>,
        /// The row as it was found.
        pub row: Value,
        /// What was shown of the record, where the row was a change of it: nothing typed is gone.
        pub shown?: Option<Fields>,
        /// What is wrong with it.
        pub error: Error,
        /// When it was found.
        pub at: Millis,
        ..
    }
}

/// Names a row of the database that may be damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A record.
    Record(Name),
    /// The server version under pending ops.
    Base(Name),
    /// An op, by its `seq`.
    Op(u64),
    /// A conflict, by its id.
    Conflict(String),
    /// A single row by its name: `head`, `sync`.
    Metadata(String),
}

impl Place {
    /// The error that says so, for a transaction to abort with; `isolate` knows the place again by it.
    #[must_use]
    pub fn damaged(&self, error: Error) -> Error {
        let (kind, entity, id) = match self {
            Self::Record((entity, id)) => ("record", entity.as_str(), id.plain()),
            Self::Base((entity, id)) => ("base", entity.as_str(), id.plain()),
            Self::Op(seq) => ("op", "sync_queue", (*seq).into()),
            Self::Conflict(id) => ("conflict", "conflicts", id.plain()),
            Self::Metadata(key) => ("metadata", "metadata", key.plain()),
        };
        let path = match &id {
            Value::String(id) => format!("{entity}.{id}"),
            other => format!("{entity}.{other}"),
        };
        Error { code: Code::CorruptData, ..error }
            .at(path)
            .detail(plain::object([("damaged", Value::Array(vec![kind.into(), entity.into(), id]))]))
    }

    /// The place that an error names.
    #[must_use]
    pub fn of(error: &Error) -> Option<Self> {
        let damaged = error.detail.as_ref().filter(|_| error.code == Code::CorruptData)?.get("damaged")?;
        let (kind, entity, id) = (damaged.get(0)?.as_str()?, damaged.get(1)?.as_str()?, damaged.get(2)?);
        let text = || id.as_str().map(str::to_owned);
        Some(match kind {
            "record" => Self::Record((entity.to_owned(), text()?)),
            "base" => Self::Base((entity.to_owned(), text()?)),
            "op" => Self::Op(id.as_u64()?),
            "conflict" => Self::Conflict(text()?),
            "metadata" => Self::Metadata(text()?),
            _ => return None,
        })
    }
}

/// Reads an op's row; one that cannot be read is named by its key.
pub(crate) fn read_op(row: Value) -> Result<Op> {
    let seq = row.get("seq").and_then(Value::as_u64);
    let whole = |op: Op| if is_whole(&op) { Ok(op) } else { Err(Error::new(Code::CorruptData, "an op that contradicts itself")) };
    from_row(row).and_then(whole).map_err(|error| match seq {
        Some(seq) => Place::Op(seq).damaged(error),
        None => error,
    })
}

/// Whether the parts of an op that say where it stands agree: one without its lane would never be done, one without `ready`
/// never sent.
fn is_whole(op: &Op) -> bool {
    let lane = op.lane.as_ref().map(|[entity, id]| *entity == op.entity_type && *id == op.entity_id);
    lane == (op.status != OpStatus::Completed).then_some(true) && op.readiness() == op.ready
}

/// How a row kept aside is named: the place and the moment, so that none is written over an older one.
pub(crate) fn id(store: &str, key: &str, head: &Head) -> String {
    format!("{store}/{key}/{}", head.gen_no + 1)
}

/// What came of letting a row go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Released {
    /// How the store stands.
    pub summary: Summary,
}

/// A person has seen a row in quarantine and does not need it any more.
#[derive(Clone, Debug)]
pub struct Release {
    id: String,
    asked: bool,
}

impl Release {
    /// Lets go of the row with this id.
    #[must_use]
    pub const fn new(id: String) -> Self {
        Self { id, asked: false }
    }

    /// What it may touch.
    #[must_use]
    pub fn scope(&self) -> Scope {
        scope([QUARANTINE, METADATA].into_iter(), Durability::Strict)
    }

    /// One round.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Released> {
        if !self.asked {
            self.asked = true;
            return Step::Read(vec![Head::read(), Read::Get { store: QUARANTINE, key: self.id.as_str().into() }]);
        }
        self.decide(schema, rows).unwrap_or_else(Step::Abort)
    }

    fn decide(&self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Released>> {
        let mut answers = answers(rows);
        let mut desk = Desk::default();
        desk.take_head(answers.next().unwrap_or_default())?;
        if answers.next().unwrap_or_default().is_empty() {
            return Err(Error::new(Code::NotFound, "nothing is in quarantine under this id").at(&self.id));
        }
        desk.head.quarantined = desk.head.quarantined.saturating_sub(1);
        desk.write(Change::Delete { store: QUARANTINE, key: Key::from(self.id.as_str()) });
        let changes = desk.finish(schema)?;
        Ok(Step::Done(changes, Released { summary: desk.summary() }))
    }
}
