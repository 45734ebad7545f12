// The elements in a real browser: each theme says what its specification shows, each state has a sign and a word, the queue
// does what it says, and axe finds nothing in light and dark, on a phone and on a desk. The pictures are for people to look
// at.
import { AxeBuilder } from "@axe-core/playwright";
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { ROOT } from "../../scripts/lib/run.mjs";
import { openDevice } from "./device.mjs";
import { World, picture, until } from "./lab.mjs";

let world;
before(async () => {
  world = await World.start();
  const entry = { entryPoints: [join(ROOT, "dist/js/elements.js")], outfile: join(world.site, "elements.js") };
  await build({ ...entry, bundle: true, format: "esm", absWorkingDir: ROOT, nodePaths: [join(ROOT, "node_modules")] });
});
after(() => world?.stop());

const NOW = Date.parse("2026-03-04T10:20:30Z");
const STILL = { queued: 0, failed: 0, conflicts: 0, done: 0, total: 0, behind: false, online: true, error: null };

/** Statuses as the engine tells them. */
const STATUSES = {
  synced: { state: "synced", lastSyncAt: NOW - 125_000 },
  pending: { state: "pending", queued: 2, nextAttemptAt: NOW + 42_000 },
  syncing: { state: "syncing", queued: 7, done: 3, total: 10 },
  offline: { state: "offline", queued: 5, online: false },
  attention: { state: "attention", conflicts: 1, failed: 2 },
  error: { state: "error", queued: 1, nextAttemptAt: NOW + 30_000, error: { code: "SERVER_ERROR", message: "503" } },
  paused: { state: "paused", queued: 3 },
};

/** What each specification shows, word for word: G6.1, D5.3, B7. */
const SAID = {
  goalflow: {
    synced: "Online",
    offline: "Offline - working locally",
    syncing: "Syncing... 3 of 10 items",
    error: "Sync failed - tap to retry",
  },
  dcmms: {
    syncing: "Syncing... (3 of 10 items)",
    synced: "Synced 2 minutes ago",
    offline: "Offline (5 changes queued)",
    error: "Sync failed (retry in 30s)",
  },
  bizpulse: {
    synced: "Online & Synced",
    syncing: "Syncing...",
    offline: "Offline Mode",
    attention: "Sync Conflicts",
    error: "Sync Failed",
  },
  landfall: { attention: "Needs you 2 changes refused, 1 conflict to decide", paused: "Paused 3 changes kept here" },
};

/** A page with the elements and nothing else; its clock stands at `NOW`. */
async function gallery(options = {}) {
  const context = await world.device({ locale: "en-GB", timezoneId: "UTC", ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error));
  await page.clock.install({ time: NOW });
  await page.goto(`${world.origin}/lab.html`);
  await page.evaluate(
    async ([statuses, still, now]) => {
      globalThis.statuses = statuses;
      const { setWords } = await import("/elements.js");
      globalThis.setWords = setWords;
      Date.now = () => now;
      /** As much of a database as the elements ask: it tells what the test puts into it. */
      globalThis.fake = (status, ops = []) => ({
        schema: { entities: { "work-order": { title: "Work order", label: "title" } } },
        status: { ...still, lastSyncAt: null, nextAttemptAt: null, ...status },
        calls: [],
        on(type, listener) {
          if (type === "status") listener({ type, status: this.status });
          return () => {};
        },
        queue: {
          list: () => Promise.resolve(ops),
          retry: (...args) => globalThis.calls.push(["retry", ...args]),
          discard: (...args) => globalThis.calls.push(["discard", ...args]),
        },
        sync: () => globalThis.calls.push(["sync"]),
        pause: (on) => globalThis.calls.push(["pause", on]),
      });
      globalThis.calls = [];
      globalThis.add = (tag, properties, status, ops) => {
        const element = document.createElement(tag);
        Object.assign(element, properties, { db: globalThis.fake(status, ops) });
        document.body.append(element);
        return element.updateComplete;
      };
      document.body.style.cssText = "margin:16px;display:grid;gap:12px;font:15px/1.45 system-ui;color-scheme:light dark";
      document.documentElement.style.cssText = "color-scheme:light dark";
    },
    [STATUSES, STILL, NOW],
  );
  return { context, page, faults };
}

const squeeze = (text) => text.replace(/\s+/g, " ").trim();

for (const [theme, said] of Object.entries(SAID)) {
  test(`the ${theme} theme says what its specification shows`, async () => {
    // UIX-1
    const { context, page, faults } = await gallery();
    for (const [state, words] of Object.entries(said)) {
      await page.evaluate(
        ([theme, state]) => globalThis.add("landfall-status", { theme }, globalThis.statuses[state]),
        [theme, state],
      );
      const line = page.locator("landfall-status").last();
      assert.equal(squeeze(await line.locator(".line").innerText()), words, state);
      assert.ok((await line.locator("svg.sign").count()) > 0, "never colour alone");
    }
    assert.deepEqual(faults, []);
    await context.close();
  });
}

