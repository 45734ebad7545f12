// Makes the demo's data: a thousand work orders with their assets, parts and people, and a company's goals. The same seed and day
// give the same records. `node scripts/seed.mjs FILE [--orders N] [--goals N] [--seed N]`; lines of {app, tenant, entity, data}.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT, main, isMain } from "./lib/run.mjs";
import { dcmms } from "./seed/dcmms.mjs";
import { fit } from "./seed/fit.mjs";
import { goalflow } from "./seed/goalflow.mjs";
import { Random } from "./seed/random.mjs";

/** The tenant of each application in the demo. */
export const TENANTS = { dcmms: "northwind", goalflow: "lumen" };

const startOfToday = () => Math.floor(Date.now() / 86_400_000) * 86_400_000;

/** Every record of one application as [entity, record]. */
function recordsOf(app, { seed, now, count }) {
  const schema = JSON.parse(readFileSync(join(ROOT, "schemas", `${app}.json`), "utf8"));
  const random = new Random(seed);
  const made = { dcmms, goalflow }[app](random, { now, count });
  return fit(schema, made, { random, now });
}

/** Writes the file of records; returns how many there are. */
export function writeSeed(file, { orders = 1000, goals = 200, seed = 20261120, now = startOfToday() } = {}) {
  const lines = [];
  for (const [app, count] of [
    ["dcmms", orders],
    ["goalflow", goals],
  ]) {
    for (const [entity, data] of recordsOf(app, { seed, now, count })) {
      lines.push(JSON.stringify({ app, tenant: TENANTS[app], entity, data }));
    }
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, lines.join("\n") + "\n");
  return lines.length;
}

if (isMain(import.meta.url)) {
  main(async () => {
    const options = { orders: { type: "string" }, goals: { type: "string" }, seed: { type: "string" } };
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const numbers = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
    const file = positionals[0] ?? ".data/seed.ndjson";
    console.log(`${writeSeed(file, numbers)} records in ${file}`);
  });
}
