// The faults of delivery, each with the outcome a person has a right to, from a page and from the service worker: what a line, a
// proxy or a server does to requests and answers, and what must be on the server and on the device afterwards.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openDevice, workerOf } from "./device.mjs";
import { World, until } from "./lab.mjs";

let world;
before(async () => {
  world = await World.start();
});
after(() => world?.stop());

const PUSH = "**/api/v1/sync/push";
const PULL = "**/api/v1/sync/pull";

const problem = (status, code, headers = {}) => ({
  status,
  headers,
  contentType: "application/problem+json",
  body: JSON.stringify({ type: "about:blank", title: code, status, detail: "a test says so", code }),
});

/**
 * A device whose pushes leave from the page, or from the worker alone. `send()` lets it sync once; it resolves when the
 * attempt was made, whatever came of it.
 */
async function sender(where) {
  const context = await world.device();
  const a = await openDevice(world, context, { app: "goalflow", worker: where === "worker" });
  await a.synced();
  if (where === "page") return { a, context, send: () => a.sync() };
  await until("no sync event is due", () => a.dueEvents().then((tags) => tags.length === 0));
  const worker = await workerOf(context, a.page, world.origin);
  // From here on only the worker can send.
  await a.page.evaluate(() => globalThis.db.pause());
  return { a, context, send: () => worker.sync() };
}

/** Everything of `a` has arrived. */
async function drained(a) {
  await a.page.evaluate(() => globalThis.db.resume());
  await until("an empty queue", async () => {
    await a.sync();
    return (await a.queue()).length === 0;
  });
}

/** Live goals on the server whose title begins with `title`. */
async function arrived(title) {
  const rows = Object.entries(await world.rows("goalflow", "goal"));
  return rows.filter(([, row]) => row.data.title.startsWith(title)).map(([id, { version }]) => ({ id, version }));
}

/** What befalls the first push of a device: each is told of by how often the server has done the work when it is over. */
const FATES = {
  "scenario_02 the answer is lost": async (route) => {
    await route.fetch();
    await route.abort("connectionreset");
  },
  "scenario_02 the request is lost": (route) => route.abort("connectionreset"),
  "scenario_07 the request arrives twice at once": async (route) => {
    const [answer] = await Promise.all([route.fetch(), route.fetch()]);
    await route.fulfill({ response: answer });
  },
  "scenario_26 the token is refused once": (route) => route.fulfill(problem(401, "AUTH_ERROR")),
  "scenario_28 the address is gone for a while": (route) => route.fulfill({ status: 404, body: "not here" }),
  "scenario_33 a proxy answers 502 after the server committed": async (route) => {
    await route.fetch();
    await route.fulfill({ status: 502, contentType: "text/html", body: "<h1>Bad gateway</h1>" });
  },
  "scenario_34 the answer is cut short": async (route) => {
    const answer = await route.fetch();
    const body = await answer.text();
    await route.fulfill({ response: answer, body: body.slice(0, body.length / 2) });
  },
};

for (const where of ["page", "worker"]) {
  for (const [name, fate] of Object.entries(FATES)) {
    test(`${name} (${where}): afterwards one copy, once`, async () => {
      // SYN-2, QUE-6, QUE-7
      const { a, context, send } = await sender(where);
      let met = 0;
      await context.route(PUSH, async (route) => {
        met += 1;
        return met === 1 ? fate(route) : route.continue();
      });
      const title = `${name} from the ${where}`;
      const id = await a.create("goal", { title });
      await send();
      await until("the first push", () => met > 0);
      await drained(a);
      assert.deepEqual(await arrived(title), [{ id, version: 1 }]);
      assert.equal((await a.get("goal", id))._sync.status, "synced");
      assert.deepEqual(a.faults, []);
      await context.close();
    });
  }
}

