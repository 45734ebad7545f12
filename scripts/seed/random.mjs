// Seeded randomness for the demo's data: the same seed gives the same records, on every machine.

/** A source of numbers in [0, 1) from a whole number (mulberry32). */
function source(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** The choices a generator makes. */
export class Random {
  constructor(seed) {
    this.next = source(seed);
  }

  /** A whole number from `low` to `high`, both included. */
  int(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** One of a list. */
  pick(list) {
    return list[this.int(0, list.length - 1)];
  }

  /** `count` different ones of a list. */
  some(list, count) {
    const rest = [...list];
    return Array.from({ length: Math.min(count, list.length) }, () => rest.splice(this.int(0, rest.length - 1), 1)[0]);
  }

  /** True in `part` of the cases. */
  chance(part) {
    return this.next() < part;
  }

  /** One of `{value: weight}`. */
  weighted(weights) {
    const entries = Object.entries(weights);
    let at = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    return (entries.find(([, weight]) => (at -= weight) < 0) ?? entries.at(-1))[0];
  }

  /** A time `low` to `high` days from `now`, on the quarter of an hour. */
  time(now, low, high) {
    const quarter = 900_000;
    const at = now + (low + this.next() * (high - low)) * 86_400_000;
    return new Date(Math.round(at / quarter) * quarter).toISOString();
  }

  /** A UUID of version 7, its time `at`. */
  uuid(at) {
    const hex = (count) => Array.from({ length: count }, () => this.int(0, 15).toString(16)).join("");
    const time = Math.floor(at).toString(16).padStart(12, "0");
    return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(3)}-${this.pick(["8", "9", "a", "b"])}${hex(3)}-${hex(12)}`;
  }
}
