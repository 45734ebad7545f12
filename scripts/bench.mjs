// Measures landfall against bare IndexedDB with the same stores and durability, in headless Chromium with its profile on disk,
// interleaved round by round; prints medians, p95 and the ratio of the medians, and writes bench/results.json.
// `npm run bench`, `npm run bench -- --quick`.
import { createServer } from "node:http";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { build } from "./build.mjs";
import { ROOT, main } from "./lib/run.mjs";
import { setup } from "./setup.mjs";

const TYPES = { ".html": "text/html", ".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm" };

/** Serves the library and the bench's page on a free loopback port. */
function serve() {
  const places = { bench: join(ROOT, "bench"), js: join(ROOT, "dist", "js") };
  const server = createServer((request, response) => {
    const [, place, ...rest] = normalize(new URL(request.url, "http://localhost").pathname).split("/");
    try {
      if (!places[place] || rest.includes("..")) throw new Error("not here");
      const body = readFileSync(join(places[place], ...rest));
      response.writeHead(200, { "content-type": TYPES[extname(request.url)] ?? "application/octet-stream" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

const at = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
const median = (values) =>
  at(
    [...values].sort((a, b) => a - b),
    0.5,
  );

/** Medians and p95 over all calls; the ratio is the median of the rounds' own ratios, each from one and the same round. */
function cells(rounds) {
  const names = [...new Set(rounds.flat().map(({ id, contestant }) => `${id} ${contestant}`))];
  return names.map((name) => {
    const [id, contestant] = name.split(" ");
    const mine = rounds.map((round) => round.find((cell) => cell.id === id && cell.contestant === contestant).ms);
    const bare = rounds.map((round) => round.find((cell) => cell.id === id && cell.contestant === "bare").ms);
    const all = mine.flat().sort((a, b) => a - b);
    const ratio = median(mine.map((ms, n) => median(ms) / median(bare[n])));
    const round = (ms) => Number(ms.toFixed(3));
    return { id, contestant, median_ms: round(at(all, 0.5)), p95_ms: round(at(all, 0.95)), ratio: round(ratio), n: all.length };
  });
}

main(async () => {
  const quick = process.argv.includes("--quick");
  await setup(["start", "test"]);
  await build();
  const { chromium } = await import("playwright-core");
  const server = await serve();
  const profile = mkdtempSync(join(tmpdir(), "landfall-bench-"));
  const args = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
  ];
  const browser = await chromium.launchPersistentContext(profile, { executablePath: "/usr/bin/chromium", headless: true, args });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/bench/page.html`);
    await page.waitForFunction("window.ready");
    const rounds = [];
    for (let n = 0; n < (quick ? 3 : 7); n += 1)
      rounds.push(await page.evaluate(([n, quick]) => window.round(n, quick), [n, quick]));
    const results = cells(rounds);
    console.log("\ncell      contestant    median ms   p95 ms   ratio       n   (strict durability, profile on disk)");
    for (const { id, contestant, median_ms, p95_ms, ratio, n } of results) {
      const figures = [
        median_ms.toFixed(2).padStart(10),
        p95_ms.toFixed(2).padStart(8),
        ratio.toFixed(2).padStart(7),
        String(n).padStart(7),
      ];
      console.log(`${id.padEnd(9)} ${contestant.padEnd(12)} ${figures.join(" ")}`);
    }
    const environment = {
      browser: browser.browser()?.version() ?? "chromium",
      cpus: cpus().length,
      cpu: cpus()[0]?.model,
      rounds: rounds.length,
    };
    writeFileSync(join(ROOT, "bench", "results.json"), `${JSON.stringify({ environment, cells: results }, null, 2)}\n`);
  } finally {
    await browser.close();
    server.close();
    rmSync(profile, { recursive: true, force: true });
  }
});
