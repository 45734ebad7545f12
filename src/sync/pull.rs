//! Rows down: from the request to the last slice of its last page. It decides what is asked for and checks what is answered
//! before any of it is taken in (law 13); each slice goes into the store with its own token.

use crate::error::{Code, Error, Result};
use crate::id::Token;
use crate::limits;
use crate::record::digest;
use crate::store::absorb::{Absorb, Absorbed, Expect};
use crate::sync::machine::Machine;
use crate::sync::port::Request;
use crate::wire::{PROTOCOL, PullReply, PullRequest, Reset, Slice, Want, check};
use std::collections::VecDeque;

/// A page being taken in.
#[derive(Debug)]
pub(super) struct Page {
    slices: VecDeque<Slice>,
    /// The token the store must still have.
    token: Option<Token>,
    /// The token of the slice being taken.
    taking: Option<Token>,
    has_more: bool,
    reset: Option<Reset>,
    roles: Option<Vec<String>>,
}

impl Machine {
    /// Asks for the next page.
    pub(super) fn fetch(&mut self) {
        let Some(sync) = &self.sync else { return };
        let request = PullRequest {
            protocol: PROTOCOL,
            device_id: sync.device_id.clone(),
            sync_token: sync.token.clone(),
            entity_types: Vec::new(),
            tiers: Vec::new(),
            limit: if self.is_probe() { 1 } else { self.rules.batch.pull },
            schema_version: self.schema_version,
            want: self.wanted(),
            mark: sync.mark.clone(),
        };
        self.want.pull = false;
        self.send(Request::Pull(request));
    }

    pub(super) fn wanted(&self) -> Vec<Want> {
        self.sync.as_ref().map(|sync| sync.want.iter().take(limits::SLICE_ROWS).cloned().collect()).unwrap_or_default()
    }

    pub(super) fn pulled(&mut self, reply: PullReply) {
        match self.accept(&reply.slices, reply.has_more, reply.reset) {
            Ok(()) => {
                if let Some(page) = self.running.as_mut().and_then(|running| running.page.as_mut()) {
                    page.roles = reply.roles;
                }
                self.take_page();
            }
            Err(error) => self.fail(error),
        }
    }

    /// Checks a page and lays it ready.
    pub(super) fn accept(&mut self, slices: &[Slice], has_more: bool, reset: Option<Reset>) -> Result<()> {
        if slices.len() > limits::PAGE_SLICES {
            return Err(Error::new(Code::ProtocolError, "a page of more slices than there can be").at("slices"));
        }
        for slice in slices {
            check::slice(slice)?;
            for row in &slice.changes {
                if digest(&row.data) != row.digest {
                    let error = Error::new(Code::CorruptData, "a row is not what its digest says");
                    return Err(error.at(format!("{}.{}", row.entity_type, row.entity_id)));
                }
            }
        }
        let token = self.sync.as_ref().and_then(|sync| sync.token.clone());
        let moved = slices.last().is_some_and(|slice| Some(&slice.token) != token.as_ref());
        let told = token.is_some() || self.sync.as_ref().is_some_and(|sync| sync.mark.is_some());
        if has_more && !moved || reset.is_some() && !told {
            return Err(Error::new(Code::ProtocolError, "a page that leads nowhere").at("next_sync_token"));
        }
        if let Some(running) = &mut self.running {
            running.page =
                Some(Page { slices: slices.iter().cloned().collect(), token, taking: None, has_more, reset, roles: None });
        }
        Ok(())
    }

    /// Takes the next slice of the page; after the last one the next page, or back to the queue.
    pub(super) fn take_page(&mut self) {
        let Some(running) = &mut self.running else { return };
        let Some(page) = &mut running.page else { return self.stage() };
        if let Some(reset) = page.reset {
            running.page = None;
            running.fetched = false;
            return if reset == Reset::Rollback { self.rolled_back() } else { self.reset() };
        }
        if let Some(slice) = page.slices.pop_front() {
            page.taking = Some(slice.token.clone());
            let expect =
                Expect { fence: running.fence, token: page.token.clone(), has_more: page.has_more || !page.slices.is_empty() };
            let absorb = Absorb::new(expect, slice, self.at.now).of(page.roles.clone());
            return self.run(absorb);
        }
        let has_more = page.has_more;
        running.page = None;
        if let Some(sync) = &mut self.sync {
            sync.has_more = has_more;
        }
        if has_more {
            return self.fetch();
        }
        running.fetched = self.sync.as_ref().is_some_and(|sync| sync.token.is_some());
        self.stage();
    }

    pub(super) fn absorbed(&mut self, absorbed: Absorbed) {
        let Some(running) = &mut self.running else { return };
        running.cycle.pulled += absorbed.taken;
        running.cycle.synced += absorbed.acked;
        if let Some(page) = &mut running.page {
            match absorbed.rest {
                Some(rest) => page.slices.push_front(*rest),
                None => page.token = page.taking.take(),
            }
            let token = page.token.clone();
            if let Some(sync) = &mut self.sync {
                sync.token = token;
                // Rows that were asked for by name have come; what the store still wants, the next Stage brings along.
                sync.want.clear();
            }
        }
        self.take_page();
    }
}
