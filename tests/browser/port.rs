//! The executor keeps the port's promises: rows, order, bounds, all or nothing.

use crate::util::*;
use landfall::error::{Code, Error};
use landfall::store::{Change, Durability, Key, Range, Read, Scope, Step};
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn a_row_reads_back_as_it_was_put() {
    let (idb, _) = open(plan("rows")).await;
    let row = json!({
        "id": "a", "n": 1.5, "whole": 9_007_199_254_740_992_u64, "text": "ü\u{1F600}", "none": null, "deep": {"list": [1, [true]]}
    });
    write(&idb, vec![put(row.clone()), put(json!({"id": "b"}))]).await.unwrap();
    let rows = read(&idb, vec![get("a"), get("absent"), Read::Range(Range::all(ITEMS, 9))]).await.unwrap();
    assert_eq!(rows, vec![vec![row.clone()], vec![], vec![row, json!({"id": "b"})]]);
    write(&idb, vec![put(json!({"id": "a", "n": 2})), Change::Delete { store: ITEMS, key: Key::from("b") }]).await.unwrap();
    assert_eq!(read(&idb, vec![Read::Range(Range::all(ITEMS, 9))]).await.unwrap(), vec![vec![json!({"id": "a", "n": 2})]]);
}

#[wasm_bindgen_test]
async fn compound_keys_find_their_row() {
    let (idb, _) = open(plan("compound")).await;
    let rows =
        [("x", 1), ("x", 2), ("y", 1)].map(|(kind, seq)| Change::Put { store: QUEUE, row: json!({"kind": kind, "seq": seq}) });
    write(&idb, rows.to_vec()).await.unwrap();
    let one = Read::Get { store: QUEUE, key: Key::pair("x", 2.0) };
    let kind =
        Read::Range(Range::all(QUEUE, 9).between(Key::List(vec!["x".into()]), Key::List(vec!["x".into(), Key::List(vec![])])));
    let found = read(&idb, vec![one, kind]).await.unwrap();
    assert_eq!(found[0], vec![json!({"kind": "x", "seq": 2})]);
    assert_eq!(found[1].len(), 2);
}

/// Ids by the order of UTF-16 units: the emoji (a surrogate pair) comes before U+FFFD.
#[wasm_bindgen_test]
async fn keys_are_in_the_order_of_the_memory_store() {
    let (idb, _) = open(plan("order")).await;
    let texts = ["", "Z", "a", "aa", "b", "\u{e9}", "\u{1F600}", "\u{FFFD}"];
    let mut sorted: Vec<Key> = texts.iter().map(|text| Key::from(*text)).collect();
    sorted.sort();
    let mut backwards: Vec<_> = texts.iter().map(|text| put(json!({"id": text}))).collect();
    backwards.reverse();
    write(&idb, backwards).await.unwrap();
    let found: Vec<Key> = ids(&idb, Range::all(ITEMS, 99)).await.iter().map(|id| Key::from(id.as_str())).collect();
    assert_eq!(found, sorted);
}

async fn ranked(test: &str) -> landfall::browser::idb::Idb {
    let (idb, _) = open(plan(test)).await;
    let rows = [("a", 2), ("b", 1), ("c", 2), ("d", 3), ("e", 2)];
    let mut changes: Vec<_> = rows.iter().map(|(id, rank)| put(json!({"id": id, "rank": rank, "group": "g"}))).collect();
    changes.push(put(json!({"id": "sparse", "group": "g", "rank": null})));
    changes.push(put(json!({"id": "tagged", "tags": ["x", "y", "x"]})));
    write(&idb, changes).await.unwrap();
    idb
}

#[wasm_bindgen_test]
async fn an_index_orders_by_its_key_and_then_by_the_primary_key() {
    let idb = ranked("index").await;
    let by = || Range::all(ITEMS, 99).by("rank");
    assert_eq!(ids(&idb, by()).await, ["b", "a", "c", "e", "d"], "rows without a key of the index are not in it");
    assert_eq!(ids(&idb, Range { reverse: true, ..by() }).await, ["d", "e", "c", "a", "b"]);
    assert_eq!(ids(&idb, Range::all(ITEMS, 99).by("pair")).await, ["b", "a", "c", "e", "d"], "nor in one over several fields");
    assert_eq!(ids(&idb, by().only(Key::from(2.0))).await, ["a", "c", "e"]);
    assert_eq!(ids(&idb, Range { limit: 2, ..by() }).await, ["b", "a"]);
    assert_eq!(ids(&idb, Range { limit: 2, reverse: true, ..by() }).await, ["d", "e"]);
    assert_eq!(ids(&idb, Range { limit: 0, ..by() }).await, [""; 0]);
    assert_eq!(ids(&idb, Range { lower: Some((Key::from(1.0), false)), ..by() }).await, ["a", "c", "e", "d"]);
    assert_eq!(ids(&idb, Range { upper: Some((Key::from(2.0), false)), ..by() }).await, ["b"]);
    assert_eq!(
        ids(&idb, Range::all(ITEMS, 9).by("pair").between(Key::pair("g", 2.0), Key::pair("g", 3.0))).await,
        ["a", "c", "e", "d"]
    );
    assert_eq!(ids(&idb, by().between(Key::from(3.0), Key::from(1.0))).await, [""; 0], "nothing lies between");
    assert_eq!(ids(&idb, Range::all(ITEMS, 9).by("tags").only("x".into())).await, ["tagged"]);
}

