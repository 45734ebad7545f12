// What a server, a proxy or a portal may answer, and what may never come of it: a lost edit, or "synced" while one waits.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openDevice } from "./device.mjs";
import { World, until } from "./lab.mjs";

let world;
before(async () => {
  world = await World.start();
});
after(() => world?.stop());

const problem = (code, rest = {}) => ({
  contentType: "application/problem+json",
  body: JSON.stringify({ type: "about:blank", title: code, status: rest.status, detail: "a test says so", code }),
  ...rest,
});

/** What is answered to a push, and the code that the application must then see. */
const ANSWERS = {
  "a page of a captive portal": [{ status: 200, contentType: "text/html", body: "<h1>Log in</h1>" }, "NETWORK_ERROR"],
  "JSON that is cut short": [{ status: 200, contentType: "application/json", body: '{"success": tr' }, "NETWORK_ERROR"],
  "an empty body": [{ status: 200, contentType: "application/json", body: "" }, "NETWORK_ERROR"],
  "a proxy's 502": [{ status: 502, contentType: "text/html", body: "bad gateway" }, "SERVER_ERROR"],
  "429 with Retry-After": [problem("RATE_LIMITED", { status: 429, headers: { "retry-after": "7" } }), "RATE_LIMITED"],
  "503 with Retry-After": [{ status: 503, headers: { "retry-after": "5" }, body: "" }, "SERVER_ERROR"],
  "a 401 that a fresh token does not cure": [problem("AUTH_ERROR", { status: 401 }), "AUTH_ERROR"],
};

for (const [name, [answer, code]] of Object.entries(ANSWERS)) {
  test(`${name}: told as ${code}, nothing lost, and arrives afterwards`, async () => {
    // SYN-13, SYN-15, QUE-6
    const context = await world.device();
    const device = await openDevice(world, context, { app: "goalflow", worker: false });
    await device.synced();
    await context.route("**/api/v1/sync/push", (route) => route.fulfill(answer));
    const title = `Sent although there was ${name}`;
    await device.create("goal", { title });
    const result = await device.sync();
    assert.equal(result.success, false);
    assert.deepEqual(
      result.errors.map((error) => error.code),
      [code],
    );
    const status = await device.status();
    assert.equal(status.queued, 1);
    assert.notEqual(status.state, "synced");
    assert.equal(status.error.code, code);
    assert.ok(status.nextAttemptAt > 0, "a next attempt is due");
    assert.deepEqual(
      (await device.queue()).map((op) => op.status === "failed"),
      [false],
    );

    await context.unroute("**/api/v1/sync/push");
    await until("an empty queue", async () => {
      await device.sync();
      return (await device.queue()).length === 0;
    });
    const copies = Object.values(await world.rows("goalflow", "goal")).filter((row) => row.data.title === title);
    assert.equal(copies.length, 1);
    await context.close();
  });
}

/** What may not be stored, and where the fault is told. */
const WRONG = {
  "an unknown entity": ["no-such-thing", "({})", /no-such-thing/],
  "a wrong type": ["goal", "({ title: 7 })", /goal\.title/],
  "a missing required field": ["goal", "({ description: 'no title' })", /goal\.title/],
  "a text that is too long": ["goal", "({ title: 'x'.repeat(201) })", /goal\.title/],
  "a value outside the enum": ["goal", "({ title: 'x', status: 'no such status' })", /goal\.status/],
  "a function": ["goal", "({ title: () => 'x' })", /title/],
  "a BigInt": ["goal", "({ title: 'x', progress: 1n })", /progress/],
  "a number that is none": ["goal", "({ title: 'x', progress: NaN })", /progress/],
  "a cycle": ["goal", "(() => { const a = { title: 'x' }; a.key_results = [a]; return a; })()", /key_results/],
  "half a surrogate pair": ["goal", "({ title: 'x' + String.fromCharCode(0xd800) })", /title/],
  "a prototype's key": ["goal", `JSON.parse('{"title": "x", "__proto__": {"a": 1}}')`, /__proto__/],
};

test("bad input is refused at the local write, with its path, and changes nothing", async (t) => {
  // STO-9, SEC-8
  const context = await world.device();
  const device = await openDevice(world, context, { app: "goalflow", worker: false });
  await device.synced();
  const before = (await device.query("goal")).length;
  for (const [name, [entity, value, path]] of Object.entries(WRONG)) {
    await t.test(name, async () => {
      // The value is made in the page: most of these cannot travel there.
      const thrown = await device.page.evaluate(`
        (async () => {
          try {
            await db.collection(${JSON.stringify(entity)}).create(${value});
          } catch (error) {
            return { name: error.name, code: error.code, path: error.path, hint: error.hint };
          }
        })()`);
      assert.equal(thrown?.name, "LandfallError");
      assert.equal(thrown.code, "VALIDATION_ERROR");
      assert.match(thrown.path, path);
    });
  }
  assert.equal((await device.query("goal")).length, before);
  assert.equal((await device.queue()).length, 0);
  assert.equal(await device.page.evaluate(() => ({}).a), undefined, "the page's prototypes are clean");
  await device.page.evaluate(() => db.close());
  const closed = await device.page.evaluate(() =>
    db
      .collection("goal")
      .create({ title: "x" })
      .catch((error) => error.code),
  );
  assert.equal(closed, "DATABASE_CLOSED");
  await context.close();
});
