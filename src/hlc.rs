//! The hybrid logical clock (Kulkarni, Demirbas, Madappa, Avva, Leone: "Logical Physical Clocks", 2014): wall time where
//! it can be trusted, a counter where it cannot. It decides which of two writes is later, the same way on every device;
//! it never reads a clock. `store/write` ticks it, `store/absorb` and the server merge what others have stamped.

use crate::plain::{Plain, Reader, serde_by_value};
use crate::time::Millis;
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// One stamp. Its text form (`019a62f0dd00-0001-a1b2c3d4`) sorts as the stamps themselves do.
///
/// ```
/// use landfall::{hlc::Hlc, time::Millis};
/// let first = Hlc::default().tick(Millis(5), "dev");
/// let second = first.tick(Millis(3), "dev"); // the wall clock went back: the stamp does not
/// assert!(second > first && second.to_string() > first.to_string());
/// assert_eq!(second.to_string().parse(), Ok(second));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hlc {
    /// The largest wall time seen, in milliseconds (48 bits).
    pub time: Millis,
    /// Counts stamps within one millisecond.
    pub count: u16,
    /// Who stamped; breaks ties the same way everywhere.
    pub node: String,
}

impl Hlc {
    /// The stamp of a new event at `now` on `node`.
    #[must_use]
    pub fn tick(&self, now: Millis, node: &str) -> Self {
        let (time, count) = if now > self.time { (now, 0) } else { next(self.time, self.count) };
        Self { time, count, node: node.to_owned() }
    }

    /// This clock after it has seen `other`: never before either.
    #[must_use]
    pub fn seen(&self, other: &Self) -> Self {
        if (other.time, other.count) > (self.time, self.count) {
            Self { time: other.time, count: other.count, node: self.node.clone() }
        } else {
            self.clone()
        }
    }

    /// The same stamp by a clock that is `by_ms` ahead of this one.
    #[must_use]
    pub fn shifted(&self, by_ms: i64) -> Self {
        Self { time: Millis(self.time.0.saturating_add_signed(by_ms)), ..self.clone() }
    }

    /// The stamp of something that was done in the knowledge of `cause`: this one, unless that would put it before its cause.
    #[must_use]
    pub fn after(self, cause: &Self) -> Self {
        if (self.time, self.count) > (cause.time, cause.count) { self } else { cause.tick(Millis(0), &self.node) }
    }

    /// The stamp moved by the measured difference of the clocks and held at most `ahead_ms` after `now`: a device whose
    /// clock is a day fast does not win for a day.
    #[must_use]
    pub fn corrected(&self, skew_ms: i64, now: Millis, ahead_ms: u64) -> Self {
        let shifted = self.shifted(skew_ms);
        Self { time: shifted.time.min(now.plus(ahead_ms)), ..shifted }
    }
}

fn next(time: Millis, count: u16) -> (Millis, u16) {
    count.checked_add(1).map_or((time.plus(1), 0), |count| (time, count))
}

impl fmt::Display for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012x}-{:04x}-{}", self.time.0, self.count, self.node)
    }
}

/// The text is not a stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAStamp;

impl FromStr for Hlc {
    type Err = NotAStamp;

    fn from_str(text: &str) -> Result<Self, NotAStamp> {
        let mut parts = text.splitn(3, '-');
        let (Some(time), Some(count), Some(node)) = (parts.next(), parts.next(), parts.next()) else { return Err(NotAStamp) };
        let hex = |part: &str, digits| part.len() == digits && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !hex(time, 12) || !hex(count, 4) || node.len() > 64 {
            return Err(NotAStamp);
        }
        let time = u64::from_str_radix(time, 16).map_err(|_| NotAStamp)?;
        let count = u16::from_str_radix(count, 16).map_err(|_| NotAStamp)?;
        Ok(Self { time: Millis(time), count, node: node.to_owned() })
    }
}

impl Plain for Hlc {
    fn take(value: &mut Value, at: &mut Reader) -> Self {
        at.text(value).parse().unwrap_or_else(|_| {
            at.wrong("expected a hybrid clock stamp such as 019a62f0dd00-0001-a1b2");
            Self::default()
        })
    }

    fn plain(&self) -> Value {
        Value::String(self.to_string())
    }
}

serde_by_value! { Hlc }

#[cfg(test)]
mod tests {
    use super::Hlc;
    use crate::time::Millis;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn monotone_and_causal_whatever_the_wall_clock_does(walls in prop::collection::vec(0u64..1 << 40, 1..60)) {
            let (mut a, mut b) = (Hlc::default(), Hlc::default());
            for (turn, wall) in walls.iter().enumerate() {
                let (from, to) = if turn % 2 == 0 { (&mut a, &mut b) } else { (&mut b, &mut a) };
                let sent = from.tick(Millis(*wall), "x");
                prop_assert!(sent > *from);
                *from = sent.clone();
                *to = to.seen(&sent);
                let received = to.tick(Millis(0), "y");
                prop_assert!(received > sent, "an effect is later than its cause");
                prop_assert_eq!(received.to_string() > sent.to_string(), true);
                *to = received;
            }
        }

        #[test]
        fn bounded_after_correction(time in 0u64..1 << 47, skew in -100_000_000i64..100_000_000, now in 0u64..1 << 40) {
            let stamp = Hlc { time: Millis(time), count: 0, node: "n".into() };
            prop_assert!(stamp.corrected(skew, Millis(now), 5000).time <= Millis(now + 5000));
        }

        // SYN-12
        #[test]
        fn correction_keeps_the_order_of_one_devices_stamps(
            walls in prop::collection::vec(0u64..1 << 40, 2..40),
            skew in -100_000_000i64..100_000_000,
            now in 0u64..1 << 40,
        ) {
            let mut clock = Hlc::default();
            let mut last: Option<Hlc> = None;
            for wall in walls {
                clock = clock.tick(Millis(wall), "n");
                let corrected = clock.corrected(skew, Millis(now), 5000);
                prop_assert!(last.as_ref().is_none_or(|last| last.time <= corrected.time), "later here is not earlier there");
                last = Some(corrected);
            }
        }

        // SYN-12
        #[test]
        fn ahead_of_the_wall_by_no_more_than_the_wall_jumped_back(steps in prop::collection::vec(-99_999i64..99_999, 1..60)) {
            let (mut clock, mut wall, mut highest) = (Hlc::default(), 1u64 << 39, 0);
            for (turn, step) in steps.into_iter().enumerate() {
                wall = wall.saturating_add_signed(step);
                highest = highest.max(wall);
                clock = clock.tick(Millis(wall), "n");
                prop_assert_eq!(clock.time, Millis(highest), "turn {}", turn);
            }
        }

        // SYN-12
        #[test]
        fn an_effect_is_stamped_after_its_cause(own in (0u64..1 << 40, any::<u16>()), cause in (0u64..1 << 40, any::<u16>())) {
            let own = Hlc { time: Millis(own.0), count: own.1, node: "a".into() };
            let cause = Hlc { time: Millis(cause.0), count: cause.1, node: "z".into() };
            let stamp = own.clone().after(&cause);
            prop_assert!(stamp > cause && stamp >= own && stamp.node == "a");
            prop_assert!(stamp.time <= Millis(own.time.max(cause.time).0 + 1));
        }

        #[test]
        fn arbitrary_text_never_panics(text in ".{0,40}") {
            let _ = text.parse::<Hlc>();
        }
    }
}
