// Writes that stand or fall together, and changes that were refused and corrected: in a page, over the real server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openDevice } from "./device.mjs";
import { World, until } from "./lab.mjs";

let world;
before(async () => {
  world = await World.start();
});
after(() => world?.stop());

const PUSH = "**/api/v1/sync/push";

/** A page of its own on a device of its own. */
async function opened() {
  const context = await world.device();
  const a = await openDevice(world, context, { app: "goalflow", worker: false });
  await a.synced();
  return { a, context };
}

const there = async (entity, id) => (await world.rows("goalflow", entity))[id];

test("a batch is stored whole, travels whole and is shown as syncing while it does", async () => {
  // QUE-12, STO-4
  const { a, context } = await opened();
  let open = () => {};
  const gate = new Promise((resolve) => (open = resolve));
  const sizes = [];
  await context.route(PUSH, async (route) => {
    sizes.push(
      route
        .request()
        .postDataJSON()
        .changes.map((change) => change.group ?? null),
    );
    await gate;
    await route.continue();
  });
  const ids = await a.page.evaluate(() =>
    globalThis.db.batch(async (b) => {
      const goal = await b("goal").create({ title: "Grouped", progress: 0 });
      await b("checkin").create({ goal_id: goal, progress: 40 });
      await b("goal").update(goal, { progress: 40 });
    }),
  );
  assert.equal((await a.get("goal", ids[0])).progress, 40);
  const sync = a.sync();
  const status = async (entity, id) => (await a.get(entity, id))._sync.status;
  await until("both are on their way", async () => {
    return (await status("goal", ids[0])) === "syncing" && (await status("checkin", ids[1])) === "syncing";
  });
  open();
  assert.equal((await sync).success, true);
  assert.equal(sizes.length, 1);
  assert.equal(sizes[0].length, 2, "two changes of one record are one op");
  assert.ok(sizes[0][0] !== null && sizes[0][0] === sizes[0][1]);
  assert.equal(await status("goal", ids[0]), "synced");
  assert.equal((await there("checkin", ids[1])).data.goal_id, ids[0]);

  const failure = await a.page.evaluate(async () => {
    const half = globalThis.db.batch(async (b) => {
      await b("goal").create({ id: "half-a-batch", title: "Half" });
      await b("goal").update("nowhere", { title: "Nobody" });
    });
    return half.catch(({ code, path }) => ({ code, path }));
  });
  assert.deepEqual(failure, { code: "NOT_FOUND", path: "changes[1].goal.nowhere" });
  assert.equal(await a.get("goal", "half-a-batch"), null);
  assert.deepEqual(await a.queue(), []);
  assert.deepEqual(a.faults, []);
  await context.close();
});

test("a refused batch names its culprit, and corrected it is sent again whole", async () => {
  // QUE-8, QUE-12, scenario 35
  const { a, context } = await opened();
  const [goal, checkin] = await a.page.evaluate(() =>
    globalThis.db.batch(async (b) => {
      await b("goal").create({ title: "Waits for its check-in" });
      await b("checkin").create({ goal_id: "a-goal-that-is-nowhere", progress: 1 });
    }),
  );
  await a.sync();
  const refused = await a.queue();
  const culprit = refused.find((op) => op.entity_id === checkin);
  assert.deepEqual(
    refused.map((op) => op.status),
    ["failed", "failed"],
  );
  assert.equal(culprit.error.code, "REFERENCE_MISSING");
  assert.equal(refused.find((op) => op.entity_id === goal).error.detail.op, culprit.id);
  assert.equal(await there("goal", goal), undefined, "nothing of it is on the server");
  assert.equal((await a.status()).state, "attention");

  await a.page.evaluate(([id, goal]) => globalThis.db.queue.edit("checkin", id, { goal_id: goal }), [checkin, goal]);
  const again = await a.queue();
  assert.ok(
    again.every((op) => op.status === "pending" && refused.every((old) => old.id !== op.id)),
    "new ops, with new ids",
  );
  assert.equal((await a.sync()).success, true);
  assert.deepEqual(await a.queue(), []);
  assert.equal((await there("checkin", checkin)).data.goal_id, goal);
  assert.equal((await there("goal", goal)).data.title, "Waits for its check-in");
  assert.deepEqual(a.faults, []);
  await context.close();
});
