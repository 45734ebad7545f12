// What an edit made without a network has to survive: the tab closed, the browser killed, a thousand of its like.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openDevice } from "./device.mjs";
import { World, until } from "./lab.mjs";

const API = "**/api/**";

let world;
before(async () => {
  world = await World.start({ orders: 1000 });
});
after(() => world?.stop());

test("(a) an offline edit, its tab closed, reaches the server by Background Sync alone and shows on device B", async () => {
  // SW-2, SYN-5
  const phone = await world.device();
  const a = await openDevice(world, phone, { app: "dcmms" });
  await a.synced();
  // The sync that the opened page asked the browser for is over: one that failed would be tried again only minutes later.
  await until("no sync event is due", () => a.dueEvents().then((tags) => tags.length === 0));
  const id = "WO-00001";
  await phone.setOffline(true);
  await a.update("work-order", id, { title: "Edited in the tunnel ⛰️", status: "in-progress" });
  assert.equal((await a.queue()).length, 1);
  await until("the browser has promised a sync event", () => a.dueEvents().then((tags) => tags.length > 0));
  await a.page.close();
  assert.equal(phone.pages().length, 0, "no page is left that could sync");
  assert.notEqual((await world.rows("dcmms", "work-order"))[id].data.title, "Edited in the tunnel ⛰️");

  await phone.setOffline(false);
  await until("the edit on the server", async () => {
    const row = (await world.rows("dcmms", "work-order"))[id];
    return row.data.title === "Edited in the tunnel ⛰️" && row.data.status === "in-progress";
  });
  assert.equal(phone.pages().length, 0, "still no page");

  const laptop = await world.device();
  const b = await openDevice(world, laptop, { app: "dcmms", device: "b" });
  await b.synced();
  const seen = await b.get("work-order", id);
  assert.equal(seen.title, "Edited in the tunnel ⛰️");
  assert.equal(seen._sync.status, "synced");
});

test("(e) the browser killed between write and sync: the edit is there at the restart and arrives", async () => {
  // STO-3, QUE-7
  const id = "WO-00002";
  const first = await world.profile("killed");
  const doomed = await openDevice(world, first, { app: "dcmms" });
  await doomed.synced();
  await first.setOffline(true);
  await doomed.update("work-order", id, { title: "Written a moment before the battery died" });
  const gone = new Promise((resolve) => first.on("close", resolve));
  process.kill(world.pidOf("killed"), "SIGKILL");
  await gone;

  const second = await world.profile("killed");
  await second.route(API, (route) => route.abort("connectionrefused"));
  const a = await openDevice(world, second, { app: "dcmms" });
  const kept = await a.get("work-order", id);
  assert.equal(kept.title, "Written a moment before the battery died");
  assert.equal(kept._sync.status, "pending");
  await second.unroute(API);
  await a.sync();
  await until("the edit on the server", async () => {
    return (await world.rows("dcmms", "work-order"))[id].data.title === "Written a moment before the battery died";
  });
  await until("synced", async () => (await a.status()).state === "synced");
  await second.close();
});

test("(f) a thousand offline edits arrive complete, each once", async () => {
  // QUE-4, SYN-2, SYN-16
  const phone = await world.device();
  const a = await openDevice(world, phone, { app: "dcmms" });
  await a.synced();
  const before = await world.rows("dcmms", "work-order");
  const ids = Object.keys(before);
  assert.equal(ids.length, 1000);
  await phone.setOffline(true);
  await a.page.evaluate(async (ids) => {
    const orders = globalThis.db.collection("work-order");
    for (const [at, id] of ids.entries()) await orders.update(id, { completionNotes: `Done offline, number ${at + 1} ✔` });
  }, ids);
  const status = await a.status();
  assert.equal(status.queued, 1000);
  assert.notEqual(status.state, "synced");

  await phone.setOffline(false);
  await until("an empty queue", async () => (await a.status()).queued === 0, 180_000);
  const after = await world.rows("dcmms", "work-order");
  ids.forEach((id, at) => {
    assert.equal(after[id].data.completionNotes, `Done offline, number ${at + 1} ✔`, id);
    assert.equal(after[id].version, before[id].version + 1, `${id} was written once`);
  });
  assert.deepEqual(a.faults, []);
});