test("the seconds to the next attempt run down, and are not read out each second", async () => {
  // UIX-1: D5.3's countdown
  const { context, page } = await gallery();
  // Axe and pictures need a clock that runs; this test moves it by hand.
  await page.clock.pauseAt(NOW + 60_000);
  await page.evaluate(() => globalThis.add("landfall-status", { theme: "dcmms" }, globalThis.statuses.error));
  const line = page.locator("landfall-status .line");
  assert.match(await line.innerText(), /retry in 30s/);
  await page.evaluate((now) => (Date.now = () => now + 7000), NOW);
  await page.clock.runFor(1100);
  assert.match(await line.innerText(), /retry in 23s/);
  assert.equal(squeeze(await line.getByRole("status").innerText()), "Sync failed");
  // A status that has gone from the page beats no more.
  await page.evaluate(() => document.querySelector("landfall-status").remove());
  await page.clock.runFor(5000);
  await context.close();
});

test("goalflow's failure is a button that syncs; the bar opens; the panel pauses", async () => {
  // UIX-1
  const { context, page } = await gallery();
  await page.evaluate(() => globalThis.add("landfall-status", { theme: "goalflow" }, globalThis.statuses.error));
  await page.getByRole("button", { name: "Sync failed - tap to retry" }).click();
  assert.deepEqual(await page.evaluate(() => globalThis.calls), [["sync"]]);
  await page.evaluate(() => globalThis.add("landfall-status", { form: "bar" }, globalThis.statuses.pending));
  const opener = page.getByRole("button", { name: "Details" });
  assert.equal(await opener.getAttribute("aria-expanded"), "false");
  await opener.press("Enter");
  assert.equal(await opener.getAttribute("aria-expanded"), "true");
  await page.getByRole("button", { name: "Pause" }).click();
  assert.deepEqual((await page.evaluate(() => globalThis.calls)).at(-1), ["pause", true]);
  await context.close();
});

test("a failure that stops everything takes the screen, once, and lets a person work on", async () => {
  // UIX-1
  const { context, page } = await gallery({ viewport: { width: 390, height: 844 } });
  const blocked = { state: "error", queued: 2, error: { code: "SCHEMA_MISMATCH", message: "older" } };
  await page.evaluate((status) => globalThis.add("landfall-status", { takeover: true }, status), blocked);
  const dialog = page.getByRole("dialog");
  assert.match(await dialog.innerText(), /this app needs an update. What you have written is kept on this device./);
  await picture(page, "elements-takeover");
  assert.deepEqual((await new AxeBuilder({ page }).include("landfall-status").analyze()).violations, []);
  await page.getByRole("button", { name: "Work on without sync" }).click();
  await dialog.waitFor({ state: "hidden" });
  await page.evaluate(() => document.querySelector("landfall-status").requestUpdate());
  assert.equal(await dialog.count(), 0);
  await context.close();
});

/** Ops as the queue lists them. */
const OPS = [
  {
    id: "1",
    status: "failed",
    operation: "update",
    data: { title: "Replace contactor", rootCause: "worn" },
    error: { code: "VALIDATION_ERROR", message: "closed may not be followed by open" },
  },
  { id: "2", status: "conflict", operation: "update", data: { completionNotes: "…" } },
  { id: "3", status: "syncing", operation: "create", data: { title: "فحص المولد الاحتياطي" } },
  {
    id: "4",
    status: "pending",
    operation: "create",
    data: { title: "A very long title that has to break somewhere because a phone is narrow and words are not ".repeat(2) },
  },
  { id: "5", status: "pending", operation: "delete", needs: ["work-order/4"] },
  { id: "6", status: "completed", operation: "create", data: { title: "Arrived this morning" }, updated_at: NOW - 3_600_000 },
  { id: "7", status: "completed", operation: "create", data: { title: "Arrived last week" }, updated_at: NOW - 7 * 86_400_000 },
].map((op, at) => ({
  entity_type: "work-order",
  entity_id: `WO-0000${op.id}`,
  created_at: NOW - at * 60_000,
  updated_at: NOW,
  ...op,
}));

