//! What travels between a device and a server, as types. This room decides the shape of every message of the native
//! dialect (goalflow 4.3, extended) and checks a message that arrives against `limits`; it sends nothing and knows no
//! HTTP. `sync` and `authority` are its two users: both ends of the protocol are this one set of types.

pub mod change;
pub mod check;
pub mod choice;
pub mod exchange;
pub mod problem;
pub mod pull;
pub mod push;

pub use change::{Change, RemoteChange};
pub use choice::{Choice, ChoiceReply, Opened};
pub use exchange::{Reply, Request};
pub use problem::Problem;
pub use pull::{Ack, IdRange, Mark, PullReply, PullRequest, Reset, Slice, Want};
pub use push::{Device, DeviceReply, Processed, PushReply, PushRequest, Status};

/// The version of the protocol. A change of any type in this room that an older peer would misread counts it up.
pub const PROTOCOL: u32 = 1;
