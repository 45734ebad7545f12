//! What the browser tells about its surroundings: the network, and whether anybody looks. This module decides which events
//! mean that; it works where there is no page (a worker has no document). The host turns what it hears into inputs.

use crate::browser::js;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, EventTarget};

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// There is a network, says the browser.
    Online,
    /// There is none, says the browser.
    Offline,
    /// The page is looked at (again), or thawed: timers and messages may have been missed.
    Shown,
    /// Nobody looks any more; the page may be frozen or ended at any time from here on.
    Hidden,
}

/// The listeners; taken off when this is dropped.
pub struct Ears {
    listening: Vec<(EventTarget, &'static str)>,
    listener: Closure<dyn FnMut(Event)>,
}

impl Ears {
    /// Calls `heard` with everything from now on.
    #[must_use]
    pub fn new(heard: Box<dyn Fn(Heard)>) -> Self {
        let listener = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            let what = match event.type_().as_str() {
                "online" => Heard::Online,
                "offline" => Heard::Offline,
                "pagehide" | "freeze" => Heard::Hidden,
                "visibilitychange" if !is_visible() => Heard::Hidden,
                _ => Heard::Shown,
            };
            heard(what);
        });
        let mut ears = Self { listening: Vec::new(), listener };
        let global = JsValue::from(js_sys::global());
        let document = js::get(&global, "document");
        for (target, events) in [
            (&global, &["online", "offline", "pageshow", "pagehide"][..]),
            (&document, &["visibilitychange", "freeze", "resume"][..]),
        ] {
            if let Some(target) = target.dyn_ref::<EventTarget>() {
                events.iter().for_each(|event| ears.listen(target, event));
            }
        }
        ears
    }

    fn listen(&mut self, target: &EventTarget, event: &'static str) {
        if target.add_event_listener_with_callback(event, self.listener.as_ref().unchecked_ref()).is_ok() {
            self.listening.push((target.clone(), event));
        }
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        for (target, event) in &self.listening {
            // Taking off a listener fails only where adding it failed.
            let _ = target.remove_event_listener_with_callback(event, self.listener.as_ref().unchecked_ref());
        }
    }
}

/// Whether the browser says that there is a network. A hint: it says yes behind a captive portal.
#[must_use]
pub fn is_online() -> bool {
    js::get(&js::get(&js_sys::global(), "navigator"), "onLine").as_bool() != Some(false)
}

/// Whether somebody may be looking: a visible page, or no page at all.
#[must_use]
pub fn is_visible() -> bool {
    js::get(&js::get(&js_sys::global(), "document"), "visibilityState").as_string().is_none_or(|state| state == "visible")
}

/// What people call this device: the platform, until they name it.
#[must_use]
pub fn device_name() -> String {
    let navigator = js::get(&js_sys::global(), "navigator");
    let modern = js::get(&js::get(&navigator, "userAgentData"), "platform").as_string();
    let name = modern.or_else(|| js::get(&navigator, "platform").as_string()).unwrap_or_default();
    if name.is_empty() { "a browser".to_owned() } else { name }
}
