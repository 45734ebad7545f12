//! The bell between the contexts of one database, over `BroadcastChannel`. This module decides what a message looks like and
//! refuses any other; a bell is a hint and may be lost. The host rings it and hears it; where the browser has none, coming
//! back to the page stands in for it.

use crate::browser::js;
use crate::limits;
use crate::plain::{self, Plain};
use crate::record::domain;
use crate::sync::Bell;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BroadcastChannel, MessageEvent};

/// Longest message that is looked at: more cannot be a bell of ours.
const MESSAGE_UNITS: u32 = 64 << 10;

/// One end of the channel.
pub struct BellRope {
    channel: BroadcastChannel,
    _listener: Closure<dyn FnMut(MessageEvent)>,
}

impl BellRope {
    /// Joins the channel of a database; `None` where the browser has no channels.
    #[must_use]
    pub fn new(database: &str, heard: Box<dyn Fn(Bell)>) -> Option<Self> {
        js::function(&js_sys::global(), "BroadcastChannel")?;
        let channel = BroadcastChannel::new(database).ok()?;
        let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(bell) = read(&event.data()) {
                heard(bell);
            }
        });
        channel.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        Some(Self { channel, _listener: listener })
    }

    /// Tells the others.
    pub fn ring(&self, bell: &Bell) {
        // Throws only on a closed channel, whose context is ending.
        let _ = self.channel.post_message(&JsValue::from_str(&plain::text(&bell.plain())));
    }
}

impl Drop for BellRope {
    fn drop(&mut self) {
        self.channel.set_onmessage(None);
        self.channel.close();
    }
}

/// Any script of the origin can post here: what is not a bell is left alone.
fn read(data: &JsValue) -> Option<Bell> {
    let text = data.dyn_ref::<js_sys::JsString>().filter(|text| text.length() <= MESSAGE_UNITS)?;
    let bell: Bell = plain::read(domain::parse(String::from(text).as_bytes()).ok()?).ok()?;
    let fits = |id: &str| id.len() <= limits::ID_BYTES;
    (bell.changed.len() <= limits::BELL_IDS && bell.changed.iter().all(|(entity, id)| fits(entity) && fits(id))).then_some(bell)
}
