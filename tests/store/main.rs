//! The reference store under the conformance suite.

mod suite;

use landfall::error::Result;
use landfall::store::query::{Page, Query};
use landfall::store::{Memory, Output, Read, Rows, Tx};
use serde_json::Value;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use suite::Database;

struct Reference(Memory);

impl Database for Reference {
    async fn run(&mut self, mut tx: Tx) -> Result<Output> {
        self.0.run(&suite::schema(), &mut tx)
    }

    async fn read(&mut self, read: Read) -> Result<Rows> {
        self.0.read(&read)
    }

    async fn query(&mut self, query: &Query) -> Result<Page<Value>> {
        self.0.query(&suite::schema(), query)
    }
}

fn fresh() -> Reference {
    Reference(Memory::new(&suite::schema()))
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