#[wasm_bindgen_test]
async fn paging_goes_on_strictly_behind_an_entry() {
    let idb = ranked("paging").await;
    let page = |after: (f64, &str), reverse: bool| Range {
        after: Some((Key::from(after.0), Key::from(after.1))),
        reverse,
        limit: 2,
        ..Range::all(ITEMS, 2).by("rank")
    };
    assert_eq!(ids(&idb, page((2.0, "a"), false)).await, ["c", "e"]);
    assert_eq!(ids(&idb, page((2.0, "b"), false)).await, ["c", "e"], "the entry itself need not be there any more");
    assert_eq!(ids(&idb, page((1.0, "zz"), false)).await, ["a", "c"]);
    assert_eq!(ids(&idb, page((3.0, "d"), false)).await, [""; 0]);
    assert_eq!(ids(&idb, page((2.0, "e"), true)).await, ["c", "a"]);
    assert_eq!(ids(&idb, page((2.0, "d"), true)).await, ["c", "a"]);
    assert_eq!(ids(&idb, page((1.0, "b"), true)).await, [""; 0]);
    let key = |after: &str, reverse| Range { after: Some((after.into(), after.into())), reverse, ..Range::all(ITEMS, 2) };
    assert_eq!(ids(&idb, key("b", false)).await, ["c", "d"]);
    assert_eq!(ids(&idb, key("b", true)).await, ["a"]);
    let bounded = Range { upper: Some((Key::from(2.0), true)), ..page((2.0, "c"), false) };
    assert_eq!(ids(&idb, bounded).await, ["e"]);
}

// STO-3
#[wasm_bindgen_test]
async fn a_violated_unique_index_undoes_the_whole_transaction() {
    let (idb, _) = open(plan("unique")).await;
    write(&idb, vec![put(json!({"id": "a", "code": 7}))]).await.unwrap();
    let both = vec![put(json!({"id": "b"})), put(json!({"id": "c", "code": 7})), put(json!({"id": "d"}))];
    assert_eq!(write(&idb, both).await.unwrap_err().code, Code::UniqueViolation);
    assert_eq!(ids(&idb, Range::all(ITEMS, 9)).await, ["a"]);
}

// STO-3
#[wasm_bindgen_test]
async fn a_put_that_throws_undoes_the_puts_before_it() {
    let (idb, _) = open(plan("throws")).await;
    let result = write(&idb, vec![put(json!({"id": "a"})), put(json!({"no": "key"})), put(json!({"id": "b"}))]).await;
    assert_eq!(result.unwrap_err().code, Code::StorageError);
    assert_eq!(ids(&idb, Range::all(ITEMS, 9)).await, [""; 0]);
}

#[wasm_bindgen_test]
async fn a_refusal_writes_nothing_and_is_handed_on() {
    let (idb, _) = open(plan("refusal")).await;
    let refusal = Error::new(Code::NotFound, "no such record").at("goal.x");
    let result = idb
        .transact(&scope(true), || {
            let mut round = 0;
            let refusal = refusal.clone();
            move |_| {
                round += 1;
                if round == 1 { Step::<()>::Read(vec![get("a")]) } else { Step::Abort(refusal.clone()) }
            }
        })
        .await;
    assert_eq!(result.unwrap_err(), refusal);
    write(&idb, vec![put(json!({"id": "after"}))]).await.unwrap();
}

#[wasm_bindgen_test]
async fn rounds_of_reads_share_one_transaction_with_the_writes() {
    let (idb, _) = open(plan("rounds")).await;
    write(&idb, vec![put(json!({"id": "counter", "n": 0}))]).await.unwrap();
    // Twenty increments at once: each reads, decides and writes; a lost update would show in the sum.
    let scope = Scope { stores: vec![ITEMS], writes: true, durability: Durability::Strict };
    let all = (0..20).map(|_| {
        let (idb, scope) = (idb.clone(), scope.clone());
        wasm_bindgen_futures::future_to_promise(async move {
            let add = || {
                let mut round = 0;
                move |rows: Vec<Vec<serde_json::Value>>| {
                    round += 1;
                    match round {
                        1 | 2 => Step::Read(vec![get("counter")]),
                        _ => Step::Done(vec![put(json!({"id": "counter", "n": rows[0][0]["n"].as_u64().unwrap() + 1}))], ()),
                    }
                }
            };
            idb.transact(&scope, add).await.unwrap();
            Ok(wasm_bindgen::JsValue::UNDEFINED)
        })
    });
    let all: js_sys::Array = all.collect();
    wasm_bindgen_futures::JsFuture::from(js_sys::Promise::all(&all)).await.unwrap();
    assert_eq!(read(&idb, vec![get("counter")]).await.unwrap()[0][0]["n"], json!(20));
}

#[wasm_bindgen_test]
async fn a_transaction_without_end_is_stopped() {
    let (idb, _) = open(plan("endless")).await;
    let mut asked = 0;
    let result = idb
        .transact(&scope(true), || {
            asked += 1;
            |_| Step::<()>::Read(vec![get("a")])
        })
        .await;
    assert_eq!(result.unwrap_err().code, Code::StorageError);
    assert_eq!(asked, 1, "a fault of ours is not the connection's: it is not run again");
}

#[wasm_bindgen_test]
async fn applications_get_the_stored_value_itself() {
    let (idb, _) = open(plan("raw")).await;
    write(&idb, vec![put(json!({"id": "a", "list": [1, "x"]}))]).await.unwrap();
    let rows = idb.rows(&[get("a"), get("b"), Read::Range(Range::all(ITEMS, 5))]).await.unwrap();
    assert_eq!(rows.iter().map(js_sys::Array::length).collect::<Vec<_>>(), [1, 0, 1]);
    let text = js_sys::JSON::stringify(&rows[0].get(0)).unwrap().as_string().unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json!({"id": "a", "list": [1, "x"]}));
}
