//! Connections that go, databases that change under us. // STO-11

use crate::util::*;
use landfall::browser::idb::{Idb, Notice};
use landfall::error::Code;
use landfall::store::layout::{IndexDef, StoreDef};
use landfall::store::{Range, Step};
use serde_json::json;
use std::borrow::Cow;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{IdbDatabase, IdbFactory, IdbOpenDbRequest};

fn factory() -> IdbFactory {
    js_sys::Reflect::get(&js_sys::global(), &"indexedDB".into()).unwrap().unchecked_into()
}

fn settled(request: &IdbOpenDbRequest) -> JsFuture {
    JsFuture::from(js_sys::Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    }))
}

/// A connection that ignores every request to close, as old code in a frozen tab does.
async fn deaf(name: &str, version: u32) -> IdbDatabase {
    let request = factory().open_with_u32(name, version).unwrap();
    settled(&request).await.unwrap();
    request.result().unwrap().unchecked_into()
}

#[wasm_bindgen_test]
async fn a_new_database_is_reported_and_an_old_one_is_not() {
    let plan = plan("created");
    let (idb, notices) = open(plan.clone()).await;
    assert_eq!(*notices.borrow(), [Notice::Created]);
    write(&idb, vec![put(json!({"id": "a"}))]).await.unwrap();
    idb.close();
    assert_eq!(write(&idb, vec![]).await.unwrap_err().code, Code::DatabaseClosed);
    let (idb, notices) = open(plan).await;
    assert_eq!(*notices.borrow(), []);
    assert_eq!(ids(&idb, Range::all(ITEMS, 9)).await, ["a"]);
}

// STO-8, scenario 14: whoever is asked to make way does, says so, and writes nothing in the old format afterwards.
#[wasm_bindgen_test]
async fn scenario_14_an_upgrade_adds_what_is_missing_and_keeps_every_row() {
    let mut plan = plan("upgrade");
    let (old, notices) = open(plan.clone()).await;
    write(&old, vec![put(json!({"id": "a", "rank": 1, "group": "g"}))]).await.unwrap();
    plan.version += 100;
    plan.stores[0].indexes.retain(|index| index.name != "rank");
    plan.stores[0].indexes.push(IndexDef {
        name: Cow::Borrowed("group"),
        key_path: vec!["group".into()],
        unique: false,
        multi: false,
    });
    plan.stores[0].indexes[0].key_path = vec!["rank".into(), "group".into()];
    plan.stores.remove(1);
    plan.stores.push(StoreDef { name: Cow::Borrowed("new"), key_path: vec!["id".into()], indexes: vec![] });
    let (new, _) = open(plan.clone()).await;
    assert_eq!(*notices.borrow(), [Notice::Created, Notice::Yielded], "the older tab made way");
    assert_eq!(ids(&new, Range::all(ITEMS, 9).by("group")).await, ["a"]);
    assert_eq!(ids(&new, Range::all(ITEMS, 9).by("pair")).await, ["a"]);
    let names = deaf(&plan.name, plan.version).await.object_store_names();
    assert!(names.contains("new") && names.contains("queue"), "a store that is no longer declared keeps its rows");

    // The older code goes on reading, and is told why it cannot write.
    assert_eq!(ids(&old, Range::all(ITEMS, 9)).await, ["a"]);
    let error = write(&old, vec![put(json!({"id": "b"}))]).await.unwrap_err();
    assert_eq!(error.code, Code::ReadOnly);
    assert_eq!(error.detail.unwrap()["code"], json!("SCHEMA_MISMATCH"));
    assert!(old.is_read_only());
    assert_eq!(notices.borrow().last(), Some(&Notice::ReadOnly));
}

#[wasm_bindgen_test]
async fn a_schema_that_changed_without_a_new_version_is_named() {
    let mut plan = plan("same-version");
    open(plan.clone()).await.0.close();
    plan.stores[0].indexes[0].unique = true;
    let error = Idb::open(plan.clone(), Box::new(|_| {})).await.err().unwrap();
    assert_eq!(error.code, Code::SchemaMismatch);
    assert!(error.message.contains("rank"), "{error}");
    plan.version += 1;
    open(plan.clone()).await.0.close();
    plan.version += 1;
    plan.stores[0].key_path = vec!["other".into()];
    assert_eq!(Idb::open(plan, Box::new(|_| {})).await.err().unwrap().code, Code::SchemaMismatch);
}

#[wasm_bindgen_test]
async fn scenario_14_a_blocked_upgrade_waits_and_says_so() {
    let mut plan = plan("blocked");
    let (old, _) = open(plan.clone()).await;
    write(&old, vec![put(json!({"id": "a"}))]).await.unwrap();
    old.close();
    let deaf = deaf(&plan.name, plan.version).await;
    plan.version += 1;
    let (tell, told) = {
        let mut tell = None;
        let told = js_sys::Promise::new(&mut |resolve, _| tell = Some(resolve));
        (tell.unwrap(), JsFuture::from(told))
    };
    let notice = move |notice| {
        if notice == Notice::Blocked {
            tell.call0(&JsValue::NULL).unwrap();
        }
    };
    let opening = Idb::open(plan, Box::new(notice));
    let release = async {
        told.await.unwrap();
        deaf.close();
    };
    let (opened, ()) = both(opening, release).await;
    assert_eq!(ids(&opened.unwrap(), Range::all(ITEMS, 9)).await, ["a"], "nothing was deleted to proceed");
}

