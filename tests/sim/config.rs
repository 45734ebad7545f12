//! What one seed turns on: each seed enables a random subset of faults at random rates (swarm testing: uniform faults
//! everywhere hide bugs), and picks delays, skews and how many steps are taken.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// True in `per_mille` of 1,000 cases.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    pub fn bytes(&mut self) -> [u8; 32] {
        let mut out = [0; 32];
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes());
        }
        out
    }
}

/// Rates are per mille.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub steps: u64,
    pub delay_ms: u64,
    pub lost_request: u64,
    pub lost_response: u64,
    pub duplicate: u64,
    pub portal: u64,
    pub error_before: u64,
    pub error_after: u64,
    pub rate_limit: u64,
    pub auth: u64,
    pub held_op: u64,
    pub crash: u64,
    pub crash_between_effects: u64,
    pub freeze: u64,
    pub server_restart: u64,
    pub lost_bell: u64,
    pub offline: u64,
    pub store_failure: u64,
    pub skew_ms: [i64; 2],
    pub small_batches: bool,
}

impl Config {
    pub fn draw(rng: &mut Rng) -> Self {
        let mut rate = |most: u64| if rng.chance(500) { rng.below(most) + 1 } else { 0 };
        Self {
            lost_request: rate(300),
            lost_response: rate(300),
            duplicate: rate(200),
            portal: rate(100),
            error_before: rate(100),
            error_after: rate(100),
            rate_limit: rate(60),
            auth: rate(60),
            held_op: rate(200),
            crash: rate(30),
            crash_between_effects: rate(20),
            freeze: rate(20),
            server_restart: rate(10),
            lost_bell: rate(300),
            offline: rate(20),
            store_failure: rate(30),
            steps: 200 + rng.below(200),
            delay_ms: 1 + rng.below(3_000),
            skew_ms: [0, 1].map(|_| if rng.chance(300) { rng.below(2 * 86_400_000) as i64 - 86_400_000 } else { 0 }),
            small_batches: rng.chance(500),
        }
    }

    /// The same world without its faults.
    pub fn healed(&self) -> Self {
        Self { steps: self.steps, delay_ms: 50, skew_ms: self.skew_ms, small_batches: self.small_batches, ..Self::default() }
    }
}
