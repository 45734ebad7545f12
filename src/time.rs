//! Time as data: milliseconds since 1970 in UTC, and the ISO 8601 form that all five specifications put on the wire.
//! This module never reads a clock; whoever calls the engine passes `now`. Everything that stores or sends a time uses it.

use crate::plain::{Plain, Reader, serde_by_value};
use serde_json::Value;
use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// This time and `ms` more, never past the end of the type.
    #[must_use]
    pub const fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// How much later this is than `earlier`; 0 when it is not (a clock that jumped back gives no negative wait).
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The ISO 8601 form with milliseconds in UTC, as `Date.prototype.toISOString` writes it.
    ///
    /// ```
    /// assert_eq!(landfall::time::Millis(1_762_596_000_123).iso(), "2025-11-08T10:00:00.123Z");
    /// ```
    #[must_use]
    pub fn iso(self) -> String {
        let (days, ms) = (self.0 / 86_400_000, self.0 % 86_400_000);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
    }

    /// Reads the ISO 8601 forms that `Date` and the specifications write: seconds and fraction optional, `Z` or `±hh:mm`.
    /// Returns `None` for anything else and for times before 1970.
    ///
    /// ```
    /// use landfall::time::Millis;
    /// assert_eq!(Millis::parse("2025-11-08T10:00:00Z"), Some(Millis(1_762_596_000_000)));
    /// assert_eq!(Millis::parse("2025-02-30T10:00:00Z"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, rest) = text.split_once('T')?;
        let mut parts = date.split('-');
        let (year, month, day) = (number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
        if parts.next().is_some() || year < 1970 || !(1..=12).contains(&month) || day < 1 {
            return None;
        }
        let days = days_before(year, month, day);
        if civil(days) != (year, month, day) {
            return None;
        }
        let (clock, offset) = split_offset(rest)?;
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let mut parts = clock.split(':');
        let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
        let second = parts.next().map_or(Some(0), |s| number(s, 2))?;
        if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
        let ms = days * 86_400_000 + hour * 3_600_000 + minute * 60_000 + second * 1000 + number(&digits, 3)?;
        u64::try_from(i64::try_from(ms).ok()? - offset).ok().map(Self)
    }
}

impl Plain for Millis {
    fn take(value: &mut Value, at: &mut Reader) -> Self {
        Self(u64::take(value, at))
    }

    fn plain(&self) -> Value {
        self.0.plain()
    }
}

serde_by_value! { Millis }

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

fn number(text: &str, digits: usize) -> Option<u64> {
    (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn split_offset(rest: &str) -> Option<(&str, i64)> {
    if let Some(clock) = rest.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let at = rest.rfind(['+', '-'])?;
    let (hours, minutes) = rest[at + 1..].split_once(':')?;
    let ms = i64::try_from(number(hours, 2)? * 3_600_000 + number(minutes, 2)? * 60_000).ok()?;
    Some((&rest[..at], if rest.as_bytes()[at] == b'+' { ms } else { -ms }))
}

// The two conversions between days and the civil calendar are Howard Hinnant's ("chrono-compatible low-level date
// algorithms", days_from_civil and civil_from_days), for dates from 1970 on: years begin in March, so that the leap day
// is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + u64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

fn days_before(year: u64, month: u64, day: u64) -> u64 {
    let y = if month <= 2 { year - 1 } else { year };
    let (era, yoe) = (y / 400, y % 400);
    let mp = if month > 2 { month - 3 } else { month + 9 };
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + (153 * mp + 2) / 5 + day - 1;
    era * 146_097 + doe - 719_468
}

#[cfg(test)]
mod tests {
    use super::Millis;

    #[test]
    fn every_day_of_two_centuries_reads_back() {
        for day in 0..73_000u64 {
            let time = Millis(day * 86_400_000 + day % 86_400_000);
            assert_eq!(Millis::parse(&time.iso()), Some(time), "{}", time.iso());
        }
    }

    #[test]
    fn offsets_and_shapes() {
        assert_eq!(Millis::parse("2025-11-08T11:00:00+01:00"), Some(Millis(1_762_596_000_000)));
        assert_eq!(Millis::parse("2025-11-08T10:00Z"), Some(Millis(1_762_596_000_000)));
        for wrong in
            ["", "2025-11-08", "2025-13-08T10:00:00Z", "2025-11-08T24:00:00Z", "2025-11-08T10:00:00", "T", "1969-12-31T00:00:00Z"]
        {
            assert_eq!(Millis::parse(wrong), None, "{wrong}");
        }
    }
}