test("scenario_08 an old page delivered again moves nothing back", async () => {
  // SYN-1, SYN-2
  const context = await world.device();
  const a = await openDevice(world, context, { app: "goalflow", worker: false });
  await a.synced();
  const other = await openDevice(world, await world.device(), { app: "goalflow", device: "b", worker: false });
  await other.synced();
  const [id] = Object.keys(await world.rows("goalflow", "goal"));

  await other.update("goal", id, { strategy: "the older word" });
  await other.synced();
  let old;
  await context.route(PULL, async (route) => {
    const answer = await route.fetch();
    old = await answer.text();
    await route.fulfill({ response: answer, body: old });
  });
  await a.synced();
  assert.ok(old?.includes("the older word"), "the page that is kept");
  await context.unroute(PULL);
  await other.update("goal", id, { strategy: "the newer word" });
  await other.synced();
  await a.synced();

  let again = 0;
  await context.route(PULL, (route) => {
    again += 1;
    return again > 2 ? route.continue() : route.fulfill({ contentType: "application/json", body: old });
  });
  for (let round = 0; round < 3; round += 1) {
    await a.sync();
    assert.equal((await a.get("goal", id)).strategy, "the newer word");
  }
  assert.ok(again > 0);
  await context.unroute(PULL);
  await a.synced();
  assert.equal((await a.get("goal", id)).strategy, "the newer word");
  await context.close();
});

test("scenario_12 a tab frozen in the middle of its push and thawed later: the other tab takes over, each op once", async () => {
  // SYN-6, SYN-2
  const context = await world.device();
  const frozen = await openDevice(world, context, { app: "goalflow", worker: false });
  const other = await openDevice(world, context, { app: "goalflow", worker: false });
  await frozen.synced();
  await other.synced();
  const [id] = Object.keys(await world.rows("goalflow", "recognition"));
  const likes = (await world.rows("goalflow", "recognition"))[id].data.likes ?? 0;
  const cdp = await context.newCDPSession(frozen.page);

  let held;
  let release;
  const released = new Promise((resolve) => (release = resolve));
  await frozen.page.route(PUSH, async (route) => {
    const answer = await route.fetch();
    held = true;
    await released;
    await route.fulfill({ response: answer });
  });
  await other.page.evaluate(() => globalThis.db.pause());
  await frozen.update("recognition", id, { likes: likes + 1 });
  await frozen.page.evaluate(() => void globalThis.db.sync());
  await until("the push is on its way", () => held);
  await cdp.send("Page.setWebLifecycleState", { state: "frozen" });
  await other.update("recognition", id, { message: "From the tab that was awake" });
  await other.page.evaluate(() => globalThis.db.resume());
  await until("the other tab has sent everything", async () => {
    await other.sync();
    return (await other.queue()).length === 0;
  });
  await cdp.send("Page.setWebLifecycleState", { state: "active" });
  release();
  await drained(frozen);
  const row = (await world.rows("goalflow", "recognition"))[id];
  assert.equal(row.data.likes, likes + 1, "a like counts once");
  assert.equal(row.data.message, "From the tab that was awake");
  assert.equal((await frozen.get("recognition", id)).message, "From the tab that was awake");
  assert.deepEqual([...frozen.faults, ...other.faults], []);
  await context.close();
});

test("scenario_30 a proxy takes three changes and no more, one of them never: halved, told, the others arrive", async () => {
  // QUE-4, QUE-9, SYN-13
  const context = await world.device();
  const a = await openDevice(world, context, { app: "goalflow", worker: false });
  await a.synced();
  await context.route(PUSH, (route) => {
    const { changes } = route.request().postDataJSON();
    const heavy = changes.some((change) => change.data.title === "Small but heavy");
    return changes.length > 3 || heavy ? route.fulfill(problem(413, "PAYLOAD_TOO_LARGE")) : route.continue();
  });
  await context.setOffline(true);
  for (let at = 0; at < 10; at += 1) await a.create("goal", { title: `Halved ${at}` });
  const heavy = await a.create("goal", { title: "Small but heavy" });
  await context.setOffline(false);
  await until("all but one are there", async () => {
    await a.sync();
    return (await a.queue()).length === 1;
  });
  const [left] = await a.queue();
  assert.deepEqual([left.entity_id, left.status, left.error.code], [heavy, "failed", "PAYLOAD_TOO_LARGE"]);
  assert.equal((await arrived("Halved")).length, 10);
  assert.notEqual((await a.status()).state, "synced");
  assert.equal((await a.get("goal", heavy)).title, "Small but heavy", "nothing typed is lost");
  await context.close();
});
