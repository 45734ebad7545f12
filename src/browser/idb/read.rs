//! Reads as IndexedDB requests. This module decides which of `get`, `getAll` and a cursor answers a read; it waits for
//! nothing and converts no row. `txn` issues all reads of a round through it at once.

use crate::browser::idb::fail::Failure;
use crate::browser::idb::gather::Heard;
use crate::browser::js;
use crate::store::{Key, Range, Read};
use js_sys::{Array, Function, Object};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{IdbCursorDirection, IdbCursorWithValue, IdbIndex, IdbKeyRange, IdbObjectStore, IdbRequest, IdbTransaction};

/// A read on its way.
pub(super) enum Asked {
    /// Nothing can match (an empty stretch): no request was made.
    Nothing,
    /// At most one row.
    One(IdbRequest),
    /// A list.
    Many(IdbRequest),
    /// A cursor that fills the list.
    Walk(Walk),
}

/// A cursor under way; its listener lives as long as it runs.
pub(super) struct Walk {
    rows: Array,
    request: IdbRequest,
    _step: Closure<dyn FnMut()>,
}

impl Asked {
    /// The answer, once it is there: a list of rows.
    pub fn rows(&self) -> Result<Array, Failure> {
        match self {
            Self::Nothing => Ok(Array::new()),
            Self::One(request) => {
                let row = request.result().map_err(|thrown| Failure::of(&thrown))?;
                Ok(if row.is_undefined() { Array::new() } else { Array::of1(&row) })
            }
            Self::Many(request) => Ok(request.result().map_err(|thrown| Failure::of(&thrown))?.unchecked_into()),
            Self::Walk(walk) => Ok(walk.rows.clone()),
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        match self {
            Self::One(request) | Self::Many(request) | Self::Walk(Walk { request, .. }) => request.set_onsuccess(None),
            Self::Nothing => {}
        }
    }
}

/// Makes the requests of one read.
pub(super) fn ask(transaction: &IdbTransaction, read: &Read, heard: &Rc<Heard>) -> Result<Asked, Failure> {
    let thrown = |thrown: JsValue| Failure::of(&thrown);
    match read {
        Read::Get { store, key } => {
            let store = transaction.object_store(store).map_err(thrown)?;
            store.get(&js::key(key)).map(Asked::One).map_err(thrown)
        }
        Read::Range(range) => {
            let store = transaction.object_store(&range.store).map_err(thrown)?;
            let source = match &range.index {
                None => Source::Store(store),
                Some(index) => Source::Index(store.index(index).map_err(thrown)?),
            };
            let Some(stretch) = Stretch::of(range) else { return Ok(Asked::Nothing) };
            stretch.ask(&source, range, heard).map_err(thrown)
        }
    }
}

enum Source {
    Store(IdbObjectStore),
    Index(IdbIndex),
}

impl Source {
    fn object(&self) -> &JsValue {
        match self {
            Self::Store(store) => store,
            Self::Index(index) => index,
        }
    }

    fn get_all(&self, keys: &JsValue, limit: u32) -> Result<IdbRequest, JsValue> {
        match self {
            Self::Store(store) => store.get_all_with_key_and_limit(keys, limit),
            Self::Index(index) => index.get_all_with_key_and_limit(keys, limit),
        }
    }

    /// `getAll` with a direction came together with `getAllRecords`; before, its first argument could only be a key.
    fn get_all_backwards(&self, keys: &JsValue, limit: u32) -> Option<Result<IdbRequest, JsValue>> {
        js::function(self.object(), "getAllRecords")?;
        let get_all: Function = js::function(self.object(), "getAll")?;
        let options = Object::new();
        js::set(&options, "query", keys);
        js::set(&options, "count", &JsValue::from_f64(f64::from(limit)));
        js::set(&options, "direction", &JsValue::from_str("prev"));
        Some(get_all.call1(self.object(), &options).map(JsCast::unchecked_into))
    }

    fn cursor(&self, keys: &JsValue, direction: IdbCursorDirection) -> Result<IdbRequest, JsValue> {
        match self {
            Self::Store(store) => store.open_cursor_with_range_and_direction(keys, direction),
            Self::Index(index) => index.open_cursor_with_range_and_direction(keys, direction),
        }
    }
}

/// The keys to go over, and the entry to go on behind if the keys alone cannot say it.
struct Stretch {
    keys: JsValue,
    behind: Option<(Key, Key)>,
}

type Bound = Option<(Key, bool)>;

impl Stretch {
    /// `None` when the bounds leave nothing between them, which IndexedDB would refuse instead of answering.
    fn of(range: &Range) -> Option<Self> {
        let (mut lower, mut upper) = (range.lower.clone(), range.upper.clone());
        let mut behind = None;
        if let Some((entry, primary)) = &range.after {
            // In a store an entry is its key; in an index entries of one key follow each other by primary key, so that
            // the stretch begins with this key and the cursor is moved behind the entry.
            let taken = range.index.is_some();
            if taken {
                behind = Some((entry.clone(), primary.clone()));
            }
            let bound = (entry.clone(), taken);
            if range.reverse { upper = tighter(upper, bound, true) } else { lower = tighter(lower, bound, false) }
        }
        if range.limit == 0 || is_empty(&lower, &upper) {
            return None;
        }
        if range.index.is_some() && lower.is_none() {
            // WebKit keeps an entry for null in an index, before all others; no number is below this one.
            lower = Some((Key::Number(f64::NEG_INFINITY), true));
        }
        Some(Self { keys: key_range(&lower, &upper)?, behind })
    }

