//! Whole devices in one context: host, database, lock and bell of the browser, against the reference ledger behind `fetch`.
//! // SYN-1 SYN-6 SYN-15 STO-5

use crate::suite;
use crate::util::open;
use landfall::authority::{MemoryLedger, TokenKey, Who};
use landfall::browser::fetch::{Fetch, Source};
use landfall::browser::host::{Event, Host, Opening};
use landfall::browser::idb::Plan;
use landfall::browser::js;
use landfall::error::{Code, Result};
use landfall::schema::Operation;
use landfall::store::{Key, Read, WriteRequest};
use landfall::sync::{Reason, State, Status};
use landfall::time::Millis;
use landfall::wire::{Problem, check};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_test::wasm_bindgen_test;

/// The server: the reference ledger in the place of `fetch`.
#[derive(Clone)]
struct Server {
    ledger: Rc<RefCell<MemoryLedger>>,
    down: Rc<Cell<bool>>,
    requests: Rc<Cell<u32>>,
}

impl Server {
    fn start() -> Self {
        let ledger = Rc::new(RefCell::new(MemoryLedger::new(TokenKey([1; 32]), "run".into())));
        let server = Self { ledger, down: Rc::default(), requests: Rc::default() };
        let answer = Closure::<dyn FnMut(String, String) -> JsValue>::new({
            let server = server.clone();
            move |path: String, body: String| server.answer(&path, &body)
        });
        js_sys::Reflect::set(&js_sys::global(), &"answer".into(), answer.as_ref()).unwrap();
        answer.forget();
        let fetch = "globalThis.fetch = async (url, init) => {
            const text = globalThis.answer(url, init.body);
            if (text === undefined) throw new TypeError('Failed to fetch');
            const status = JSON.parse(text).status ?? 200;
            const type = status === 200 ? 'application/json' : 'application/problem+json';
            return new Response(text, { status, headers: { 'content-type': type } });
        };";
        js_sys::Function::new_no_args(fetch).call0(&JsValue::NULL).unwrap();
        server
    }

    fn answer(&self, path: &str, body: &str) -> JsValue {
        self.requests.set(self.requests.get() + 1);
        if self.down.get() {
            return JsValue::UNDEFINED;
        }
        let text = match self.decide(path, body) {
            Ok(value) => value.to_string(),
            Err(error) => serde_json::to_string(&Problem::from(error)).unwrap(),
        };
        JsValue::from_str(&text)
    }

    fn decide(&self, path: &str, body: &str) -> Result<Value> {
        let (schema, now) = (suite::schema(), Millis(js::now().0));
        let device = serde_json::from_str::<Value>(body).unwrap()["device_id"].as_str().unwrap().to_owned();
        let who = Who {
            tenant: "suite/t".into(),
            user: "ann".into(),
            roles: vec![],
            device: device.as_str().into(),
            lists: Default::default(),
        };
        let mut ledger = self.ledger.borrow_mut();
        let bytes = body.as_bytes();
        Ok(match path {
            "/suite/api/v1/sync/devices" => json!(ledger.attach(&who, &check::body(bytes)?, now)?),
            "/suite/api/v1/sync/push" => json!(ledger.push(&schema, &who, check::body(bytes)?, now)?),
            _ => json!(ledger.pull(&schema, &who, check::body(bytes)?, now)),
        })
    }
}

/// A device, and what its application was told.
struct Device {
    host: Rc<Host>,
    events: Rc<RefCell<Vec<Event>>>,
}

async fn device(database: &str) -> Device {
    let schema = Rc::new(suite::schema());
    let plan = Plan::new(database.to_owned(), &schema);
    let (idb, _) = open(plan).await;
    let events = Rc::new(RefCell::new(Vec::new()));
    let told = events.clone();
    let opening = Opening { schema, user: "ann".into(), database: database.to_owned() };
    let fetch = Fetch::new("/suite", Source::None).unwrap();
    let host = Host::start(opening, idb, fetch, Rc::new(move |event| told.borrow_mut().push(event)));
    Device { host, events }
}

