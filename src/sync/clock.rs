//! How far the device's clock is from the server's, measured from the answers. This module decides which answer is a
//! measurement; it corrects nothing itself: the server shifts the stamps of ops, and the store predicts what it will say.

use crate::sync::machine::Machine;
use crate::sync::port::Reply;
use crate::time::Millis;

/// An answer that took longer says little about the server's clock.
const PROMPT_MS: u64 = 10_000;
/// Two clocks this close are the same to a person.
const CLOSE_MS: i64 = 2_000;

impl Machine {
    /// Takes an answer as a measurement: the server's clock against the middle between sending and receiving.
    pub(super) fn compare_clocks(&mut self, reply: &Reply) {
        let said = match reply {
            Reply::Attach(reply) => &reply.server_time,
            Reply::Push(reply) => &reply.server_time,
            Reply::Pull(reply) => &reply.server_time,
        };
        if let Some(theirs) = Millis::parse(said).filter(|_| self.at.now >= self.sent_at) {
            let took = self.at.now.since(self.sent_at);
            if took <= PROMPT_MS {
                self.skew_ms = difference(theirs, self.sent_at.plus(took / 2));
            }
        }
    }
}

fn difference(theirs: Millis, ours: Millis) -> i64 {
    let signed = |time: Millis| i64::try_from(time.0).unwrap_or(i64::MAX);
    signed(theirs) - signed(ours)
}

/// What of it is worth showing: whole seconds, and nothing that a slow network may have caused.
pub(super) const fn shown(skew_ms: i64) -> i64 {
    if skew_ms.abs() < CLOSE_MS { 0 } else { skew_ms / 1000 * 1000 }
}

#[cfg(test)]
mod tests {
    use super::{difference, shown};
    use crate::time::Millis;

    // SYN-12
    #[test]
    fn a_day_either_way_and_what_no_clock_says() {
        let day = 86_400_000;
        assert_eq!(difference(Millis(2 * 86_400_000), Millis(86_400_000)), day);
        assert_eq!(difference(Millis(0), Millis(86_400_000)), -day);
        assert_eq!(difference(Millis(0), Millis(u64::MAX)), -i64::MAX);
        assert_eq!([shown(1_999), shown(-1_999), shown(2_500), shown(-day - 1)], [0, 0, 2_000, -day]);
        assert_eq!(shown(i64::MIN + 1), (i64::MIN + 1) / 1000 * 1000);
    }
}