test("the queue says each op in words, what arrived in the last day, and what a person can do", async () => {
  // UIX-3, QUE-8
  const { context, page } = await gallery();
  await page.evaluate((ops) => globalThis.add("landfall-queue", {}, globalThis.statuses.syncing, ops), OPS);
  const lines = page.locator("landfall-queue li");
  await until("six ops", async () => (await lines.count()) === 6);
  const told = (await lines.locator(".what, .why").allInnerTexts()).map(squeeze);
  assert.equal(told[0], "Changed work order Replace contactor");
  assert.equal(told[1], "title, root cause · The server refused it: closed may not be followed by open");
  assert.equal(told[2], "Changed work order WO-00002");
  assert.equal(told[9], "Waiting for another change to arrive first");
  assert.equal(told[10], "New work order Arrived this morning");
  assert.ok(!told.some((text) => text.includes("last week")));

  await page.getByRole("button", { name: "Try again: Replace contactor" }).click();
  await page.evaluate(() => addEventListener("landfall-edit", (event) => globalThis.calls.push(["edit", event.detail])));
  await page.getByRole("button", { name: "Edit: Replace contactor" }).click();
  await page.getByRole("button", { name: "Discard: Replace contactor" }).click();
  await page.getByRole("button", { name: "Keep" }).click();
  await page.getByRole("button", { name: "Discard: Replace contactor" }).click();
  await page.getByRole("button", { name: "Discard", exact: true }).click();
  await page.getByRole("button", { name: "Pause" }).click();
  assert.deepEqual(await page.evaluate(() => globalThis.calls), [
    ["retry", "work-order", "WO-00001"],
    ["edit", { entity: "work-order", id: "WO-00001" }],
    ["discard", "work-order", "WO-00001"],
    ["pause", true],
  ]);
  await context.close();
});

test("another language takes the place of the English words", async () => {
  const { context, page } = await gallery();
  await page.evaluate(() => {
    globalThis.setWords({ attention: "Du wirst gebraucht", refused: "{n} Änderung abgelehnt|{n} Änderungen abgelehnt" }, "de");
    return globalThis.add("landfall-status", {}, globalThis.statuses.attention);
  });
  const text = squeeze(await page.locator("landfall-status .line").innerText());
  assert.equal(text, "Du wirst gebraucht 2 Änderungen abgelehnt, 1 conflict to decide");
  await context.close();
});

for (const [name, viewport] of [
  ["phone", { width: 390, height: 844 }],
  ["desk", { width: 1200, height: 900 }],
]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`on a ${name} in ${colorScheme} axe finds nothing, and nothing runs out of the screen`, async () => {
      // UIX-1, UIX-2, UIX-3
      const { context, page } = await gallery({ viewport, colorScheme });
      await page.evaluate(async (ops) => {
        document.body.style.background = matchMedia("(prefers-color-scheme: dark)").matches ? "#101615" : "#f1f3ef";
        const marks = document.createElement("p");
        marks.style.cssText = "display:flex;flex-wrap:wrap;gap:14px";
        for (const theme of ["landfall", "dcmms", "bizpulse"]) {
          for (const status of ["synced", "pending", "syncing", "failed", "conflict", "absent"]) {
            marks.append(Object.assign(document.createElement("landfall-mark"), { theme, status }));
          }
        }
        document.body.append(marks);
        for (const theme of ["landfall", "goalflow", "dcmms", "bizpulse"]) {
          for (const status of Object.values(globalThis.statuses)) await globalThis.add("landfall-status", { theme }, status);
        }
        await globalThis.add("landfall-status", { form: "panel" }, globalThis.statuses.attention);
        await globalThis.add("landfall-queue", {}, globalThis.statuses.syncing, ops);
      }, OPS);
      await until("the ops", async () => (await page.locator("landfall-queue li").count()) === 6);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "no sideways scrolling");
      const { violations } = await new AxeBuilder({ page })
        .disableRules(["page-has-heading-one", "region", "landmark-one-main", "heading-order"])
        .analyze();
      assert.deepEqual(
        violations.map((one) => [one.id, one.nodes.map((node) => node.html.slice(0, 120))]),
        [],
      );
      await page.setViewportSize({ ...viewport, height: 2600 });
      await picture(page, `elements-${name}-${colorScheme}`);
      await context.close();
    });
  }
}

test("over a real database the status follows, and hiding the elements ends their listening", async () => {
  // UIX-1, UIX-9
  const context = await world.device();
  const device = await openDevice(world, context, { app: "goalflow", worker: false });
  await device.synced();
  await device.page.evaluate(async () => {
    await import("/elements.js");
    for (const tag of ["landfall-status", "landfall-queue"]) {
      document.body.append(Object.assign(document.createElement(tag), { db: globalThis.db }));
    }
  });
  const word = () => device.page.locator("landfall-status strong").innerText();
  await until("synced", async () => (await word()) === "Synced");
  await context.setOffline(true);
  await device.create("goal", { title: "Seen in the queue" });
  await until("offline or waiting", async () => ["Offline", "Waiting"].includes(await word()));
  await until("the op", async () =>
    (await device.page.locator("landfall-queue li").first().innerText()).includes("Seen in the queue"),
  );
  await context.setOffline(false);
  await device.synced();
  await until("synced again", async () => (await word()) === "Synced");
  assert.deepEqual(device.faults, []);
  await context.close();
});
