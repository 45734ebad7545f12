//! The network and the server behind it: requests and answers are lost, late, doubled, or answered by somebody else. It
//! decides what arrives; what the server answers is the real authority's.

use crate::world::{Event, Who3, World};
use landfall::authority::Who;
use landfall::error::{Code, Error, Result};
use landfall::sync::{Input, Reply, Request, Ticket};
use landfall::time::Millis;
use landfall::wire::{PushReply, PushRequest};
use serde_json::json;

impl World {
    pub fn depart(&mut self, who: Who3, ticket: Ticket, request: Box<Request>) {
        if !self.devices[who.device].online {
            return self.later(5, who, Input::Response(ticket, Err(Error::new(Code::NetworkError, "offline"))));
        }
        if self.rng.chance(self.config.lost_request) {
            self.seen.insert("lost request");
            let delay = 100 + self.rng.below(self.config.delay_ms);
            return self.later(delay, who, Input::Response(ticket, Err(Error::new(Code::NetworkError, "lost request"))));
        }
        if self.rng.chance(self.config.duplicate) {
            self.seen.insert("duplicate request");
            let again = self.now + 1 + self.rng.below(self.config.delay_ms * 20);
            self.schedule(again, Event::Arrive(Who3 { life: u64::MAX, ..who }, ticket, request.clone()));
        }
        let arrival = self.now + 1 + self.rng.below(self.config.delay_ms);
        self.schedule(arrival, Event::Arrive(who, ticket, request));
    }

    pub fn serve(&mut self, who: Who3, ticket: Ticket, request: Request) {
        let status = |code: Code| Err(Error::new(code, "simulated"));
        let before = self.rng.below(1_000);
        let faults = [
            (self.config.error_before, Code::ServerError),
            (self.config.rate_limit, Code::RateLimited),
            (self.config.auth, Code::AuthError),
        ];
        let mut from = 0;
        let mut refused = None;
        for (rate, code) in faults {
            if (from..from + rate).contains(&before) {
                refused = Some(code);
            }
            from += rate;
        }
        let result = match refused {
            Some(code) => status(code),
            None => self.answer(who, request),
        };
        let delay = 1 + self.rng.below(self.config.delay_ms);
        let result = if self.rng.chance(self.config.lost_response) {
            self.seen.insert("lost response");
            status(Code::NetworkError)
        } else if self.rng.chance(self.config.error_after) {
            self.seen.insert("error after commit");
            status(Code::ServerError)
        } else if self.rng.chance(self.config.portal) {
            status(Code::NetworkError)
        } else {
            result
        };
        self.later(delay, who, Input::Response(ticket, result));
    }

    fn answer(&mut self, who: Who3, request: Request) -> Result<Reply> {
        let now = Millis(self.now);
        let device = match &request {
            Request::Attach(device) => device.device_id.clone(),
            Request::Push(push) => push.device_id.clone(),
            Request::Pull(pull) => pull.device_id.clone(),
        };
        let person =
            Who { tenant: "sim/t".into(), user: format!("user{}", who.device).into(), roles: vec!["all".into()], device };
        let reply = match request {
            Request::Attach(device) => self.ledger.attach(&person, &device, now).map(Reply::Attach),
            Request::Push(push) => {
                landfall::wire::check::push(&push)?;
                self.push(&person, push).map(Reply::Push)
            }
            Request::Pull(pull) => {
                landfall::wire::check::pull(&pull)?;
                Ok(Reply::Pull(self.ledger.pull(&self.schema, &person, pull, now)))
            }
        };
        for row in self.ledger.rows() {
            let key = (row.entity.clone(), row.id.clone(), row.version);
            self.history.entry(key).or_insert_with(|| landfall::record::digest(&row.data));
        }
        if let Err(error) = &reply
            && error.code == Code::StaleIncarnation
        {
            self.seen.insert("stale incarnation");
        }
        reply
    }

    /// A push, of which the server may answer one op with "later" instead of deciding it (its tenant is out of space).
    fn push(&mut self, person: &Who, mut push: PushRequest) -> Result<PushReply> {
        let held = self.rng.chance(self.config.held_op).then(|| self.rng.below(push.changes.len() as u64) as usize);
        let held = held.filter(|_| !push.changes.is_empty()).map(|place| (place, push.changes.remove(place)));
        let mut reply = self.ledger.push(&self.schema, person, push, Millis(self.now))?;
        if let Some((place, change)) = held {
            self.seen.insert("op held");
            let error = Error::new(Code::QuotaExceeded, "simulated");
            let answer = json!({ "queue_id": change.queue_id, "status": "error", "entity_id": change.entity_id, "error": error });
            reply.processed.insert(place, serde_json::from_value(answer).expect("an answer"));
        }
        Ok(reply)
    }
}
