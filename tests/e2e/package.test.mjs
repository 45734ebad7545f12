// The package as a stranger gets it: packed, installed with no network, in a plain page and in a Vite project, compiled under
// `strict`, and imported where there is no browser.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build as bundle } from "esbuild";
import { build as viteBuild } from "vite";
import { ROOT } from "../../scripts/lib/run.mjs";
import { World, WHO, until } from "./lab.mjs";

const BIN = join(ROOT, "node_modules/.bin");
const SCHEMA = join(ROOT, "schemas/goalflow.json");

/** What the application does, whoever has bundled it. */
const APP = `
import { open } from "landfall";
import { schema, type Goal } from "./schema.ts";

const who = ${JSON.stringify(WHO.goalflow)};
const login = async (): Promise<string> => {
  const headers = { "content-type": "application/json" };
  const answer = await fetch("/auth/dev", { method: "POST", headers, body: JSON.stringify(who) });
  return ((await answer.json()) as { access_token: string }).access_token;
};

export async function run(): Promise<{ title: string; state: string | undefined; active: boolean }> {
  await navigator.serviceWorker.register("./worker.js", { type: "classic" });
  await navigator.serviceWorker.ready;
  const { tenant, user } = who;
  const db = await open({ schema, tenant, user, base: "/goalflow", refresh: "/auth/refresh", token: login });
  const goals = db.collection("goal");
  const id = await goals.create({ title: document.title, tags: ["installed"] });
  const result = await db.sync();
  if (!result.success) throw new Error(JSON.stringify(result.errors));
  const goal: Goal | null = await goals.get(id);
  const title: string = goal?.title ?? "";
  const registration = await navigator.serviceWorker.getRegistration();
  await db.close();
  return { title, state: goal?._sync.status, active: registration?.active !== undefined };
}
Object.assign(globalThis, { run });
`;

/** An application's worker: the engine's events and nothing else. */
const WORKER = `
import { attach } from "landfall/sw";
attach(self, () => new URL("landfall.wasm", self.location.href));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
`;

const page = (title, script) =>
  `<!doctype html><html lang="en"><title>${title}</title><script type="module" src="${script}"></script></html>`;

let world;
let project;
before(async () => {
  world = await World.start();
  project = mkdtempSync(join(tmpdir(), "landfall-package-"));
  const npm = (args, cwd) => execFileSync("npm", args, { cwd, stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" });
  const [{ filename }] = JSON.parse(npm(["pack", "--json", "--pack-destination", project], ROOT));
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "stranger", private: true, type: "module" }));
  npm(["install", "--offline", "--no-audit", "--no-fund", "--legacy-peer-deps", `./${filename}`], project);
  writeFileSync(join(project, "app.ts"), APP);
  execFileSync(join(project, "node_modules/.bin/landfall"), ["types", SCHEMA, "--out", join(project, "schema.ts")]);
});
after(async () => {
  await world?.stop();
  if (project !== undefined) rmSync(project, { recursive: true, force: true });
});

/** Opens a page of the site and runs the application in it. */
async function runAt(path, title) {
  const context = await world.device();
  const tab = await context.newPage();
  const faults = [];
  tab.on("pageerror", (error) => faults.push(error));
  await tab.goto(`${world.origin}${path}`);
  await tab.waitForFunction(() => "run" in globalThis);
  const told = await tab.evaluate(() => globalThis.run());
  assert.deepEqual(told, { title, state: "synced", active: true });
  await until("the goal on the server", async () => {
    const rows = Object.values(await world.rows("goalflow", "goal"));
    return rows.some((row) => row.data.title === title && row.version === 1);
  });
  assert.deepEqual(faults, []);
  await context.close();
}

/** The application's worker and the wasm it loads, as files beside a page. */
async function placeWorker(folder) {
  const stdin = { contents: WORKER, resolveDir: project, loader: "ts" };
  await bundle({ stdin, outfile: join(folder, "worker.js"), bundle: true, format: "iife", logLevel: "warning" });
  cpSync(join(project, "node_modules/landfall/dist/js/landfall.wasm"), join(folder, "landfall.wasm"));
}

test("in a plain page, with no bundler, it opens, writes, syncs and registers the worker", async () => {
  // UIX-11
  const title = "Installed in a plain page";
  const folder = join(world.site, "plain");
  mkdirSync(folder);
  cpSync(join(project, "node_modules/landfall/dist/js"), join(folder, "landfall"), { recursive: true });
  const { code } = await (await import("esbuild")).transform(APP.replace("./schema.ts", "./schema.js"), { loader: "ts" });
  writeFileSync(join(folder, "app.js"), code.replaceAll('"landfall"', '"./landfall/index.js"'));
  const schema = await (await import("esbuild")).transform(readFileSync(join(project, "schema.ts"), "utf8"), { loader: "ts" });
  writeFileSync(join(folder, "schema.js"), schema.code);
  writeFileSync(join(folder, "index.html"), page(title, "./app.js"));
  await placeWorker(folder);
  await runAt("/plain/index.html", title);
});

test("in an empty Vite project, built for production, it does the same", async () => {
  // UIX-11
  const title = "Installed in a Vite project";
  writeFileSync(join(project, "index.html"), page(title, "/app.ts"));
  const folder = join(world.site, "vite");
  await viteBuild({
    root: project,
    base: "/vite/",
    logLevel: "error",
    configFile: false,
    build: { outDir: folder, emptyOutDir: true },
  });
  await placeWorker(folder);
  await runAt("/vite/index.html", title);
});

test("its types compile under strict, with the records of a schema that was JSON", () => {
  // APP-1
  const options = ["--strict", "--noEmit", "--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022"];
  // A file with a type error shows that the declarations are read at all.
  writeFileSync(join(project, "wrong.ts"), APP.replace("const title: string = goal?.title", "const title: number = goal?.title"));
  const compile = (file) =>
    execFileSync(join(BIN, "tsc"), [...options, "--allowImportingTsExtensions", "--lib", "es2022,dom", "--types", "", file], {
      cwd: project,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  compile("app.ts");
  assert.throws(
    () => compile("wrong.ts"),
    (error) => /wrong\.ts.*TS2322/.test(error.stdout),
  );
});

test("imported where there is no browser it throws nothing until it is opened", () => {
  // UIX-9: server-side rendering
  const script = `
    const { open } = await import("landfall");
    const told = await open({ schema: { app: "a", version: 1, entities: {} }, tenant: "t", user: "u", base: "/a" }).then(
      () => "opened", (error) => error.constructor.name);
    console.log(told);`;
  const told = execFileSync("node", ["--input-type=module", "--eval", script], { cwd: project, encoding: "utf8", stdio: "pipe" });
  assert.notEqual(told.trim(), "opened");
});

test("the command line says what is wrong with a file, and writes nothing then", () => {
  const bin = join(project, "node_modules/.bin/landfall");
  const fails = (args) => {
    try {
      execFileSync(bin, args, { cwd: project, encoding: "utf8", stdio: "pipe" });
    } catch (error) {
      return error.stderr;
    }
    throw new Error("it did not fail");
  };
  writeFileSync(join(project, "broken.json"), "{");
  assert.match(fails(["types", "broken.json"]), /broken\.json is no JSON/);
  writeFileSync(join(project, "other.json"), "[]");
  assert.match(fails(["types", "other.json"]), /no landfall schema/);
  const twins = { app: "a", version: 1, entities: { "work-order": {}, work_order: {} } };
  writeFileSync(join(project, "twins.json"), JSON.stringify(twins));
  assert.match(fails(["types", "twins.json"]), /WorkOrder/);
  assert.match(fails([]), /usage/);
});