    fn ask(self, source: &Source, range: &Range, heard: &Rc<Heard>) -> Result<Asked, JsValue> {
        let direction = if range.reverse { IdbCursorDirection::Prev } else { IdbCursorDirection::Next };
        match &self.behind {
            None if !range.reverse => source.get_all(&self.keys, range.limit).map(Asked::Many),
            None => match source.get_all_backwards(&self.keys, range.limit) {
                Some(request) => request.map(Asked::Many),
                None => walk(source.cursor(&self.keys, direction)?, range, None, heard),
            },
            Some(_) => walk(source.cursor(&self.keys, direction)?, range, self.behind, heard),
        }
    }
}

/// Lets a cursor collect rows until there are enough, skipping to behind an entry first.
fn walk(request: IdbRequest, range: &Range, behind: Option<(Key, Key)>, heard: &Rc<Heard>) -> Result<Asked, JsValue> {
    let rows = Array::new();
    heard.expect_one();
    let step = Closure::<dyn FnMut()>::new({
        let (rows, request, heard, limit, reverse) = (rows.clone(), request.clone(), heard.clone(), range.limit, range.reverse);
        let behind = Cell::new(behind);
        move || match advance(&request, &rows, &behind, (limit, reverse)) {
            Ok(true) => {}
            Ok(false) => heard.answered(),
            Err(thrown) => heard.ended(Err(Failure::of(&thrown))),
        }
    });
    request.set_onsuccess(Some(step.as_ref().unchecked_ref()));
    Ok(Asked::Walk(Walk { rows, request, _step: step }))
}

/// One success of the cursor's request. Whether another one follows.
fn advance(
    request: &IdbRequest,
    rows: &Array,
    behind: &Cell<Option<(Key, Key)>>,
    (limit, reverse): (u32, bool),
) -> Result<bool, JsValue> {
    let result = request.result()?;
    if result.is_null() || result.is_undefined() {
        return Ok(false);
    }
    let cursor: IdbCursorWithValue = result.unchecked_into();
    if let Some((entry, primary)) = behind.take() {
        let place = compare(&cursor, &js::key(&entry), &js::key(&primary))? * if reverse { -1 } else { 1 };
        if place < 0 {
            behind.set(Some((entry.clone(), primary.clone())));
            cursor.continue_primary_key(&js::key(&entry), &js::key(&primary))?;
            return Ok(true);
        }
        if place == 0 {
            cursor.continue_()?;
            return Ok(true);
        }
    }
    rows.push(&cursor.value()?);
    if rows.length() >= limit {
        return Ok(false);
    }
    cursor.continue_()?;
    Ok(true)
}

/// Where the cursor stands relative to an entry: before (-1), on (0) or behind it (1), in ascending order.
fn compare(cursor: &IdbCursorWithValue, entry: &JsValue, primary: &JsValue) -> Result<i16, JsValue> {
    let factory = super::open::factory().map_err(|_| JsValue::UNDEFINED)?;
    match factory.cmp(&cursor.key()?, entry)? {
        0 => factory.cmp(&cursor.primary_key()?, primary),
        place => Ok(place),
    }
}

/// The bound that leaves less.
fn tighter(old: Bound, new: (Key, bool), upper: bool) -> Bound {
    let Some(old) = old else { return Some(new) };
    let order = if upper { new.0.cmp(&old.0).reverse() } else { new.0.cmp(&old.0) };
    Some(match order {
        std::cmp::Ordering::Greater => new,
        std::cmp::Ordering::Less => old,
        std::cmp::Ordering::Equal => (old.0, old.1 && new.1),
    })
}

fn is_empty(lower: &Bound, upper: &Bound) -> bool {
    let (Some((low, low_taken)), Some((high, high_taken))) = (lower, upper) else { return false };
    match low.cmp(high) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => !(*low_taken && *high_taken),
        std::cmp::Ordering::Greater => true,
    }
}

/// `None` for keys that IndexedDB does not take; `undefined` stands for all keys.
fn key_range(lower: &Bound, upper: &Bound) -> Option<JsValue> {
    let range = match (lower, upper) {
        (None, None) => return Some(JsValue::UNDEFINED),
        (Some((low, taken)), None) => IdbKeyRange::lower_bound_with_open(&js::key(low), !taken),
        (None, Some((high, taken))) => IdbKeyRange::upper_bound_with_open(&js::key(high), !taken),
        (Some((low, low_taken)), Some((high, high_taken))) => {
            IdbKeyRange::bound_with_lower_open_and_upper_open(&js::key(low), &js::key(high), !low_taken, !high_taken)
        }
    };
    range.ok().map(JsValue::from)
}
