// Makes data for all five applications: thousands of records each, with references that hold, in many scripts, around today.
// The same seed, day and sizes give the same bytes. `npm run seed -- [FILE] [--seed N] [--day 2026-11-21] [--goalflow N]
// [--dcmms N] …`; a size is the number of goals, work orders, trips, sales, clients; 0 leaves the application out. Each line is
// {app, tenant, entity, data}; the server reads them with `--seed-file`. What an application's data are made of is in
// seed/apps/NAME.mjs.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT, main, isMain } from "./lib/run.mjs";
import bizpulse from "./seed/apps/bizpulse.mjs";
import dcmms from "./seed/apps/dcmms.mjs";
import goalflow from "./seed/apps/goalflow.mjs";
import travelsense from "./seed/apps/travelsense.mjs";
import vet from "./seed/apps/vet.mjs";
import { make } from "./seed/make.mjs";
import { Random } from "./seed/random.mjs";

const PLANS = { bizpulse, dcmms, goalflow, travelsense, vet };

const startOfToday = () => Math.floor(Date.now() / 86_400_000) * 86_400_000;

/** The lines of all applications; `sizes` of those that are not to have their plan's own. */
function seedLines({ sizes = {}, seed = 20261120, now = startOfToday() } = {}) {
  return Object.entries(PLANS).flatMap(([app, plan]) => {
    const size = sizes[app] ?? plan.size;
    if (size === 0) return [];
    const schema = JSON.parse(readFileSync(join(ROOT, "schemas", `${app}.json`), "utf8"));
    const records = make(schema, plan, { random: new Random(seed), now, size });
    return records.map(([entity, data]) => JSON.stringify({ app, tenant: plan.tenant, entity, data }));
  });
}

/** Writes the file of records; returns how many there are. */
export function writeSeed(file, options) {
  const lines = seedLines(options);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, lines.join("\n") + "\n");
  return lines.length;
}

function options() {
  const text = { type: "string" };
  const known = { seed: text, day: text, ...Object.fromEntries(Object.keys(PLANS).map((app) => [app, text])) };
  const { values, positionals } = parseArgs({ options: known, allowPositionals: true });
  const { seed, day, ...rest } = values;
  const sizes = Object.fromEntries(Object.entries(rest).map(([app, size]) => [app, Number(size)]));
  const chosen = { sizes, ...(seed && { seed: Number(seed) }), ...(day && { now: Date.parse(`${day}T00:00:00Z`) }) };
  return { file: positionals[0] ?? ".data/seed.ndjson", chosen };
}

if (isMain(import.meta.url)) {
  main(async () => {
    const { file, chosen } = options();
    console.log(`${writeSeed(file, chosen)} records in ${file}`);
  });
}
