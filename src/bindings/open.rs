//! What `open` is given, and what it does with it: the schema is checked, the database opened, the registry told, the host
//! started. It decides the order of that and nothing else.

use crate::bindings::face;
use crate::browser::fetch::{Fetch, Source};
use crate::browser::host::{Event, Host, Opening, Tell};
use crate::browser::idb::{Idb, Notice, Plan};
use crate::browser::js;
use crate::browser::registry::{self, Entry};
use crate::error::{Code, Error, Result};
use crate::plain::plain;
use crate::schema::Schema;
use crate::store::migrate::Migrate;
use crate::store::{Output, layout};
use js_sys::Function;
use std::rc::Rc;
use wasm_bindgen::JsValue;

plain! {
    struct Options {
        schema: String,
        tenant: String,
        user: String,
        device: String = String::new(),
        base: String,
        refresh: Option<String>,
        /// Given by a worker that found the database in the registry: nothing to note.
        database: Option<String>,
        ..
    }
}

pub(super) async fn open(options: &JsValue, on_event: Function) -> Result<Rc<Host>> {
    let given: Options = js::read(options).map_err(|error| Error { code: Code::ValidationError, ..error })?;
    let schema = Rc::new(Schema::parse(&given.schema)?);
    names(&given)?;
    let database = layout::database(&schema.app, &given.tenant, &given.user, &given.device);
    let source = match (js::function(options, "token"), &given.refresh) {
        (Some(callback), _) => Source::Callback(callback),
        (None, Some(address)) => Source::Address(address.clone()),
        (None, None) => Source::None,
    };
    let fetch = Fetch::new(&given.base, source)?;
    let tell: Tell = Rc::new(move |event: Event| {
        // A listener's own fault is its own affair; js/ reports it.
        let _ = on_event.call1(&JsValue::NULL, &face::event(&event));
    });
    let plan = Plan::new(database.clone(), &schema);
    let notice = tell.clone();
    let idb = Idb::open(plan, Box::new(move |what| notice(Event::Notice(what)))).await?;
    migrate(&idb, &schema, &tell).await?;
    let host = Host::start(Opening { schema, user: given.user.clone(), database: database.clone() }, idb, fetch, tell.clone());
    if given.database.is_none() {
        note(given, database, tell);
    }
    Ok(host)
}

/// Nobody reads or writes before every row is as this code expects it: an index over rows of which half have moved would
/// answer wrongly. Another tab that opens the database meanwhile helps, slice by slice.
async fn migrate(idb: &Idb, schema: &Schema, tell: &Tell) -> Result<()> {
    while !idb.is_read_only() {
        let Output::Migrated(migrated) = idb.run(schema, &Migrate::new(js::now()).into()).await? else { break };
        if !migrated.more {
            break;
        }
        tell(Event::Notice(Notice::Migrating(migrated.done)));
    }
    Ok(())
}

/// Names go into the database's name, where `/` parts them.
fn names(given: &Options) -> Result<()> {
    for (name, text) in [("tenant", &given.tenant), ("user", &given.user), ("device", &given.device)] {
        let empty = text.is_empty() && name != "device";
        if empty || text.len() > crate::limits::ID_BYTES || text.contains('/') || text.chars().any(char::is_control) {
            let error = Error::new(Code::ValidationError, "is 1 to 128 bytes without / and control characters");
            return Err(error.at(name).hint("pass the id of the signed-in user and of the tenant"));
        }
    }
    Ok(())
}

/// A worker can open the database later; if that fails, only syncing without a page is lost.
fn note(given: Options, database: String, tell: Tell) {
    let Options { schema, tenant, user, device, base, refresh, .. } = given;
    let entry = Entry { database, schema, tenant, user, device, base, refresh, opened_at: js::now() };
    js::spawn(async move {
        if let Err(error) = registry::note(&entry).await {
            tell(Event::Warning(error));
        }
    });
}
