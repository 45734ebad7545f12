//! What joins the contexts of one database: the lock, the bell, the alarm, the registry. // SYN-6 STO-5

use landfall::browser::bell::BellRope;
use landfall::browser::locks::{Lock, LockNews, alone};
use landfall::browser::registry::{self, Entry};
use landfall::browser::timers::Alarm;
use landfall::browser::{entropy, js, network};
use landfall::sync::Bell;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

fn unique(name: &str) -> String {
    format!("landfall/test/{name}/{}", js_sys::Math::random())
}

/// A list that others write into, and a wait until it has so many entries.
#[derive(Clone)]
struct Log<T> {
    entries: Rc<RefCell<Vec<T>>>,
    more: Rc<RefCell<Vec<Rc<dyn Fn()>>>>,
}

impl<T: Clone + 'static> Log<T> {
    fn new() -> Self {
        Self { entries: Rc::default(), more: Rc::default() }
    }

    fn push(&self, entry: T) {
        self.entries.borrow_mut().push(entry);
        let more = self.more.take();
        more.iter().for_each(|more| more());
    }

    async fn at_least(&self, count: usize) -> Vec<T> {
        while self.entries.borrow().len() < count {
            let (more, wait) = js::signal();
            self.more.borrow_mut().push(more);
            wait.await;
        }
        self.entries.borrow().clone()
    }
}

fn lock(name: &str) -> (Lock, Log<LockNews>) {
    let log = Log::new();
    let news = log.clone();
    (Lock::new(name.to_owned(), Rc::new(move |what| news.push(what))), log)
}

#[wasm_bindgen_test]
async fn one_context_holds_the_lock_and_the_next_waits() {
    let name = unique("lock");
    let ((first, first_news), (second, second_news)) = (lock(&name), lock(&name));
    first.ask(false);
    assert_eq!(first_news.at_least(1).await, [LockNews::Granted]);
    first.ask(false);
    second.ask(false);
    let (third, third_news) = lock(&unique("other"));
    third.ask(false);
    third_news.at_least(1).await;
    assert_eq!(second_news.entries.borrow().len(), 0);
    first.release();
    assert_eq!(second_news.at_least(1).await, [LockNews::Granted]);
    assert_eq!(*first_news.entries.borrow(), [LockNews::Granted], "giving back is no loss");
}

#[wasm_bindgen_test]
async fn a_stolen_lock_is_lost_and_can_be_asked_for_again() {
    let name = unique("steal");
    let ((first, first_news), (second, second_news)) = (lock(&name), lock(&name));
    first.ask(false);
    first_news.at_least(1).await;
    second.ask(true);
    assert_eq!(second_news.at_least(1).await, [LockNews::Granted]);
    assert_eq!(first_news.at_least(2).await, [LockNews::Granted, LockNews::Lost]);
    first.ask(false);
    second.release();
    first_news.at_least(3).await;
}

#[wasm_bindgen_test]
async fn a_withdrawn_wish_is_not_granted() {
    let name = unique("withdrawn");
    let ((first, first_news), (second, second_news)) = (lock(&name), lock(&name));
    first.ask(false);
    first_news.at_least(1).await;
    second.ask(false);
    second.release();
    first.release();
    first.ask(false);
    first_news.at_least(2).await;
    assert_eq!(second_news.entries.borrow().len(), 0);
}

#[wasm_bindgen_test]
async fn work_done_alone_does_not_overlap_and_a_frozen_holder_is_passed_over() {
    let name = unique("alone");
    let done = alone(&name, 60_000, async { 7 }).await;
    assert_eq!(done, 7);
    assert_eq!(alone(&name, 60_000, async { 8 }).await, 8, "the lock was given back");
    let (holder, news) = lock(&name);
    holder.ask(false);
    news.at_least(1).await;
    assert_eq!(alone(&name, 10, async { 9 }).await, 9);
}