impl Device {
    async fn create(&self, id: &str) -> Result<()> {
        let data = json!({ "title": id, "status": "open", "rank": 1 });
        let data = data.as_object().cloned().unwrap();
        let request =
            WriteRequest { operation: Operation::Create, entity: "book".into(), id: Some(id.into()), data, removed: vec![] };
        self.host.write(request).await.map(|_| ())
    }

    async fn sync(&self) -> Status {
        assert_eq!(self.host.wake(Reason::User).await.error, None);
        self.host.status()
    }

    async fn has(&self, id: &str) -> bool {
        let rows = self.host.rows(&[Read::Get { store: "books".into(), key: Key::from(id) }]).await.unwrap();
        rows[0].length() == 1
    }

    fn changed(&self) -> Vec<(String, String)> {
        let events = self.events.borrow();
        let changed =
            events.iter().filter_map(|event| if let Event::Changed(_, changed) = event { Some(changed.clone()) } else { None });
        changed.flatten().collect()
    }
}

fn unique(name: &str) -> String {
    format!("landfall/test/{name}/{}", js_sys::Math::random())
}

#[wasm_bindgen_test]
async fn two_devices_meet_on_the_server() {
    let _server = Server::start();
    let (a, b) = (device(&unique("a")).await, device(&unique("b")).await);
    a.create("one").await.unwrap();
    assert_eq!(a.sync().await.state, State::Synced);
    let status = b.sync().await;
    assert_eq!(status.state, State::Synced, "everything is fetched: {status:?}");
    assert!(b.has("one").await);
    assert!(b.changed().contains(&("book".to_owned(), "one".to_owned())), "the application hears of what was pulled");
    a.host.shutdown();
    b.host.shutdown();
}

#[wasm_bindgen_test]
async fn an_empty_server_leaves_nothing_to_fetch() {
    let _server = Server::start();
    let a = device(&unique("empty")).await;
    let status = a.sync().await;
    assert_eq!(status.state, State::Synced, "{status:?}");
    a.host.shutdown();
}

#[wasm_bindgen_test]
async fn two_contexts_of_one_database_sync_one_at_a_time_and_hear_each_other() {
    let server = Server::start();
    let name = unique("tabs");
    let (first, second) = (device(&name).await, device(&name).await);
    first.create("one").await.unwrap();
    second.create("two").await.unwrap();
    first.sync().await;
    second.sync().await;
    first.sync().await;
    assert_eq!(server.ledger.borrow().entries().count(), 2, "each op once");
    assert!(first.has("two").await && second.has("one").await);
    assert!(second.changed().contains(&("book".to_owned(), "one".to_owned())), "the bell of the other tab is heard");
    first.host.shutdown();
    second.host.shutdown();
}

#[wasm_bindgen_test]
async fn without_a_network_work_goes_on_and_the_attempt_is_scheduled() {
    let server = Server::start();
    server.down.set(true);
    let a = device(&unique("down")).await;
    a.create("one").await.unwrap();
    let cycle = a.host.wake(Reason::User).await;
    assert_eq!(cycle.error.unwrap().code, Code::NetworkError);
    let status = a.host.status();
    assert!(status.queued == 1 && status.next_attempt_at.is_some(), "{status:?}");
    server.down.set(false);
    a.sync().await;
    assert_eq!(server.ledger.borrow().rows().count(), 1);
    a.host.shutdown();
}

#[wasm_bindgen_test]
async fn paused_sends_nothing_and_closed_answers_everybody() {
    let server = Server::start();
    let a = device(&unique("paused")).await;
    a.sync().await;
    a.host.pause(true);
    a.create("one").await.unwrap();
    let before = server.requests.get();
    a.host.wake(Reason::User).await;
    assert_eq!((server.requests.get(), a.host.status().state), (before, State::Paused));
    a.host.shutdown();
    assert_eq!(a.create("two").await.unwrap_err().code, Code::DatabaseClosed);
    assert_eq!(a.host.wake(Reason::User).await.error.unwrap().code, Code::DatabaseClosed);
}
