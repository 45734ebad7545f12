// Changes that meet each other: two tabs, two devices, clocks that are wrong, parents and children, and the tab that ends in the
// middle of it. Two devices agree in the end, and nothing that was typed is gone without a word.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openDevice } from "./device.mjs";
import { World, until } from "./lab.mjs";

let world;
before(async () => {
  world = await World.start();
});
after(() => world?.stop());

const API = "**/api/**";
const DAY_MS = 86_400_000;

/** Two devices of one person, both up to date. */
async function two() {
  const [phone, laptop] = [await world.device(), await world.device()];
  const a = await openDevice(world, phone, { app: "goalflow", worker: false });
  const b = await openDevice(world, laptop, { app: "goalflow", device: "b", worker: false });
  await a.synced();
  await b.synced();
  const close = async () => {
    assert.deepEqual([...a.faults, ...b.faults], []);
    await phone.close();
    await laptop.close();
  };
  return { a, b, phone, laptop, close };
}

/** What a device and the server say of a record, without what belongs to the device alone. */
async function seen(device, entity, id) {
  const record = await device.get(entity, id);
  if (record === undefined || record === null) return null;
  const { _sync, ...fields } = record;
  return fields;
}

test("scenario_01 a tab closed in the middle of its writes: each record has its op, each op its record", async () => {
  // STO-3, QUE-1
  const context = await world.device();
  const watcher = await openDevice(world, context, { app: "goalflow", worker: false });
  await watcher.synced();
  // Pages load, and nothing is sent.
  await context.route(API, (route) => route.abort("connectionrefused"));
  for (let round = 0; round < 8; round += 1) {
    const doomed = await openDevice(world, context, { app: "goalflow", worker: false });
    await doomed.page.evaluate((round) => {
      const goals = globalThis.db.collection("goal");
      for (let at = 0; at < 40; at += 1) void goals.create({ title: `Torn ${round}-${at}` });
    }, round);
    await doomed.page.close();
  }
  const records = (await watcher.query("goal", { limit: 1000 })).filter((goal) => goal.title.startsWith("Torn"));
  const ops = (await watcher.page.evaluate(() => globalThis.db.queue.list({ limit: 1000 }))).filter(
    (op) => op.operation === "create",
  );
  assert.ok(records.length > 0, "some were written");
  assert.deepEqual(ops.map((op) => op.entity_id).sort(), records.map((goal) => goal.id).sort());
  for (const op of ops) assert.ok(op.data.title.startsWith("Torn"));
  await context.unroute(API);
  await until("an empty queue", async () => {
    await watcher.sync();
    return (await watcher.queue()).length === 0;
  });
  const rows = Object.values(await world.rows("goalflow", "goal")).filter((row) => row.data.title.startsWith("Torn"));
  assert.equal(rows.length, records.length);
  await context.close();
});

for (const [who, days] of [
  ["ahead", 1],
  ["behind", -1],
]) {
  test(`scenario_10 a device whose clock is a day ${who}: the later edit wins, whoever makes it`, async () => {
    // SYN-12
    const wrong = await world.device();
    const right = await world.device();
    for (const [context, shift] of [
      [wrong, days * DAY_MS],
      [right, 0],
    ]) {
      await context.addInitScript((shift) => {
        const now = Date.now.bind(Date);
        globalThis.shift = shift;
        Date.now = () => now() + globalThis.shift;
      }, shift);
    }
    const a = await openDevice(world, wrong, { app: "goalflow", worker: false });
    const b = await openDevice(world, right, { app: "goalflow", device: "b", worker: false });
    await a.synced();
    await b.synced();
    const [first, second] = Object.keys(await world.rows("goalflow", "goal"));
    await wrong.setOffline(true);
    await right.setOffline(true);
    await a.update("goal", first, { title: `First, by the clock ${who}` });
    await b.update("goal", second, { title: `First, by the right clock (${who})` });
    // A minute goes by on both: a clock is measured to within the time that a request travels.
    for (const { page } of [a, b]) await page.evaluate(() => (globalThis.shift += 60_000));
    await b.update("goal", first, { title: `Later, by the right clock (${who})` });
    await a.update("goal", second, { title: `Later, by the clock ${who}` });
    await wrong.setOffline(false);
    await right.setOffline(false);
    // Each meets the other's op: one arrives first in one case, last in the other.
    await b.synced();
    await a.synced();
    await b.synced();
    for (const device of [a, b]) {
      assert.equal((await device.get("goal", first)).title, `Later, by the right clock (${who})`);
      assert.equal((await device.get("goal", second)).title, `Later, by the clock ${who}`);
    }
    await wrong.close();
    await right.close();
  });
}

