//! Opening a database and bringing its stores and indexes up to the layout. This module decides what an upgrade creates
//! and when a database may only be read; it never deletes a row, and a database that another tab holds open it waits for.
//! `idb` calls it at the start and after every loss of the connection.

use crate::browser::idb::fail::Failure;
use crate::browser::js;
use crate::error::{Code, Error};
use crate::schema::Schema;
use crate::store::layout::{self, IndexDef, METADATA, Move, StoreDef};
use js_sys::{Array, Promise};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    IdbDatabase, IdbFactory, IdbIndexParameters, IdbObjectStore, IdbObjectStoreParameters, IdbOpenDbRequest, IdbTransactionMode,
    IdbVersionChangeEvent,
};

/// What a database must hold.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Its stores.
    pub stores: Vec<StoreDef>,
    /// What becomes of a database that is older.
    pub moves: Vec<Move>,
}

impl Plan {
    /// What the database of an application must hold.
    #[must_use]
    pub fn new(name: String, schema: &Schema) -> Self {
        let (version, stores, moves) = (layout::version(schema), layout::stores(schema), layout::moves(schema));
        Self { name, version, stores, moves }
    }
}

/// A database that has been opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub database: IdbDatabase,
    /// It was not there before.
    pub created: bool,
    /// It is newer than this code, which therefore only reads it.
    pub newer: bool,
}

/// The browser's IndexedDB; absent in some private modes.
pub(super) fn factory() -> Result<IdbFactory, Failure> {
    js::get(&js_sys::global(), "indexedDB").dyn_into().map_err(|_| {
        let error = Error::new(Code::StorageError, "this context has no IndexedDB");
        Failure::Refused(error.hint("private modes and blocked site data switch it off"))
    })
}

/// Opens the database and creates what is missing; `blocked` is called while another tab keeps an older version open.
pub(super) async fn open(plan: &Plan, blocked: Rc<dyn Fn()>) -> Result<Opened, Failure> {
    let created = Rc::new(Cell::new(false));
    let refused = Rc::new(RefCell::new(None));
    let request = factory()?.open_with_u32(&plan.name, plan.version).map_err(|thrown| Failure::of(&thrown))?;
    let upgrade = Closure::once({
        let (plan, request, created, refused) = (plan.clone(), request.clone(), created.clone(), refused.clone());
        move |event: IdbVersionChangeEvent| {
            let old = event.old_version();
            created.set(old == 0.0);
            if let Err(failure) = rename(&request, &plan, old).and_then(|()| upgrade(&request, &plan.stores)) {
                *refused.borrow_mut() = Some(failure);
                if let Some(transaction) = request.transaction() {
                    let _ = transaction.abort();
                }
            }
        }
    });
    request.set_onupgradeneeded(Some(upgrade.as_ref().unchecked_ref()));
    let waiting = Closure::<dyn FnMut()>::new(move || blocked());
    request.set_onblocked(Some(waiting.as_ref().unchecked_ref()));
    let opened = settle(&request).await;
    if let Some(failure) = refused.take() {
        return Err(failure);
    }
    match opened {
        Ok(database) => {
            check(&database, &plan.stores)?;
            Ok(Opened { database, created: created.get(), newer: false })
        }
        Err(thrown) if js::name(&thrown) == "VersionError" => newer(plan).await,
        Err(thrown) => Err(Failure::of(&thrown)),
    }
}

/// Opens a database that newer code has upgraded, at the version it has.
async fn newer(plan: &Plan) -> Result<Opened, Failure> {
    let request = factory()?.open(&plan.name).map_err(|thrown| Failure::of(&thrown))?;
    let database = settle(&request).await.map_err(|thrown| Failure::of(&thrown))?;
    Ok(Opened { database, created: false, newer: true })
}

async fn settle(request: &IdbOpenDbRequest) -> Result<IdbDatabase, JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    let outcome = JsFuture::from(promise).await;
    request.set_onsuccess(None);
    request.set_onerror(None);
    request.set_onupgradeneeded(None);
    request.set_onblocked(None);
    match outcome {
        Ok(_) => Ok(request.result()?.unchecked_into()),
        Err(_) => Err(request.error()?.map_or(JsValue::UNDEFINED, JsValue::from)),
    }
}

/// Stores that have another name now keep their rows, and a row says that the rows are still to be brought up to date: that
/// may take longer than an upgrade may keep everybody out.
fn rename(request: &IdbOpenDbRequest, plan: &Plan, old: f64) -> Result<(), Failure> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a version that an older plan was opened with")]
    let from = old as u32 / 100;
    let thrown = |thrown: JsValue| Failure::of(&thrown);
    let (database, transaction) = (request.result().map_err(thrown)?, request.transaction());
    let database: IdbDatabase = database.unchecked_into();
    let Some(transaction) = transaction.filter(|_| from > 0) else { return Ok(()) };
    for (former, now) in plan.moves.iter().filter(|one| one.to > from).flat_map(|one| &one.renames) {
        let names = database.object_store_names();
        if names.contains(former) && !names.contains(now) {
            transaction.object_store(former).map_err(thrown)?.set_name(now);
        }
    }
    if let Some(row) = layout::debt(&plan.moves, from, plan.version / 100) {
        let row = js::write(&row)?;
        transaction.object_store(&METADATA).and_then(|store| store.put(&row)).map_err(thrown)?;
    }
    Ok(())
}

