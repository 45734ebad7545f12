//! The reference store under the conformance suite.

mod migration;
mod suite;

use landfall::error::Result;
use landfall::schema::Schema;
use landfall::store::query::{Page, Query};
use landfall::store::{Change, Memory, Output, Read, Rows, Tx};
use migration::Upgradable;
use serde_json::Value;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use suite::Database;

struct Reference(Memory, Schema);

impl Database for Reference {
    async fn run(&mut self, mut tx: Tx) -> Result<Output> {
        self.0.run(&self.1, &mut tx)
    }

    async fn read(&mut self, read: Read) -> Result<Rows> {
        self.0.read(&read)
    }

    async fn query(&mut self, query: &Query) -> Result<Page<Value>> {
        self.0.query(&self.1, query)
    }
}

impl Upgradable for Reference {
    async fn upgrade(&mut self, schema: &Schema) {
        if schema.version > self.1.version {
            self.0.upgrade(schema, self.1.version).expect("upgraded");
        }
        self.1 = schema.clone();
    }

    async fn put(&mut self, changes: Vec<Change>) {
        self.0.apply(changes).expect("put");
    }
}

fn fresh() -> Reference {
    Reference(Memory::new(&suite::schema()), suite::schema())
}

/// The reference store never waits, so its futures are ready at the first look.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the reference store does not wait"),
    }
}

#[test]
fn a_write_is_whole() {
    now(suite::a_write_is_whole(&mut fresh()));
}

#[test]
fn edits_become_one_op() {
    now(suite::edits_become_one_op(&mut fresh()));
}

#[test]
fn a_frozen_op_is_left_alone() {
    now(suite::a_frozen_op_is_left_alone(&mut fresh()));
}

#[test]
fn an_old_holder_is_fenced_off() {
    now(suite::an_old_holder_is_fenced_off(&mut fresh()));
}

#[test]
fn a_stale_page_is_refused() {
    now(suite::a_stale_page_is_refused(&mut fresh()));
}

#[test]
fn queries() {
    now(suite::queries(&mut fresh()));
}

#[test]
fn random_lives() {
    for seed in 0..50 {
        now(suite::differential(&mut fresh(), seed, 120));
    }
}

#[test]
fn scenario_15_a_life_goes_on_under_a_newer_schema() {
    now(migration::scenario_15_a_life_goes_on_under_a_newer_schema(&mut fresh()));
}

#[test]
fn a_migration_cut_off_anywhere_ends_in_the_same_rows() {
    now(migration::a_migration_cut_off_anywhere_ends_in_the_same_rows(&mut fresh()));
}