#[wasm_bindgen_test]
async fn a_bell_reaches_the_others_and_noise_does_not() {
    let name = unique("bell");
    let log = Log::new();
    let heard = log.clone();
    let _listener = BellRope::new(&name, Box::new(move |bell| heard.push(bell))).unwrap();
    let ringer = BellRope::new(&name, Box::new(|_| panic!("one's own bell comes back"))).unwrap();
    let noise = web_sys::BroadcastChannel::new(&name).unwrap();
    let many = Bell { gen_no: 1, changed: vec![("goal".into(), "a".into()); 65], ..Bell::default() };
    for message in
        ["nonsense".to_owned(), "{\"gen_no\": -1}".to_owned(), "x".repeat(70_000), serde_json::to_string(&many).unwrap()]
    {
        noise.post_message(&JsValue::from_str(&message)).unwrap();
    }
    noise.post_message(&js_sys::Object::new()).unwrap();
    let bell = Bell { gen_no: 7, changed: vec![("goal".into(), "a".into())], knock: true, ..Bell::default() };
    ringer.ring(&bell);
    let noisy = Bell { gen_no: 8, ..Bell::default() };
    noise.post_message(&JsValue::from_str(&serde_json::to_string(&noisy).unwrap())).unwrap();
    let heard = log.at_least(2).await;
    assert!(heard.contains(&bell) && heard.contains(&noisy) && heard.len() == 2, "{heard:?}");
}

#[wasm_bindgen_test]
async fn the_alarm_rings_once_at_its_time() {
    let log = Log::new();
    let rung = log.clone();
    let alarm = Alarm::new(Box::new(move || rung.push(js::now())));
    let at = js::now().plus(30);
    alarm.set(Some(js::now().plus(5_000)));
    alarm.set(Some(at));
    alarm.check();
    let rang = log.at_least(1).await;
    assert!(rang[0] >= at, "not before its time");
    alarm.set(Some(js::now()));
    log.at_least(2).await;
    alarm.set(Some(js::now().plus(1)));
    alarm.set(None);
    let (ready, wait) = js::signal();
    let later = Alarm::new(Box::new(move || ready()));
    later.set(Some(js::now().plus(5)));
    wait.await;
    assert_eq!(log.entries.borrow().len(), 2, "an alarm that was taken back does not ring");
}

#[wasm_bindgen_test]
async fn the_registry_keeps_one_entry_for_each_database() {
    let entry = |name: &str, base: &str| Entry {
        database: name.to_owned(),
        schema: "{}".into(),
        tenant: "acme".into(),
        user: "ann".into(),
        device: String::new(),
        base: base.to_owned(),
        refresh: Some("/auth/refresh".into()),
        opened_at: js::now(),
    };
    let (a, b) = (unique("a"), unique("b"));
    registry::note(&entry(&a, "/one")).await.unwrap();
    registry::note(&entry(&b, "/two")).await.unwrap();
    registry::note(&entry(&a, "/three")).await.unwrap();
    let ours = async || -> Vec<Entry> {
        registry::all().await.unwrap().into_iter().filter(|one| one.database == a || one.database == b).collect()
    };
    let bases: BTreeSet<String> = ours().await.into_iter().map(|one| one.base).collect();
    assert_eq!(bases, BTreeSet::from(["/two".to_owned(), "/three".to_owned()]));
    registry::forget(&a).await.unwrap();
    registry::forget(&a).await.unwrap();
    assert_eq!(ours().await.len(), 1);
}

#[wasm_bindgen_test]
async fn surroundings_are_heard_where_there_is_no_page_too() {
    let log = Log::new();
    let heard = log.clone();
    let ears = network::Ears::new(Box::new(move |what| heard.push(what)));
    let dispatch = |event: &str| {
        let script = format!("globalThis.dispatchEvent(new Event('{event}'))");
        js_sys::Function::new_no_args(&script).call0(&JsValue::NULL).unwrap();
    };
    dispatch("offline");
    dispatch("online");
    assert_eq!(*log.entries.borrow(), [network::Heard::Offline, network::Heard::Online]);
    drop(ears);
    dispatch("offline");
    assert_eq!(log.entries.borrow().len(), 2);
    assert_ne!(entropy::draw(), entropy::draw());
    JsFuture::from(js_sys::Promise::resolve(&JsValue::NULL)).await.unwrap();
}
