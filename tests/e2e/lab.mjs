// What every end-to-end test stands on: a real Chromium, the real server on a file of its own, a site with the demo and with the
// library as an application would load it. It decides nothing that is tested.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ROOT, TARGET } from "../../scripts/lib/run.mjs";
import { startServer } from "../../scripts/lib/server.mjs";
import { writeSeed } from "../../scripts/seed.mjs";

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];
const LAUNCH = { executablePath: "/usr/bin/chromium", headless: true, args: ARGS };
/** Nothing here takes this long; a test that waits for it has failed. */
const PATIENCE_MS = 60_000;

const SITES = ["site-kano-north", "site-sevilla-2", "site-pune-east"];

/** Who the tests are, by application: what the demo's people may do. */
export const WHO = {
  dcmms: { app: "dcmms", tenant: "northwind", user: "u-amara", roles: ["supervisor"], lists: { sites: SITES } },
  goalflow: { app: "goalflow", tenant: "lumen", user: "u-amara", roles: [] },
};

/** Applications without end-to-end tests get no data. */
const NOT_TRIED = { bizpulse: 0, travelsense: 0, vet: 0 };

/** A device that is no browser: it reads what the server has. */
const READER = "00000000-0000-7000-8000-00000000cafe";
const VERSIONS = { protocol: 1, schema_version: 1 };

/** A page without the demo: it loads the library as an application would. */
const LAB_PAGE = `<!doctype html><html lang="en"><title>lab</title><script type="module" src="/lab.js"></script></html>`;
const LAB_SCRIPT = `import * as landfall from "/js/index.js"; globalThis.landfall = landfall;`;

/** Asks again until the answer is true; the last answer is part of the failure. */
export async function until(what, ask, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  let last;
  while (Date.now() < end) {
    last = await ask();
    if (last) return last;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain for: ${what} (last answer: ${JSON.stringify(last)})`);
}

const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

/** The site: the demo, the library, and the lab's page. */
function makeSite(folder) {
  const site = join(folder, "site");
  cpSync(join(ROOT, "dist/www"), site, { recursive: true });
  cpSync(join(ROOT, "dist/js"), join(site, "js"), { recursive: true });
  writeFileSync(join(site, "lab.html"), LAB_PAGE);
  writeFileSync(join(site, "lab.js"), LAB_SCRIPT);
  return site;
}

/** The data a world begins with, made anew: a kept file would outlive the generator that made it. */
function seedFile(folder, orders) {
  const file = join(folder, "seed.ndjson");
  writeSeed(file, { sizes: { ...NOT_TRIED, dcmms: orders, goalflow: Math.min(orders, 60) } });
  return file;
}

/** The real server, its data and its site; it can be stopped and started again on the same port. */
export class World {
  static async start({ orders = 40 } = {}) {
    const world = new World();
    mkdirSync(join(ROOT, "test-results"), { recursive: true });
    world.folder = mkdtempSync(join(tmpdir(), "landfall-"));
    world.site = makeSite(world.folder);
    world.seed = seedFile(world.folder, orders);
    world.port = await freePort();
    world.origin = `http://127.0.0.1:${world.port}`;
    await world.serve();
    return world;
  }

  /** Starts the server (again). */
  async serve() {
    const binary = process.env.LANDFALL_SERVER ?? join(TARGET, "debug", "landfall-server");
    const data = join(this.folder, "data.sqlite");
    this.server = await startServer(binary, {
      listen: `127.0.0.1:${this.port}`,
      data,
      seed: this.seed,
      site: this.site,
      quiet: true,
    });
  }

  /** Stops the server; `SIGKILL` leaves it no time to end anything. */
  async halt(signal = "SIGTERM") {
    this.server.process.kill(signal);
    await this.server.stopped;
  }

  /** A browser context: one device, in memory. */
  async device(options = {}) {
    this.browser ??= await chromium.launch(LAUNCH);
    return this.browser.newContext(options);
  }

  /** A browser on a profile that outlives it. */
  profile(name) {
    return chromium.launchPersistentContext(join(this.folder, name), LAUNCH);
  }

  /** The process of the browser on a profile. */
  pidOf(name) {
    const mark = `--user-data-dir=${join(this.folder, name)}`;
    for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      const words = readWords(pid);
      if (words.includes(mark) && !words.some((word) => word.startsWith("--type="))) return Number(pid);
    }
    throw new Error(`no browser on ${name}`);
  }

  /** An access token of a person, straight from the server. */
  async token(app) {
    const answer = await fetch(`${this.origin}/auth/dev`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(WHO[app]),
    });
    if (!answer.ok) throw new Error(`no token: ${answer.status} ${await answer.text()}`);
    return (await answer.json()).access_token;
  }

  /** Every live record of an entity as the server has it, {id: {data, version}}, read over the protocol. */
  async rows(app, entity) {
    const call = await this.caller(app);
    const rows = {};
    let token = null;
    for (let more = true; more;) {
      const page = await call("pull", { ...VERSIONS, device_id: READER, sync_token: token, limit: 500 });
      for (const slice of page.slices) {
        for (const change of slice.changes.filter((one) => one.entity_type === entity)) take(rows, change);
      }
      token = page.next_sync_token;
      more = page.has_more;
    }
    return rows;
  }

  /** Calls the protocol as a device that is no browser. */
  async caller(app) {
    const token = await this.token(app);
    const call = async (path, body) => {
      const answer = await fetch(`${this.origin}/${app}/api/v1/sync/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    };
    await call("devices", { device_id: READER, name: "reader" });
    return call;
  }

  /** Ends everything. */
  async stop() {
    await this.browser?.close();
    if (this.server.process.exitCode === null && this.server.process.signalCode === null) await this.halt();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function readWords(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

function take(rows, change) {
  if (change.operation === "delete" || change.operation === "remove") delete rows[change.entity_id];
  else rows[change.entity_id] = { data: change.data, version: change.server_version };
}

/** Saves what a page shows, for people to look at. */
export async function picture(page, name) {
  mkdirSync(join(ROOT, "test-results"), { recursive: true });
  await page.screenshot({ path: join(ROOT, "test-results", `${name}.png`) });
}
