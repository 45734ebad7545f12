//! The requests a device makes and their answers, each under one type. This module decides nothing; the machine sends and
//! receives these, a dialect turns them into HTTP.

use crate::wire::{Device, DeviceReply, PullReply, PullRequest, PushReply, PushRequest};

/// A request, before any dialect has put it into HTTP.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Register this device.
    Attach(Device),
    /// Ops up, and the first page down.
    Push(PushRequest),
    /// A page down.
    Pull(PullRequest),
}

/// Its answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// To `Attach`.
    Attach(DeviceReply),
    /// To `Push`.
    Push(PushReply),
    /// To `Pull`.
    Pull(PullReply),
}
