//! The network: requests and answers are lost, late, doubled, out of order, cut short, or answered by somebody else. It
//! decides what arrives; what the server answers is the real authority's, and what a strange answer means the real dialect's.

use crate::fault::Fault;
use crate::world::{Event, Spot, World};
use landfall::dialect::{HttpResponse, native};
use landfall::error::{Code, Error, Result};
use landfall::sync::{Input, Reply, Request, Ticket};
use landfall::time::Millis;
use landfall::wire::Problem;

/// Most that a late answer is late, in milliseconds: it comes after the request was given up.
const LATE_MS: u64 = 5 * landfall::limits::REQUEST_TIMEOUT_MS;
/// Statuses that something on the way may answer with. 413 has a fault of its own.
const STATUSES: [u16; 20] = [204, 206, 301, 302, 304, 400, 403, 404, 405, 408, 409, 410, 418, 422, 425, 500, 502, 503, 504, 511];
/// Bodies that are not ours, with status 200.
const FOREIGN: [(&str, &str); 5] = [
    ("text/html", "<html><title>Welcome to our lounge</title></html>"),
    ("application/json", ""),
    ("application/json", r#"{"ok":true}"#),
    ("application/json", r#"[{"id":1}]"#),
    ("", "\u{1f}\u{8b}\u{8}"),
];

impl World {
    pub fn depart(&mut self, spot: Spot, ticket: Ticket, request: Box<Request>) {
        self.oracle.requested(spot.device, self.now);
        if !self.devices[spot.device].online {
            return self.later(5, spot, Input::Response(ticket, Err(Error::new(Code::NetworkError, "offline"))));
        }
        if self.happens(Fault::LostRequest) {
            let delay = 100 + self.rng.below(self.config.delay_ms);
            return self.later(delay, spot, Input::Response(ticket, Err(Error::new(Code::NetworkError, "lost request"))));
        }
        if self.happens(Fault::Duplicate) {
            let again = self.now + 1 + self.rng.below(self.config.delay_ms * 20);
            self.schedule(again, Event::Arrive(Spot { life: u64::MAX, ..spot }, ticket, request.clone()));
        }
        let arrival = self.now + 1 + self.rng.below(self.config.delay_ms);
        self.schedule(arrival, Event::Arrive(spot, ticket, request));
    }

    /// A request at the server's door, and what comes back of it.
    pub fn serve(&mut self, spot: Spot, ticket: Ticket, request: Request) {
        let batch = if let Request::Push(push) = &request { push.changes.len() } else { 0 };
        let way = self.on_the_way(batch);
        let back = if way.is_some() { None } else { self.on_the_way_back() };
        let shape = (way.is_some() || back.is_some()).then(|| request.clone());
        let result = match &way {
            None if self.config.wire => self.as_bytes(spot.device, &request),
            None => self.answer(spot.device, request),
            Some(_) => Err(Error::new(Code::NetworkError, "never asked")),
        };
        let strange = way.or_else(|| back.map(|back| self.spoil(back, &result)));
        let result = match (strange, shape) {
            (Some(response), Some(shape)) => native::decode(&shape, &response, self.clock(spot.device)),
            _ => result,
        };
        let result =
            if self.happens(Fault::LostResponse) { Err(Error::new(Code::NetworkError, "lost response")) } else { result };
        let most = if self.happens(Fault::Late) { LATE_MS } else { self.config.delay_ms };
        let delay = 1 + self.rng.below(most);
        self.later(delay, spot, Input::Response(ticket, result));
    }

    /// An answer given before the server has done anything.
    fn on_the_way(&mut self, batch: usize) -> Option<HttpResponse> {
        if self.happens(Fault::ErrorBefore) {
            return Some(plain([500, 502, 503][self.rng.pick(3)]));
        }
        if self.happens(Fault::RateLimit) {
            let wait = ["", "2", "120", "999999999", "Fri, 31 Dec 1999 23:59:59 GMT"][self.rng.pick(5)];
            return Some(HttpResponse { retry_after: wait.to_owned(), ..plain(429) });
        }
        if self.happens(Fault::TokenExpired) {
            return Some(plain(401));
        }
        if batch > 1 && self.happens(Fault::TooLarge) {
            return Some(plain(413));
        }
        if self.happens(Fault::AnyStatus) {
            return Some(plain(STATUSES[self.rng.pick(STATUSES.len())]));
        }
        None
    }

    /// What becomes of the server's answer before it is read.
    fn on_the_way_back(&mut self) -> Option<Fault> {
        [Fault::ErrorAfter, Fault::Foreign, Fault::Truncated].into_iter().find(|fault| self.happens(*fault))
    }

    fn spoil(&mut self, fault: Fault, result: &Result<Reply>) -> HttpResponse {
        match fault {
            Fault::ErrorAfter => plain([500, 502, 504][self.rng.pick(3)]),
            Fault::Foreign => {
                let (kind, body) = FOREIGN[self.rng.pick(FOREIGN.len())];
                let body = body.as_bytes().to_vec();
                HttpResponse { status: 200, content_type: kind.to_owned(), body, ..HttpResponse::default() }
            }
            _ => {
                let mut response = encode(result);
                let most = response.body.len().saturating_sub(1);
                response.body.truncate(self.rng.pick(most + 1));
                response
            }
        }
    }

    /// Both ways as the bytes that a network would carry.
    fn as_bytes(&mut self, device: usize, request: &Request) -> Result<Reply> {
        let http = native::encode(request);
        let bytes = http.body.as_bytes();
        let read = match request {
            Request::Attach(_) => landfall::wire::check::body(bytes).map(Request::Attach),
            Request::Push(_) => landfall::wire::check::body(bytes).map(Request::Push),
            Request::Pull(_) => landfall::wire::check::body(bytes).map(Request::Pull),
            #[allow(unreachable_patterns, reason = "requests may be added before the simulation knows them")]
            _ => Ok(request.clone()),
        };
        let read = read.unwrap_or_else(|error| panic!("our own request cannot be read: {error}"));
        assert_eq!(read, *request, "a request is read as something else");
        let result = self.answer(device, read);
        let response = encode(&result);
        let again = native::decode(request, &response, Millis(self.now));
        if let (Ok(sent), Ok(came)) = (&result, &again) {
            assert_eq!(sent, came, "an answer is read as something else");
        }
        again
    }
}

fn plain(status: u16) -> HttpResponse {
    HttpResponse { status, content_type: "text/plain".into(), ..HttpResponse::default() }
}

fn encode(result: &Result<Reply>) -> HttpResponse {
    let json = |body: serde_json::Result<Vec<u8>>| HttpResponse {
        status: 200,
        content_type: "application/json".into(),
        body: body.expect("an answer is JSON"),
        ..HttpResponse::default()
    };
    match result {
        Ok(Reply::Attach(reply)) => json(serde_json::to_vec(reply)),
        Ok(Reply::Push(reply)) => json(serde_json::to_vec(reply)),
        Ok(Reply::Pull(reply)) => json(serde_json::to_vec(reply)),
        #[allow(unreachable_patterns, reason = "answers may be added before the simulation knows them")]
        Ok(_) => plain(500),
        Err(error) => HttpResponse {
            status: error.code.status(),
            content_type: "application/problem+json".into(),
            body: serde_json::to_vec(&Problem::from(error.clone())).expect("a problem is JSON"),
            ..HttpResponse::default()
        },
    }
}