/// Two futures at once, without a crate for it.
async fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (Box::pin(a), Box::pin(b));
    let (mut first, mut second) = (None, None);
    std::future::poll_fn(move |context| {
        if first.is_none() {
            if let std::task::Poll::Ready(done) = a.as_mut().poll(context) {
                first = Some(done);
            }
        }
        if second.is_none() {
            if let std::task::Poll::Ready(done) = b.as_mut().poll(context) {
                second = Some(done);
            }
        }
        match (first.take(), second.take()) {
            (Some(a), Some(b)) => std::task::Poll::Ready((a, b)),
            (a, b) => {
                (first, second) = (a, b);
                std::task::Poll::Pending
            }
        }
    })
    .await
}

#[wasm_bindgen_test]
async fn a_deleted_database_is_not_made_again_behind_its_back() {
    let plan = plan("deleted");
    let (idb, notices) = open(plan.clone()).await;
    let request = factory().delete_database(&plan.name).unwrap();
    settled(&request).await.unwrap();
    assert_eq!(notices.borrow().last(), Some(&Notice::Yielded));
    assert_eq!(write(&idb, vec![put(json!({"id": "a"}))]).await.unwrap_err().code, Code::DatabaseClosed);
}

/// Puts a function of ours in a method's place for one call, as a browser that fails once.
fn fail_once(class: &str, method: &str, body: &str) {
    let prototype = prototype(class);
    let whole = js_sys::Reflect::get(&prototype, &method.into()).unwrap();
    js_sys::Reflect::set(&js_sys::global(), &"whole".into(), &whole).unwrap();
    let body = format!("{class}.prototype.{method} = globalThis.whole; {body}");
    js_sys::Reflect::set(&prototype, &method.into(), &js_sys::Function::new_no_args(&body)).unwrap();
}

fn prototype(class: &str) -> JsValue {
    let class = js_sys::Reflect::get(&js_sys::global(), &class.into()).unwrap();
    js_sys::Reflect::get(&class, &"prototype".into()).unwrap()
}

/// As iOS does when it wakes up.
#[wasm_bindgen_test]
async fn a_connection_that_was_closed_under_us_is_opened_again() {
    let (idb, _) = open(plan("lost")).await;
    fail_once("IDBDatabase", "transaction", "this.close(); throw new DOMException('lost', 'InvalidStateError');");
    write(&idb, vec![put(json!({"id": "a"}))]).await.unwrap();
    assert_eq!(ids(&idb, Range::all(ITEMS, 9)).await, ["a"]);
}

#[wasm_bindgen_test]
async fn a_transaction_that_the_browser_aborts_is_run_again_from_its_beginning() {
    let (idb, _) = open(plan("aborted")).await;
    fail_once("IDBTransaction", "commit", "this.abort();");
    let mut runs = 0;
    let outcome = idb
        .transact(&scope(true), || {
            runs += 1;
            let run = runs;
            move |_| Step::Done(vec![put(json!({"id": format!("run {run}")}))], run)
        })
        .await;
    assert_eq!(outcome.unwrap(), 2);
    assert_eq!(ids(&idb, Range::all(ITEMS, 9)).await, ["run 2"], "of the first run nothing is left");
}

// SPC-8
#[wasm_bindgen_test]
async fn a_full_disk_is_told_from_a_lost_connection() {
    let (idb, _) = open(plan("full")).await;
    fail_once("IDBObjectStore", "put", "throw new DOMException('full', 'QuotaExceededError');");
    let error = write(&idb, vec![put(json!({"id": "a"}))]).await.unwrap_err();
    assert_eq!(error.code, Code::QuotaExceeded);
    write(&idb, vec![put(json!({"id": "b"}))]).await.unwrap();
    assert_eq!(ids(&idb, Range::all(ITEMS, 9)).await, ["b"]);
}

#[wasm_bindgen_test]
async fn a_connection_that_stays_lost_ends_in_an_error_that_says_so() {
    let (idb, _) = open(plan("dead")).await;
    let prototype = prototype("IDBDatabase");
    let whole = js_sys::Reflect::get(&prototype, &"transaction".into()).unwrap();
    let calls = std::rc::Rc::new(std::cell::Cell::new(0));
    let broken = Closure::<dyn FnMut() -> Result<JsValue, JsValue>>::new({
        let calls = calls.clone();
        move || {
            calls.set(calls.get() + 1);
            Err(web_sys::DomException::new_with_message_and_name("gone", "UnknownError").unwrap().into())
        }
    });
    js_sys::Reflect::set(&prototype, &"transaction".into(), broken.as_ref()).unwrap();
    let result = write(&idb, vec![put(json!({"id": "a"}))]).await;
    js_sys::Reflect::set(&prototype, &"transaction".into(), &whole).unwrap();
    let error = result.unwrap_err();
    assert_eq!(error.code, Code::StorageError);
    assert!(!error.hint.is_empty(), "{error}");
    assert!(calls.get() <= 3, "tried again a few times at most, not for ever: {}", calls.get());
    write(&idb, vec![put(json!({"id": "b"}))]).await.unwrap();
}
