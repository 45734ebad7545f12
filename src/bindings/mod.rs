//! The engine as JavaScript calls it: one class, about a dozen functions of plain data. This module decides what crosses the
//! border and in which form (records as JSON text or as the stored values themselves, options and events as objects); every
//! method is one call into the host, takes a shared receiver and holds no borrow over an await. js/ is its only caller.

mod face;
mod ids;
mod integrity;
mod open;
mod panic;
mod reads;

use crate::browser::host::{Host, fresh};
use crate::browser::{js, registry};
use crate::error::{Code, Result};
use crate::plain::{self, Plain, plain};
use crate::record::{Fields, domain};
use crate::store::WriteRequest;
use crate::store::act::{Act, Decision};
use crate::time::Millis;
use js_sys::{Function, Promise};
use serde_json::Value;
use std::pin::Pin;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::future_to_promise;

pub use panic::watch_panics;

/// An open database.
#[wasm_bindgen]
pub struct Db {
    host: Rc<Host>,
}

plain! {
    struct ActRequest {
        entity: String,
        id: String,
        decision: Decision,
        /// With either of these the record is corrected before it is sent again.
        data?: Fields,
        removed?: Vec<String>,
        ..
    }
}

#[wasm_bindgen]
impl Db {
    /// Opens a database; `on_event` is called with everything that happens from then on.
    pub fn open(options: JsValue, on_event: Function) -> Promise {
        answer(async move { Ok(Self { host: open::open(&options, on_event).await? }.into()) })
    }

    /// One local write; JSON text both ways.
    pub fn write(&self, request: String) -> Promise {
        let host = self.host.clone();
        answer(async move {
            let wrote = host.write(parse::<WriteRequest>(&request)?).await?;
            let answer = [("id", wrote.id.into()), ("op", wrote.op.plain()), ("gen", wrote.summary.gen_no.into())];
            Ok(JsValue::from_str(&plain::text(&plain::object(answer))))
        })
    }

    /// The id of a record that a batch will create.
    pub fn fresh_id(&self, entity: String) -> String {
        self.host.fresh_id(&entity)
    }

    /// Local writes that stand or fall together; JSON text both ways.
    pub fn batch(&self, requests: String) -> Promise {
        let host = self.host.clone();
        answer(async move {
            let wrote = host.batch(parse::<Vec<WriteRequest>>(&requests)?).await?;
            let each = [(wrote.id, wrote.op)].into_iter().chain(wrote.more);
            let each: Vec<_> = each.map(|(id, op)| plain::object([("id", id.into()), ("op", op.plain())])).collect();
            let answer = plain::object([("each", Value::Array(each)), ("gen", wrote.summary.gen_no.into())]);
            Ok(JsValue::from_str(&plain::text(&answer)))
        })
    }

    /// The stored record, or null.
    pub fn get(&self, entity: String, id: String) -> Promise {
        let host = self.host.clone();
        answer(async move { reads::get(&host, &entity, &id).await })
    }

    /// One page of a query: `{rows, cursor, gen}`.
    pub fn query(&self, query: String) -> Promise {
        let host = self.host.clone();
        answer(async move { reads::query(&host, &parse(&query)?).await })
    }

    /// Ops of the queue, oldest first.
    pub fn queue(&self, filter: String) -> Promise {
        let host = self.host.clone();
        answer(async move { reads::queue(&host, &parse(&filter)?).await })
    }

    /// References that lead nowhere.
    pub fn integrity(&self) -> Promise {
        let host = self.host.clone();
        answer(async move { integrity::report(&host).await })
    }

    /// Mends them by a strategy; resolves with the number of records changed.
    pub fn resolve_orphans(&self, strategy: String) -> Promise {
        let host = self.host.clone();
        answer(async move { integrity::resolve(&host, &strategy).await })
    }

    /// What temporary ids stand for; `pending`: those that stand for nothing yet.
    pub fn mappings(&self, pending: bool) -> Promise {
        let host = self.host.clone();
        answer(async move {
            if !pending {
                return ids::mappings(&host).await;
            }
            let ops = reads::queue(&host, &reads::Filter::all()).await?;
            Ok(ids::pending(&ops.into()))
        })
    }

