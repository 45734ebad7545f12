//! Ops up: from the batch that `Stage` has frozen to the answers that `Settle` takes. It decides what a request holds and
//! what follows each answer; the same batch goes again with the same ids until it has one.

use crate::error::{Error, Single};
use crate::id::Entropy;
use crate::limits::BREAKER_FAILURES;
use crate::plain::{self, Plain};
use crate::queue::Op;
use crate::record::order;
use crate::store::remap::Remap;
use crate::store::settle::{Answered, Settle, Settled};
use crate::store::stage::{Size, Stage, Staged};
use crate::sync::machine::Machine;
use crate::sync::port::Request;
use crate::wire::{PROTOCOL, Processed, PushReply, PushRequest, Reset, Status};

impl Machine {
    /// Asks the store for the next batch.
    pub(super) fn stage(&mut self) {
        let Some(running) = &self.running else { return };
        if self.known.remaps > 0 {
            // Ids that more refers to than one transaction takes; also those that a crash has left.
            let remap = Remap::new(running.fence);
            return self.run(remap);
        }
        if running.later.is_some() {
            // Asked again at once, the server would say "later" again.
            return self.finish();
        }
        if self.paused {
            return self.end(None);
        }
        if self.owes_replay() {
            return self.replay((Vec::new(), None));
        }
        // What is new here meets the restored rows, not the ones that were lost with their numbers.
        if self.sync.as_ref().is_some_and(|sync| sync.restored && (sync.has_more || sync.token.is_none())) {
            return self.fetch();
        }
        // A server that kept failing is asked for little first: if not even that is answered, no batch is made.
        if self.is_probe() {
            return self.fetch();
        }
        let stage = Stage::new(running.fence, self.batch_size(), self.at.now);
        self.want.push = false;
        self.run(stage);
    }

    pub(super) fn batch_size(&self) -> Size {
        let (most, bytes) = self.rules.batch.size();
        Size { ops: self.window.ops().clamp(1, most), bytes }
    }

    /// Whether so many attempts have failed in a row that the server gets little at first. A network that is not there says
    /// nothing about the server; a request that was never answered does.
    pub(super) fn is_open(&self) -> bool {
        let unreached = self.lost_network() && self.error.as_ref().is_some_and(|error| error.detail.is_none());
        self.failures >= BREAKER_FAILURES && !unreached
    }

    /// Whether it has to show first that it answers at all.
    pub(super) fn is_probe(&self) -> bool {
        self.is_open() && self.running.as_ref().is_some_and(|running| !running.answered)
    }

    /// A batch to send, or nothing: then what is left to fetch, or the end.
    pub(super) fn staged(&mut self, staged: Staged) {
        self.sync = Some(staged.sync);
        let Some(running) = &mut self.running else { return };
        running.total = running.total.max(running.cycle.synced + staged.batch.len() as u64);
        running.batch = staged.batch;
        if staged.late {
            let ops = std::mem::take(&mut running.batch);
            return self.ask_about(&ops);
        }
        if staged.again {
            return self.stage();
        }
        if !running.batch.is_empty() {
            let request = self.push_request();
            return self.send(Request::Push(request));
        }
        let Some(running) = &self.running else { return };
        let sync = self.sync.as_ref();
        let owed = sync.is_none_or(|sync| sync.has_more || sync.token.is_none() || !sync.want.is_empty());
        if running.fetched || !(self.want.pull || owed) { self.finish() } else { self.fetch() }
    }

    pub(super) fn push_request(&mut self) -> PushRequest {
        let changes = self.running.as_ref().map(|running| running.batch.iter().map(Op::change).collect()).unwrap_or_default();
        let sync = self.sync.as_ref();
        // The first page of a pull comes with the answer. A snapshot does not: its pages are large, and answers are not to wait.
        let pull = sync.is_some_and(|sync| sync.token.is_some());
        PushRequest {
            protocol: PROTOCOL,
            device_id: sync.map(|sync| sync.device_id.clone()).unwrap_or_default(),
            incarnation: sync.map(|sync| sync.incarnation.clone()).unwrap_or_default(),
            request_no: sync.map_or(0, |sync| sync.request_no),
            client_time: self.at.now.iso(),
            last_sync_at: sync.and_then(|sync| sync.last_sync_at).map(crate::time::Millis::iso),
            sync_token: sync.and_then(|sync| sync.token.clone()),
            pull,
            schema_version: self.schema_version,
            want: if pull { self.wanted() } else { Vec::new() },
            mark: sync.and_then(|sync| sync.mark.clone()),
            changes,
        }
    }

