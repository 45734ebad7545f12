// The React hooks in a real browser against the real server, in StrictMode, which mounts everything twice: what is shown
// follows the database, and nothing of a component is left when it is gone.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { ROOT } from "../../scripts/lib/run.mjs";
import { openDevice } from "./device.mjs";
import { World, until } from "./lab.mjs";

let world;
before(async () => {
  world = await World.start();
  await build({
    entryPoints: [join(ROOT, "tests/e2e/react/app.jsx")],
    outfile: join(world.site, "app.js"),
    bundle: true,
    format: "esm",
    jsx: "automatic",
    alias: { "landfall/react": join(ROOT, "dist/js/react.js") },
    // StrictMode mounts twice in development only.
    define: { "process.env.NODE_ENV": '"development"' },
    absWorkingDir: ROOT,
    logLevel: "warning",
  });
});
after(() => world?.stop());

/** A device with the application on its page, and a count of who listens to the engine. */
async function openApp() {
  const context = await world.device();
  const device = await openDevice(world, context, { app: "goalflow", worker: false });
  await device.synced();
  await device.page.evaluate(async () => {
    const { db } = globalThis;
    globalThis.listening = 0;
    const counted = (subscribe) =>
      function (...args) {
        const leave = subscribe.apply(this, args);
        globalThis.listening += 1;
        let left = false;
        return () => {
          if (!left) globalThis.listening -= 1;
          left = true;
          leave();
        };
      };
    db.on = counted(db.on);
    const goals = db.collection("goal");
    goals.observe = counted(goals.observe);
    document.body.append(Object.assign(document.createElement("div"), { id: "app" }));
    globalThis.root = (await import("/app.js")).start(db);
  });
  const { page } = device;
  const shown = (name) => page.getByLabel(name, { exact: true }).textContent();
  const goals = () => page.getByLabel("goals").getByRole("listitem").allTextContents();
  const listening = () => page.evaluate(() => globalThis.listening);
  return { context, device, page, shown, goals, listening };
}

test("a live list follows writes of this page and of another tab, and the queue follows the ops", async () => {
  // UIX-9, STO-5
  const { context, device, page, shown, goals } = await openApp();
  const tab = await openDevice(world, context, { app: "goalflow", worker: false });
  await tab.synced();
  await context.setOffline(true);
  await device.create("goal", { title: "Shown at once", status: "open" });
  await until("the new goal", async () => (await goals()).includes("Shown at once"));
  await until("one op waits", async () => (await shown("waiting")) === "1");
  await tab.create("goal", { title: "From the other tab", status: "open" });
  await until("the other tab's goal", async () => (await goals()).includes("From the other tab"));
  await tab.create("goal", { title: "Not asked for", status: "done" });
  await until("three ops wait", async () => (await shown("waiting")) === "3");
  assert.ok(!(await goals()).includes("Not asked for"));
  const sorted = await goals();
  assert.deepEqual(sorted, [...sorted].sort());

  await page.getByRole("button", { name: "filter" }).click();
  await until("the other answer", async () => (await goals()).includes("Not asked for"));
  assert.ok(!(await goals()).includes("Shown at once"));

  await context.setOffline(false);
  await page.getByRole("button", { name: "sync", exact: true }).click();
  await until("nothing waits", async () => (await shown("waiting")) === "0");
  await until("success", async () => (await shown("status")) === "success");
  assert.equal(await shown("progress"), "100");
  assert.deepEqual([...device.faults, ...tab.faults], []);
  await context.close();
});

test("a failed sync says so, and paused nothing is sent", async () => {
  // UIX-9, QUE-8
  const { context, device, page, shown } = await openApp();
  await page.getByRole("button", { name: "pause" }).click();
  await page.getByRole("button", { name: "resume" }).waitFor();
  await device.create("goal", { title: "Waits for a server" });
  await until("one op waits", async () => (await shown("waiting")) === "1");
  await context.route("**/api/v1/sync/**", (route) => route.fulfill({ status: 503, body: "" }));
  await page.getByRole("button", { name: "resume" }).click();
  await page.getByRole("button", { name: "sync", exact: true }).click();
  await until("error", async () => (await shown("status")) === "error");
  await context.unroute("**/api/v1/sync/**");
  await page.getByRole("button", { name: "sync", exact: true }).click();
  await until("success", async () => (await shown("status")) === "success");
  assert.equal(await shown("waiting"), "0");
  assert.deepEqual(device.faults, []);
  await context.close();
});

test("nobody listens after the components are gone, whether hidden or ended", async () => {
  // UIX-9
  const { context, page, listening } = await openApp();
  await until("the list is there", () => page.getByLabel("goals").isVisible());
  const all = await listening();
  assert.ok(all > 0);
  await page.getByRole("button", { name: "hide" }).click();
  await until("the list's observation has ended", async () => (await listening()) === all - 1);
  await page.getByRole("button", { name: "show" }).click();
  await until("the list is back", async () => (await listening()) === all);
  await page.evaluate(() => globalThis.root.unmount());
  await until("nobody listens", async () => (await listening()) === 0);
  await context.close();
});