    /// Conflicts that wait for a decision.
    pub fn conflicts(&self) -> Promise {
        let host = self.host.clone();
        answer(async move { reads::conflicts(&host).await })
    }

    /// Records that were deleted here and are not acknowledged yet, as they were.
    pub fn deleted(&self, entity: String) -> Promise {
        let host = self.host.clone();
        answer(async move { reads::deleted(&host, entity).await })
    }

    /// Rows in quarantine.
    pub fn quarantine(&self) -> Promise {
        let host = self.host.clone();
        answer(async move { reads::quarantine(&host).await })
    }

    /// Lets go of a row in quarantine.
    pub fn release(&self, id: String) -> Promise {
        let host = self.host.clone();
        answer(async move { host.release(id).await.map(|()| JsValue::UNDEFINED) })
    }

    /// A person's decision about the ops of a record; resolves with the new op's id, or null.
    pub fn act(&self, request: String) -> Promise {
        let host = self.host.clone();
        answer(async move {
            let ActRequest { entity, id, decision, data, removed } = parse(&request)?;
            let (name, edited) = ((entity, id), !data.is_empty() || !removed.is_empty());
            let act = if edited && decision == Decision::Retry {
                Act::edited(host.schema(), name, (data, removed), fresh())?
            } else {
                Act::new(host.schema(), name, decision, fresh())?
            };
            let op = host.act(act).await?;
            Ok(op.map_or(JsValue::NULL, |op| JsValue::from_str(&op)))
        })
    }

    /// Wants a sync; resolves with its result when it is over.
    pub fn wake(&self, reason: String) -> Promise {
        let host = self.host.clone();
        answer(async move {
            let cycle = host.wake(read(Value::String(reason))?).await;
            // The cycle that answers may have begun before it was asked for.
            let began = Millis(js::now().since(Millis(cycle.duration)));
            reads::result(&host, cycle, began).await
        })
    }

    /// Stops (`true`) or resumes syncing.
    pub fn pause(&self, paused: bool) {
        self.host.pause(paused);
    }

    /// How things stand.
    pub fn status(&self) -> JsValue {
        face::value(&self.host.status().plain())
    }

    /// What is known of this database: name of the device, generation, usage.
    pub fn meta(&self) -> Promise {
        let host = self.host.clone();
        answer(async move { reads::meta(&host).await })
    }

    /// Ends this context: the lock goes back, the database is closed.
    pub fn close(&self) {
        self.host.shutdown();
    }
}

/// The databases of this origin, as `open` takes them: what a worker opens when it is woken with no page open.
#[wasm_bindgen]
pub fn databases() -> Promise {
    answer(async {
        let entries = registry::all().await?;
        Ok(face::value(&entries.plain()))
    })
}

/// Whether an id is a temporary one.
#[wasm_bindgen]
#[must_use]
pub fn is_temp_id(id: &str) -> bool {
    crate::id::is_temp(id)
}

/// Strikes a database out of those that a worker opens.
#[wasm_bindgen]
pub fn forget(database: String) -> Promise {
    answer(async move { registry::forget(&database).await.map(|()| JsValue::UNDEFINED) })
}

/// Boxed, so that what makes a promise of a future is compiled once and not for every method.
fn answer(work: impl Future<Output = Result<JsValue>> + 'static) -> Promise {
    promise(Box::pin(work))
}

fn promise(work: Pin<Box<dyn Future<Output = Result<JsValue>>>>) -> Promise {
    future_to_promise(async move { work.await.map_err(|error| face::thrown(&error)) })
}

/// Text from JavaScript, in the value domain and of the expected shape.
fn parse<T: Plain>(text: &str) -> Result<T> {
    read(domain::parse(text.as_bytes())?)
}

fn read<T: Plain>(value: Value) -> Result<T> {
    plain::read(value).map_err(|mistake| mistake.told(Code::ValidationError))
}