    /// The answers, each to its op. An op without one goes again.
    pub(super) fn pushed(&mut self, reply: PushReply) {
        let marked = self.sync.as_ref().is_some_and(|sync| sync.mark.is_some());
        if reply.reset == Some(Reset::Rollback) && reply.processed.is_empty() && marked {
            return self.rolled_back();
        }
        if self.running.as_ref().is_some_and(|running| running.replaying) {
            return self.replay_answered(reply.processed, reply.mark);
        }
        let page = self.accept(&reply.slices, reply.has_more, reply.reset);
        let Some(running) = &mut self.running else { return };
        // The answers are good whatever the page behind them is.
        running.later = page.err().or(reply.pull_error);
        let items = self.match_answers(reply.processed);
        let took = self.at.now.since(self.sent_at);
        self.window.answered(items.len(), took, self.rules.batch.time_ms);
        let Some(running) = &self.running else { return };
        let settle =
            Settle::new(running.fence, items, self.at.now, self.rules.retry.max_attempts).told(reply.mark).again(reply.repeated);
        let settle = settle.with(Entropy::new(self.at.random));
        self.run(settle);
    }

    pub(super) fn match_answers(&mut self, processed: Vec<Processed>) -> Vec<Answered> {
        let Some(running) = &mut self.running else { return Vec::new() };
        let mut answers = order::map(processed.into_iter().map(|one| (one.queue_id.clone(), one)));
        let mut items = Vec::with_capacity(running.batch.len());
        for op in &running.batch {
            let Some(answer) = answers.remove(&op.id) else {
                running.later = Some(Error::new(crate::error::Code::ServerError, "the server left an op without an answer"));
                continue;
            };
            if let (Status::Error, Some(error)) = (answer.status, &answer.error)
                && error.code.handling().single == Single::Again
            {
                running.later = Some(error.clone());
            }
            items.push(Answered {
                seq: op.seq,
                name: (op.entity_type.clone(), op.entity_id.clone()),
                operation: op.operation,
                answer,
            });
        }
        items
    }

    pub(super) fn settled(&mut self, settled: Settled) {
        let Some(running) = &mut self.running else { return };
        running.batch.clear();
        running.cycle.synced += settled.applied;
        running.cycle.failed += settled.refused;
        running.cycle.conflicts += settled.parked;
        self.take_page();
    }

    /// Half the batch next time; an op (or a group) that is too large alone is given back to its author.
    pub(super) fn too_large(&mut self, error: Error) {
        let Some(running) = &mut self.running else { return };
        if !is_one(&running.batch) {
            self.window.halve(running.batch.len());
            running.batch.clear();
            return self.stage();
        }
        self.window.found();
        let bytes: usize = running.batch.iter().map(Op::bytes).sum();
        let mut detail = plain::object([("bytes", bytes.into())]);
        if let Some(said) = &error.detail {
            detail["server"] = (**said).clone();
        }
        let ops = std::mem::take(&mut running.batch);
        self.give_back(&ops, 0, |_| error.clone().detail(detail.clone()));
    }

    /// The server fails whenever it gets this op alone, and answers otherwise: that counts as an attempt of the op, so that
    /// it will not hold up the others for ever.
    pub(super) fn blame(&mut self, error: Error) {
        let Some(running) = &mut self.running else { return };
        if !is_one(&running.batch) || !running.answered || running.replaying {
            return self.fail(error);
        }
        running.later = Some(error.clone());
        let ops = std::mem::take(&mut running.batch);
        self.give_back(&ops, self.rules.retry.max_attempts, |_| error.clone());
    }

    /// What waited longer than its entity allows is not sent before a person has said so (QUE-11).
    fn ask_about(&mut self, ops: &[Op]) {
        let (limits, now) = (self.edit_limits.clone(), self.at.now);
        let why = |op: &Op| {
            let detail = plain::object([
                ("waited_ms", now.since(op.created_at).into()),
                ("limit_ms", limits.get(&op.entity_type).copied().plain()),
            ]);
            Error::new(crate::error::Code::EditExpired, "this change waited longer than its entity allows")
                .at(format!("{}.{}", op.entity_type, op.entity_id))
                .hint("retry sends it all the same, discard gives it up")
                .detail(detail)
        };
        self.give_back(ops, 0, why);
    }

    /// Settles ops on this device alone, as refused; `most` attempts are made by itself.
    fn give_back(&mut self, ops: &[Op], most: u32, why: impl Fn(&Op) -> Error) {
        let Some(running) = &self.running else { return };
        let item = |op: &Op| Answered {
            seq: op.seq,
            name: (op.entity_type.clone(), op.entity_id.clone()),
            operation: op.operation,
            answer: Processed::refused(op.id.clone(), &op.entity_id, why(op)),
        };
        let items = ops.iter().map(item).collect();
        if running.replaying {
            return self.replay((items, None));
        }
        self.run(Settle::new(running.fence, items, self.at.now, most));
    }
}

/// Whether a batch cannot be made smaller: one op, or one group.
fn is_one(batch: &[Op]) -> bool {
    let group = batch.first().and_then(|op| op.group.as_ref());
    batch.len() == 1 || group.is_some() && batch.iter().all(|op| op.group.as_ref() == group)
}
