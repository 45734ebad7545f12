// The service worker ended in the middle, and other moments at which nothing may be lost.
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

test("the worker killed while its push is on the way: the next one finishes it, each op once", async () => {
  // SW-5, SYN-2
  const context = await world.device();
  const a = await openDevice(world, context, { app: "goalflow" });
  await a.synced();
  await until("no sync event is due", () => a.dueEvents().then((tags) => tags.length === 0));
  const worker = await workerOf(context, a.page, world.origin);
  const id = Object.keys(await world.rows("goalflow", "recognition"))[0];
  const likes = (await world.rows("goalflow", "recognition"))[id].data.likes ?? 0;

  // The page does not sync, so that only the worker can send.
  await a.page.evaluate(() => globalThis.db.pause());
  let held;
  const arrived = new Promise((resolve) => {
    void context.route(PUSH, async (route) => {
      if (held) return route.continue();
      held = route;
      await route.fetch();
      resolve();
    });
  });
  await a.update("recognition", id, { likes: likes + 1 });
  await worker.sync();
  await arrived;
  // The server has done it; the worker ends before it can hear so.
  await worker.kill();
  // A new one is started by a message that means nothing to it; until then the browser's switches for it would hang.
  await a.page.evaluate(async () => (await navigator.serviceWorker.ready).active.postMessage("good morning"));
  await held.abort("connectionreset").catch(() => {});
  await context.unroute(PUSH);
  assert.equal((await world.rows("goalflow", "recognition"))[id].data.likes, likes + 1);

  await a.page.evaluate(() => globalThis.db.resume());
  await until("an empty queue", async () => {
    await a.sync();
    return (await a.queue()).length === 0;
  });
  assert.equal((await world.rows("goalflow", "recognition"))[id].data.likes, likes + 1, "a like counts once");
  await context.close();
});

test("the server killed without warning and started again: what it acknowledged is there, what waited arrives", async () => {
  // SRV-5
  const context = await world.device();
  const a = await openDevice(world, context, { app: "goalflow", worker: false });
  await a.synced();
  const kept = await a.create("goal", { title: "Acknowledged before the power cut" });
  await a.synced();
  await world.halt("SIGKILL");
  const waits = await a.create("goal", { title: "Written during the power cut" });
  const result = await a.sync();
  assert.equal(result.success, false);
  await world.serve();
  await until("an empty queue", async () => {
    await a.sync();
    return (await a.queue()).length === 0;
  });
  const rows = await world.rows("goalflow", "goal");
  assert.equal(rows[kept].version, 1);
  assert.equal(rows[waits].version, 1);
  await context.close();
});

test("two tabs show the same: a write in one is in the other's live query", async () => {
  // STO-5
  const context = await world.device();
  const one = await openDevice(world, context, { app: "goalflow", worker: false });
  const two = await openDevice(world, context, { app: "goalflow", worker: false });
  await one.synced();
  await two.page.evaluate(() => {
    globalThis.seen = [];
    globalThis.db.collection("goal").observe({ where: { title: "Seen in the other tab" } }, (rows) => (globalThis.seen = rows));
  });
  await context.setOffline(true);
  await one.create("goal", { title: "Seen in the other tab" });
  await until("the other tab sees it", () => two.page.evaluate(() => globalThis.seen.length === 1));
  await context.setOffline(false);
  await context.close();
});
