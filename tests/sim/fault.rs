//! The vocabulary of faults, each with the highest rate a seed may draw for it. One that the engine has no answer to yet
//! stays in the list, switched off with the reason; nothing else may leave a fault out.

macro_rules! faults {
    ($( $(#[$doc:meta])* $name:ident = $text:literal, $most:literal, $off:expr; )*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault { $( $(#[$doc])* $name ),* }

        impl Fault {
            pub const ALL: &'static [Fault] = &[$(Fault::$name),*];

            /// Its word in configurations, traces and `seeds.txt`.
            pub const fn word(self) -> &'static str { match self { $(Fault::$name => $text),* } }

            /// The highest rate, per mille of its occasions.
            pub const fn most(self) -> u64 { match self { $(Fault::$name => $most),* } }

            /// Why it never happens at present, if it does not.
            pub const fn off(self) -> Option<&'static str> { match self { $(Fault::$name => $off),* } }
        }
    };
}

faults! {
    /// The request never arrives.
    LostRequest = "lost-request", 300, None;
    /// The server does the work, its answer never arrives.
    LostResponse = "lost-response", 300, None;
    /// The request arrives once more, up to twenty delays later, whoever sent it may be gone.
    Duplicate = "duplicate", 200, None;
    /// The answer comes after it was given up and later ones have come.
    Late = "late-response", 60, None;
    /// The answer's body ends in the middle.
    Truncated = "truncated", 100, None;
    /// A portal's page, an empty body, another service's JSON, all with status 200.
    Foreign = "foreign-body", 100, None;
    /// The server fails before it does anything.
    ErrorBefore = "error-before", 100, None;
    /// The server (or a proxy before it) fails after the commit.
    ErrorAfter = "error-after", 100, None;
    /// Any status that anything on the way could answer with.
    AnyStatus = "any-status", 60, None;
    /// 429, with and without Retry-After.
    RateLimit = "rate-limit", 60, None;
    /// 413 for more than one op at a time.
    TooLarge = "too-large", 60, None;
    /// The access token has run out.
    TokenExpired = "token-expired", 60, None;
    /// The server answers one op with "later".
    HeldOp = "held-op", 200, None;
    /// The server starts again: a new run.
    ServerRestart = "server-restart", 10, None;
    /// The server is put back to a backup.
    ServerRollback = "server-rollback", 4, Some("eight seeds of 1,000 still fail with it; README.md lists them");
    /// Tombstones and answers beyond the horizon are collected.
    Collected = "collected", 10, Some("needs virtual leaps of a month, which no other fault follows yet");
    /// The server's schema moves on, devices follow one by one.
    SchemaAdvanced = "schema-advanced", 4, Some("needs two schemas in one world");
    /// A context dies between two inputs.
    Crash = "crash", 30, None;
    /// A context dies between two effects of one input.
    CrashBetween = "crash-between-effects", 20, None;
    /// The device loses power: every context dies, commits that were not flushed are gone.
    PowerLoss = "power-loss", 10, None;
    /// A context stands still and goes on later.
    Freeze = "freeze", 20, None;
    /// Somebody outside takes the lock.
    StolenLock = "stolen-lock", 10, None;
    /// A bell between contexts is not heard.
    LostBell = "lost-bell", 300, None;
    /// The network comes and goes, and the browser says so.
    Offline = "offline", 20, None;
    /// The device's clock jumps, up to a day either way.
    ClockJump = "clock-jump", 5, None;
    /// A transaction aborts: quota, closing, unknown.
    StoreFails = "store-fails", 30, None;
    /// A transaction commits and is reported as failed.
    StoreUnknown = "store-unknown", 20, None;
    /// The database is gone.
    StoreWiped = "store-wiped", 2, None;
    /// The database is an older copy of itself.
    StoreOlder = "store-older", 3, None;
    /// The database also lives on a second machine.
    StoreCloned = "store-cloned", 2, None;
}

#[cfg(test)]
mod tests {
    use super::Fault;

    #[test]
    fn every_fault_has_a_word_of_its_own_and_a_rate() {
        for (at, fault) in Fault::ALL.iter().enumerate() {
            assert!((1..=1_000).contains(&fault.most()), "{fault:?}");
            assert!(Fault::ALL[..at].iter().all(|other| other.word() != fault.word()), "{fault:?}");
            assert!(fault.off().is_none_or(|reason| !reason.is_empty()), "{fault:?} is off without a reason");
        }
    }
}
