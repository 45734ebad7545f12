//! The order of ids in the file. This module decides the bytes under which an id is sorted, so that SQLite's comparison of
//! bytes is IndexedDB's comparison of UTF-16 units (law 11).

/// The sort key of an id.
#[must_use]
pub fn sort(id: &str) -> Vec<u8> {
    id.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// The same as hexadecimal text, which is how bytes travel inside JSON.
#[must_use]
pub fn sort_hex(id: &str) -> String {
    id.encode_utf16().map(|unit| format!("{unit:04X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{sort, sort_hex};

    #[test]
    fn the_order_is_that_of_utf16_units_where_it_differs_from_bytes() {
        let (emoji, private) = ("\u{1f600}", "\u{e000}");
        assert!(emoji > private, "by code points the emoji is later");
        assert!(sort(emoji) < sort(private), "by UTF-16 units it is earlier");
        assert!(sort("a") < sort("aa") && sort("a").as_slice() > sort("").as_slice());
        assert_eq!(sort_hex("a\u{1f600}"), "0061D83DDE00");
    }
}
