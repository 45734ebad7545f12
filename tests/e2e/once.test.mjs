// Each op has its effect once, whoever sends it and however often: several contexts at one moment, an answer that is lost.
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

/** Lets one push reach the server and loses its answer. */
async function loseOneAnswer(context) {
  let lost = 0;
  await context.route(PUSH, async (route) => {
    if (lost > 0) return route.continue();
    lost += 1;
    await route.fetch();
    await route.abort("connectionreset");
  });
  return () => lost;
}

test("(c) two tabs and the worker told to sync at the same moment: each op arrives once", async () => {
  // SYN-6, SYN-2
  const phone = await world.device();
  const one = await openDevice(world, phone, { app: "goalflow" });
  const two = await openDevice(world, phone, { app: "goalflow" });
  await one.synced();
  await two.synced();
  const worker = await workerOf(phone, one.page, world.origin);
  const goals = await world.rows("goalflow", "goal");
  const thanks = await world.rows("goalflow", "recognition");
  const ids = Object.keys(goals).slice(0, 40);
  const liked = Object.keys(thanks).slice(0, 20);

  await phone.setOffline(true);
  const write = ({ ids, liked, word }) =>
    globalThis.db
      .collection("recognition")
      .query()
      .then(async (rows) => {
        for (const id of ids) await globalThis.db.collection("goal").update(id, { strategy: word });
        for (const row of rows.filter((row) => liked.includes(row.id))) {
          await globalThis.db.collection("recognition").update(row.id, { likes: (row.likes ?? 0) + 1 });
        }
      });
  await one.page.evaluate(write, { ids: ids.slice(0, 20), liked: liked.slice(0, 10), word: "from the first tab" });
  await two.page.evaluate(write, { ids: ids.slice(20), liked: liked.slice(10), word: "from the second tab" });
  assert.equal((await one.queue()).length, 60);

  await phone.setOffline(false);
  await Promise.all([one.sync(), two.sync(), worker.sync(), one.sync(), worker.sync()]);
  await until("an empty queue", async () => (await one.queue()).length === 0);

  const goalsAfter = await world.rows("goalflow", "goal");
  ids.forEach((id, at) => {
    assert.equal(goalsAfter[id].data.strategy, at < 20 ? "from the first tab" : "from the second tab");
    assert.equal(goalsAfter[id].version, goals[id].version + 1, "one change, one version");
  });
  const thanksAfter = await world.rows("goalflow", "recognition");
  for (const id of liked) {
    assert.equal(thanksAfter[id].data.likes ?? 0, (thanks[id].data.likes ?? 0) + 1, "a like counts once");
    assert.equal(thanksAfter[id].version, thanks[id].version + 1);
  }
  assert.deepEqual([...one.faults, ...two.faults], []);
});

test("(d) the answer lost after the server committed: one copy, and its edit once", async () => {
  // SYN-2
  const phone = await world.device();
  const a = await openDevice(world, phone, { app: "goalflow" });
  await a.synced();
  const lost = await loseOneAnswer(phone);
  const id = await a.create("goal", { title: "Arrives once although the line broke" });
  await a.sync();
  await until("the lost answer", () => lost() === 1);
  await until("an empty queue", async () => {
    await a.sync();
    return (await a.queue()).length === 0;
  });
  const copies = Object.entries(await world.rows("goalflow", "goal")).filter(([, row]) =>
    row.data.title.startsWith("Arrives once"),
  );
  assert.deepEqual(
    copies.map(([key]) => key),
    [id],
  );
  assert.equal(copies[0][1].version, 1);
});

test("(d) the answer lost and device B edits the record in between: one copy with both edits", async () => {
  // SYN-2, CON-4
  const phone = await world.device();
  const laptop = await world.device();
  const a = await openDevice(world, phone, { app: "goalflow" });
  const b = await openDevice(world, laptop, { app: "goalflow", device: "b" });
  await a.synced();
  await b.synced();
  const [id] = Object.keys(await world.rows("goalflow", "recognition"));
  const before = (await world.rows("goalflow", "recognition"))[id];
  const likes = before.data.likes ?? 0;

  const lost = await loseOneAnswer(phone);
  // From here on device A cannot send again before device B has edited.
  await a.update("recognition", id, { likes: likes + 1 });
  await a.sync();
  await until("the lost answer", () => lost() === 1);
  await phone.setOffline(true);
  assert.equal((await world.rows("goalflow", "recognition"))[id].data.likes, likes + 1, "the server did it");

  await b.sync();
  const there = await b.get("recognition", id);
  await b.update("recognition", id, { likes: there.likes + 10, message: "Thank you, from the second device 🙏" });
  await b.synced();

  await phone.setOffline(false);
  await until("an empty queue", async () => {
    await a.sync();
    return (await a.queue()).length === 0;
  });
  const after = (await world.rows("goalflow", "recognition"))[id];
  assert.equal(after.data.likes, likes + 11, "one like from here, ten from there, none twice");
  assert.equal(after.data.message, "Thank you, from the second device 🙏");
  assert.equal(after.version, before.version + 2);
  await a.synced();
  assert.equal((await a.get("recognition", id)).likes, likes + 11);
});
