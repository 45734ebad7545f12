//! How many ops the next batch may hold. It starts at what the schema says, is halved when the server (or something on the
//! way) finds a batch too large or takes too long over it, and grows again with each batch that goes well; a server that
//! keeps failing gets one op, then two, then four. It counts ops and decides nothing else; `push` and `cycle` tell it.

/// The window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Ops the next batch may hold.
    now: usize,
    /// What it may grow to in this cycle.
    most: usize,
    /// What the schema says.
    rule: usize,
}

impl Window {
    pub const fn new(rule: usize) -> Self {
        Self { now: rule, most: rule, rule }
    }

    pub const fn ops(self) -> usize {
        self.now
    }

    /// A new cycle: what was too large may have been one op, or a proxy that is gone.
    pub const fn open(&mut self) {
        (self.now, self.most) = (self.rule, self.rule);
    }

    /// The server has failed again and again: one op shows whether it is well.
    pub const fn probe(&mut self) {
        (self.now, self.most) = (1, self.rule);
    }

    /// A batch of `ops` was too large: half of it, and no more than that in this cycle.
    pub const fn halve(&mut self, ops: usize) {
        self.now = ops.div_ceil(2);
        self.most = self.now;
    }

    /// One op was too large alone: it is found, the others were not to blame.
    pub const fn found(&mut self) {
        self.most = self.rule;
    }

    /// A batch of `ops` was answered after so long; `most_ms` is what it may take.
    pub fn answered(&mut self, ops: usize, took_ms: u64, most_ms: u64) {
        if took_ms > most_ms && ops > 1 {
            self.halve(ops);
        } else {
            self.now = (self.now * 2).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    // QUE-4, scenario 30
    #[test]
    fn halved_it_stays_below_and_grows_again_when_the_culprit_is_found() {
        let mut window = Window::new(100);
        window.halve(100);
        window.answered(50, 0, 30_000);
        assert_eq!(window.ops(), 50, "what was too large once is not tried again in the same cycle");
        for ops in [50, 25, 13, 7, 4, 2] {
            window.halve(ops);
        }
        assert_eq!(window.ops(), 1);
        window.found();
        let sizes: Vec<usize> = std::iter::repeat_with(|| {
            window.answered(window.ops(), 0, 30_000);
            window.ops()
        })
        .take(8)
        .collect();
        assert_eq!(sizes, [2, 4, 8, 16, 32, 64, 100, 100]);
    }

    // QUE-4
    #[test]
    fn a_batch_that_takes_too_long_is_followed_by_a_smaller_one() {
        let mut window = Window::new(100);
        window.answered(80, 30_001, 30_000);
        assert_eq!(window.ops(), 40);
        window.open();
        assert_eq!(window.ops(), 100);
    }
}
