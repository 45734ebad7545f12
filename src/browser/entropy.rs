//! Random bytes for the engine's ids and jitter. This module decides where they come from; the pure rooms only ever get
//! them as an input. The host draws 32 bytes for each input it feeds.

use crate::browser::js;
use js_sys::Uint8Array;

/// 32 bytes from the browser's generator.
#[must_use]
pub fn draw() -> [u8; 32] {
    let bytes = Uint8Array::new_with_length(32);
    let crypto = js::get(&js_sys::global(), "crypto");
    let drawn = js::function(&crypto, "getRandomValues").map(|draw| draw.call1(&crypto, &bytes));
    if !matches!(drawn, Some(Ok(_))) {
        // Every secure context has it. Without it ids must still differ between devices; they are no secrets.
        for at in 0..32 {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
            bytes.set_index(at, (js_sys::Math::random() * 256.0) as u8);
        }
    }
    let mut seed = [0; 32];
    bytes.copy_to(&mut seed);
    seed
}
