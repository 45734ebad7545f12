//! What happened, twice: always as a hash (two runs of one seed must agree), and as aligned lines when somebody is going to
//! read them. The hash does not depend on whether lines are kept.

/// Most lines kept.
const LINES: usize = 20_000;

#[derive(Clone, Debug, Default)]
pub struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    pub fn new(seed: u64, kept: bool) -> Self {
        Self { hash: seed ^ 0xcbf2_9ce4_8422_2325, lines: kept.then(Vec::new) }
    }

    /// One thing that happened: when and to whom, what; `detail` is only for readers, `figure` goes into the hash.
    pub fn say(&mut self, when: (u64, Place), word: &str, figure: u64, detail: impl FnOnce() -> String) {
        let (ms, at) = when;
        self.mix(ms);
        self.mix((at.0 as u64) << 32 | at.1 as u64);
        word.bytes().for_each(|byte| self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        self.mix(figure);
        let Some(lines) = &mut self.lines else { return };
        let who = match at {
            (NOBODY, _) => "server".to_owned(),
            (device, NOBODY) => format!("{device}"),
            (device, context) => format!("{device}.{context}"),
        };
        lines.push(format!("{:>12} {who:>6}  {word:<18} {}", thousands(ms), detail()).trim_end().to_owned());
        if lines.len() > LINES {
            lines.drain(..LINES / 2);
        }
    }

    fn mix(&mut self, figure: u64) {
        self.hash = (self.hash ^ figure).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }

    pub const fn hash(&self) -> u64 {
        self.hash
    }

    pub fn last(&self, count: usize) -> &[String] {
        let lines = self.lines.as_deref().unwrap_or_default();
        &lines[lines.len().saturating_sub(count)..]
    }
}

/// A device and a context of it.
pub type Place = (usize, usize);

/// In the place of a device: the server. In that of a context: the device as a whole.
pub const NOBODY: usize = usize::MAX;

fn thousands(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::Trace;

    #[test]
    fn the_hash_sees_what_happened_and_not_who_reads() {
        let hash = |kept, figure| {
            let mut trace = Trace::new(1, kept);
            trace.say((5, (0, 1)), "write", figure, || "detail".to_owned());
            trace.hash()
        };
        assert_eq!(hash(true, 1), hash(false, 1));
        assert_ne!(hash(false, 1), hash(false, 2));
    }
}
