//! IndexedDB under the store's conformance suite: it must do what the reference store does, row by row. // STO-2 STO-3

use crate::migration::{self, Upgradable};
use crate::suite::{self, Database};
use crate::util::open;
use landfall::browser::idb::{Idb, Plan};
use landfall::browser::js;
use landfall::error::Result;
use landfall::schema::Schema;
use landfall::store::query::{Page, Query};
use landfall::store::{Change, Durability, Output, Read, Rows, Scope, Step, Tx, layout};
use serde_json::Value;
use wasm_bindgen_test::wasm_bindgen_test;

struct UnderTest {
    idb: Idb,
    schema: Schema,
    name: String,
}

impl Database for UnderTest {
    async fn run(&mut self, tx: Tx) -> Result<Output> {
        self.idb.run(&self.schema, &tx).await
    }

    async fn read(&mut self, read: Read) -> Result<Rows> {
        self.idb.rows(&[read]).await.and_then(|rows| js::read(&rows[0]))
    }

    async fn query(&mut self, query: &Query) -> Result<Page<Value>> {
        let plan = query.plan(&self.schema)?;
        let rows = self.read(Read::Range(plan.range.clone())).await?;
        Ok(plan.page(rows))
    }
}

impl Upgradable for UnderTest {
    async fn upgrade(&mut self, schema: &Schema) {
        self.idb.close();
        self.idb = open(Plan::new(self.name.clone(), schema)).await.0;
        self.schema = schema.clone();
    }

    async fn put(&mut self, changes: Vec<Change>) {
        let stores = layout::stores(&self.schema).into_iter().map(|def| def.name).collect();
        let scope = Scope { stores, writes: true, durability: Durability::Relaxed };
        let fresh = || {
            let changes = changes.clone();
            move |_| Step::Done(changes.clone(), ())
        };
        self.idb.transact(&scope, fresh).await.expect("put");
    }
}

async fn fresh(test: &str) -> UnderTest {
    let schema = suite::schema();
    let name = format!("landfall/test/{test}/{}", js_sys::Math::random());
    UnderTest { idb: open(Plan::new(name.clone(), &schema)).await.0, schema, name }
}

#[wasm_bindgen_test]
async fn a_write_is_whole() {
    suite::a_write_is_whole(&mut fresh("whole").await).await;
}

#[wasm_bindgen_test]
async fn edits_become_one_op() {
    suite::edits_become_one_op(&mut fresh("edits").await).await;
}

#[wasm_bindgen_test]
async fn a_frozen_op_is_left_alone() {
    suite::a_frozen_op_is_left_alone(&mut fresh("frozen").await).await;
}

#[wasm_bindgen_test]
async fn an_old_holder_is_fenced_off() {
    suite::an_old_holder_is_fenced_off(&mut fresh("fence").await).await;
}

#[wasm_bindgen_test]
async fn a_stale_page_is_refused() {
    suite::a_stale_page_is_refused(&mut fresh("stale").await).await;
}

#[wasm_bindgen_test]
async fn queries() {
    suite::queries(&mut fresh("queries").await).await;
}

#[wasm_bindgen_test]
async fn random_lives_end_in_the_same_rows() {
    for seed in 1..=3 {
        suite::differential(&mut fresh("differential").await, seed, 100).await;
    }
}

// STO-8
#[wasm_bindgen_test]
async fn scenario_15_a_life_goes_on_under_a_newer_schema() {
    migration::scenario_15_a_life_goes_on_under_a_newer_schema(&mut fresh("life").await).await;
}

// STO-8
#[wasm_bindgen_test]
async fn a_migration_cut_off_anywhere_ends_in_the_same_rows() {
    migration::a_migration_cut_off_anywhere_ends_in_the_same_rows(&mut fresh("cut").await).await;
}