test("scenario_11 two tabs edit one record without a network: both edits, in their order, in both tabs", async () => {
  // STO-5, QUE-5
  const context = await world.device();
  const one = await openDevice(world, context, { app: "goalflow", worker: false });
  const other = await openDevice(world, context, { app: "goalflow", worker: false });
  await one.synced();
  await other.synced();
  const [id] = Object.keys(await world.rows("goalflow", "goal"));
  const { version } = (await world.rows("goalflow", "goal"))[id];
  await context.setOffline(true);
  await one.update("goal", id, { title: "The first tab's title" });
  await other.update("goal", id, { title: "The second tab's title" });
  await one.update("goal", id, { progress: 42 });
  await other.update("goal", id, { visibility: "private" });
  for (const tab of [one, other]) {
    const { title, progress, visibility } = await tab.get("goal", id);
    assert.deepEqual({ title, progress, visibility }, { title: "The second tab's title", progress: 42, visibility: "private" });
  }
  assert.equal((await one.queue()).length, 1, "four edits of one record are one op");
  await context.setOffline(false);
  await one.synced();
  const row = (await world.rows("goalflow", "goal"))[id];
  assert.equal(row.data.title, "The second tab's title");
  assert.equal(row.version, version + 1);
  await context.close();
});

test("scenario_36 goals that name each other and themselves arrive whole", async () => {
  // QUE-3
  const { a, b, phone, close } = await two();
  await phone.setOffline(true);
  const first = await a.create("goal", { title: "Round one" });
  const second = await a.create("goal", { title: "Round two", parent_id: first });
  const third = await a.create("goal", { title: "Round three", parent_id: second });
  await a.update("goal", first, { parent_id: third });
  const alone = await a.create("goal", { title: "Its own parent" });
  await a.update("goal", alone, { parent_id: alone });
  await phone.setOffline(false);
  await until("an empty queue", async () => {
    await a.sync();
    return (await a.queue()).length === 0;
  });
  await b.synced();
  const parents = await Promise.all([first, second, third, alone].map(async (id) => (await b.get("goal", id)).parent_id));
  assert.deepEqual(parents, [third, first, second, alone]);
  await close();
});

for (const order of ["delete first", "edit first"]) {
  test(`scenario_37 one device deletes what the other edits (${order}): both agree, the edit is not lost`, async () => {
    // CON-2, SYN-10
    const { a, b, phone, laptop, close } = await two();
    const id = await a.create("goal", { title: `Deleted or edited, ${order}` });
    await a.synced();
    await b.synced();
    await phone.setOffline(true);
    await laptop.setOffline(true);
    await a.delete("goal", id);
    await b.update("goal", id, { title: "Typed while it was being deleted" });
    // Whoever has a network again sends by itself: one after the other.
    const [early, late] = order === "delete first" ? [a, b] : [b, a];
    await early.context.setOffline(false);
    await early.synced();
    await late.context.setOffline(false);
    await late.sync();
    // A person decides: goalflow says `manual`. Whoever's op came second is asked.
    const open = await late.page.evaluate(() => globalThis.db.conflicts.list());
    assert.equal(open.length, 1);
    assert.equal(open[0].entity_id, id);
    const sides = [open[0].local, open[0].server].filter((side) => side !== null && side !== undefined);
    assert.deepEqual(
      sides.map((side) => side.title),
      ["Typed while it was being deleted"],
      "the edit is kept",
    );
    assert.notEqual((await late.status()).state, "synced");
    // The side that holds the edit is kept.
    const keep = order === "delete first" ? "keepLocal" : "keepServer";
    await late.page.evaluate(([keep, id]) => globalThis.db.conflicts[keep]("goal", id), [keep, id]);
    await until("decided", async () => {
      await late.sync();
      return (await late.status()).state === "synced";
    });
    await early.synced();
    const there = (await world.rows("goalflow", "goal"))[id]?.data;
    assert.equal(there?.title, "Typed while it was being deleted");
    assert.deepEqual(await seen(a, "goal", id), there);
    assert.deepEqual(await seen(b, "goal", id), there);
    await close();
  });
}

test("scenario_37 both devices delete one record: gone everywhere, and nobody is asked", async () => {
  // SYN-10
  const { a, b, phone, laptop, close } = await two();
  const id = await a.create("goal", { title: "Deleted twice" });
  await a.synced();
  await b.synced();
  await phone.setOffline(true);
  await laptop.setOffline(true);
  await a.delete("goal", id);
  await b.delete("goal", id);
  await phone.setOffline(false);
  await laptop.setOffline(false);
  await a.synced();
  await b.synced();
  assert.equal(await seen(a, "goal", id), null);
  assert.equal(await seen(b, "goal", id), null);
  assert.equal((await world.rows("goalflow", "goal"))[id], undefined);
  await close();
});
