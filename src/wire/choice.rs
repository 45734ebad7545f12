//! What a user has chosen for one device. This module decides the fields of `scope`: the whole choice each time, so that the
//! same request again changes nothing. What it brings to the device is `authority`'s to decide.

use crate::id::DeviceId;
use crate::plain::plain;
use crate::time::Millis;
use crate::wire::Want;

plain! {
    /// `POST {base}/api/v1/sync/scope`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Choice {
        /// `wire::PROTOCOL`.
        pub protocol: u32,
        /// The device.
        pub device_id: DeviceId,
        /// Records picked by hand.
        pub selected?: Vec<Want>,
        /// Records opened lately.
        pub opened?: Vec<Opened>,
        /// Entities not wanted on this device.
        pub deselected?: Vec<String>,
        ..
    }
}

plain! {
    /// A record that was opened.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Opened {
        /// The entity's name in the schema.
        pub entity_type: String,
        /// The record's id.
        pub entity_id: String,
        /// When, by the device's clock.
        pub at: Millis,
        ..
    }
}

plain! {
    /// The answer to it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ChoiceReply {
        /// The server's clock, ISO 8601.
        pub server_time: String,
        ..
    }
}
