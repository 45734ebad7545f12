//! A small database for tests, under a name of its own each time.

use landfall::browser::idb::{Idb, Notice, Plan};
use landfall::error::Result;
use landfall::store::layout::{IndexDef, StoreDef};
use landfall::store::{Change, Durability, Key, Range, Read, Rows, Scope, Step};
use serde_json::Value;
use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

pub const ITEMS: Cow<'static, str> = Cow::Borrowed("items");
pub const QUEUE: Cow<'static, str> = Cow::Borrowed("queue");

pub fn plan(test: &str) -> Plan {
    let stamp = js_sys::Math::random();
    let index = |name: &'static str, path: &[&str], unique: bool, multi: bool| IndexDef {
        name: Cow::Borrowed(name),
        key_path: path.iter().map(|path| (*path).to_owned()).collect(),
        unique,
        multi,
    };
    let items = vec![
        index("rank", &["rank"], false, false),
        index("pair", &["group", "rank"], false, false),
        index("tags", &["tags"], false, true),
        index("code", &["code"], true, false),
    ];
    Plan {
        name: format!("landfall/test/{test}/{stamp}"),
        version: 101,
        moves: vec![],
        stores: vec![
            StoreDef { name: ITEMS, key_path: vec!["id".to_owned()], indexes: items },
            StoreDef { name: QUEUE, key_path: vec!["kind".to_owned(), "seq".to_owned()], indexes: vec![] },
        ],
    }
}

pub type Notices = Rc<RefCell<Vec<Notice>>>;

pub async fn open(plan: Plan) -> (Idb, Notices) {
    let notices = Notices::default();
    let heard = notices.clone();
    let idb = Idb::open(plan, Box::new(move |notice| heard.borrow_mut().push(notice))).await.unwrap();
    (idb, notices)
}

pub fn scope(writes: bool) -> Scope {
    Scope { stores: vec![ITEMS, QUEUE], writes, durability: Durability::Relaxed }
}

pub fn put(row: Value) -> Change {
    Change::Put { store: ITEMS, row }
}

pub async fn write(idb: &Idb, changes: Vec<Change>) -> Result<()> {
    idb.transact(&scope(true), || {
        let changes = changes.clone();
        move |_| Step::Done(changes.clone(), ())
    })
    .await
}

pub async fn read(idb: &Idb, reads: Vec<Read>) -> Result<Vec<Rows>> {
    idb.transact(&scope(false), || {
        let mut reads = Some(reads.clone());
        move |rows| match reads.take() {
            Some(reads) => Step::Read(reads),
            None => Step::Done(vec![], rows),
        }
    })
    .await
}

pub async fn ids(idb: &Idb, range: Range) -> Vec<String> {
    let rows = read(idb, vec![Read::Range(range)]).await.unwrap().remove(0);
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

pub fn get(id: &str) -> Read {
    Read::Get { store: ITEMS, key: Key::from(id) }
}