fn upgrade(request: &IdbOpenDbRequest, stores: &[StoreDef]) -> Result<(), Failure> {
    let thrown = |thrown: JsValue| Failure::of(&thrown);
    let database: IdbDatabase = request.result().map_err(thrown)?.unchecked_into();
    let transaction = request.transaction().ok_or_else(|| Failure::Lost("an upgrade without a transaction".to_owned()))?;
    for def in stores {
        let store = if database.object_store_names().contains(&def.name) {
            transaction.object_store(&def.name).map_err(thrown)?
        } else {
            let options = IdbObjectStoreParameters::new();
            options.set_key_path(&path(&def.key_path));
            database.create_object_store_with_optional_parameters(&def.name, &options).map_err(thrown)?
        };
        if !same_path(&store, def) {
            return Err(changed_key(def).into());
        }
        indexes(&store, &def.indexes).map_err(thrown)?;
    }
    Ok(())
}

/// Indexes hold no data of their own: one that is no longer declared, or declared otherwise, is dropped or built again.
fn indexes(store: &IdbObjectStore, defs: &[IndexDef]) -> Result<(), JsValue> {
    let names = store.index_names();
    for name in (0..names.length()).filter_map(|at| names.get(at)).collect::<Vec<_>>() {
        let declared = defs.iter().find(|def| def.name == name);
        if !declared.is_some_and(|def| stands(store, def)) {
            store.delete_index(&name)?;
        }
    }
    for def in defs {
        if !store.index_names().contains(&def.name) {
            let options = IdbIndexParameters::new();
            options.set_unique(def.unique);
            options.set_multi_entry(def.multi);
            store.create_index_with_str_sequence_and_optional_parameters(&def.name, &path(&def.key_path), &options)?;
        }
    }
    Ok(())
}

/// Whether the store has this index, as it is declared.
fn stands(store: &IdbObjectStore, def: &IndexDef) -> bool {
    store.index(&def.name).is_ok_and(|index| {
        index.unique() == def.unique
            && index.multi_entry() == def.multi
            && index.key_path().is_ok_and(|found| paths(&found) == def.key_path)
    })
}

fn same_path(store: &IdbObjectStore, def: &StoreDef) -> bool {
    store.key_path().is_ok_and(|found| paths(&found) == def.key_path)
}

/// A key path as IndexedDB takes it: one path plain, several as a list.
fn path(path: &[String]) -> JsValue {
    match path {
        [one] => JsValue::from_str(one),
        several => several.iter().map(|one| JsValue::from_str(one)).collect::<Array>().into(),
    }
}

fn paths(found: &JsValue) -> Vec<String> {
    match found.as_string() {
        Some(one) => vec![one],
        None => Array::from(found).iter().filter_map(|one| one.as_string()).collect(),
    }
}

/// A schema that changed without counting up its version has made no upgrade happen: say so, instead of failing later.
fn check(database: &IdbDatabase, stores: &[StoreDef]) -> Result<(), Failure> {
    let wrong = |what: String| {
        database.close();
        Failure::from(Error::new(Code::SchemaMismatch, what).hint("count up the schema's version when stores or indexes change"))
    };
    let names = database.object_store_names();
    if let Some(def) = stores.iter().find(|def| !names.contains(&def.name)) {
        return Err(wrong(format!("the database has no store {}", def.name)));
    }
    let all: Array = stores.iter().map(|def| JsValue::from_str(&def.name)).collect();
    let transaction = database
        .transaction_with_str_sequence_and_mode(&all, IdbTransactionMode::Readonly)
        .map_err(|thrown| Failure::of(&thrown))?;
    for def in stores {
        let store = transaction.object_store(&def.name).map_err(|thrown| Failure::of(&thrown))?;
        if !same_path(&store, def) {
            database.close();
            return Err(changed_key(def).into());
        }
        if let Some(index) = def.indexes.iter().find(|index| !stands(&store, index)) {
            return Err(wrong(format!("the store {} has no index {} as it is declared", def.name, index.name)));
        }
    }
    Ok(())
}

fn changed_key(def: &StoreDef) -> Error {
    Error::new(Code::SchemaMismatch, format!("the store {} has another key", def.name))
        .hint("the key of an entity cannot change; declare a new entity or store")
}
