// The demo as a person uses it: two devices side by side, the plug, the form; with the server away; by keyboard.
import { AxeBuilder } from "@axe-core/playwright";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { World, picture, until } from "./lab.mjs";

let world;
before(async () => {
  world = await World.start();
});
after(() => world?.stop());

/** Opens the demo and waits until both devices say "Synced". */
async function openDemo(context, path = "/") {
  const page = await context.newPage();
  await page.goto(world.origin + path);
  const phone = new Half(page.frameLocator('iframe[title="Phone"]'));
  const laptop = new Half(page.frameLocator('iframe[title="Laptop"]'));
  await phone.says("Synced");
  await laptop.says("Synced");
  return { page, phone, laptop };
}

/** One device of the demo. */
class Half {
  constructor(frame) {
    this.frame = frame;
  }
  button(name) {
    return this.frame.getByRole("button", { name, exact: true });
  }
  row(title) {
    return this.frame.locator(".row", { hasText: title });
  }
  field(label) {
    return this.frame.getByLabel(label, { exact: false }).first();
  }
  status() {
    return this.frame.locator(".status strong").textContent();
  }
  async says(word) {
    await until(`the status "${word}"`, async () => (await this.status().catch(() => "")) === word);
  }
  async sync() {
    await this.button("Sync").click();
    await this.says("Synced");
  }
  async search(term) {
    await this.frame.getByRole("searchbox").fill(term);
  }
  /** Fills the form's fields by label and saves. */
  async save(fields, button) {
    for (const [label, value] of Object.entries(fields)) {
      const field = this.field(label);
      if ((await field.evaluate((element) => element.tagName)) === "SELECT") await field.selectOption(value);
      else await field.fill(value);
    }
    await this.button(button).click();
    await this.frame.locator(".rows").waitFor();
  }
  async open(title) {
    await this.search(title);
    await this.row(title).first().click();
    await this.frame.locator("form.form").waitFor();
  }
}

const APPS = {
  dcmms: {
    path: "/",
    entity: "work-order",
    made: { Title: "Relay test, bay 7 🔌", Site: "site-pune-east", Type: "inspection", Priority: "high" },
    edit: { Status: "in-progress" },
    check: (data) => data.status === "in-progress",
  },
  goalflow: {
    path: "/?app=goalflow",
    entity: "goal",
    made: { Title: "Answer within a day – sofort" },
    edit: { Progress: "40" },
    check: (data) => data.progress === 40,
  },
};

for (const [app, { path, entity, made, edit, check }] of Object.entries(APPS)) {
  test(`(g) create, edit and delete in ${app}, on one device and seen on the other`, async () => {
    // STO-2, UIX-2
    const { page, phone, laptop } = await openDemo(await world.device(), path);
    const find = async () => {
      const rows = Object.entries(await world.rows(app, entity));
      return rows.find(([, row]) => row.data.title === made.Title);
    };
    await phone.button("New").click();
    await phone.save(made, "Create");
    await phone.says("Synced");
    await until("the record on the server", find);

    await laptop.sync();
    await laptop.open(made.Title);
    await laptop.save(edit, "Save");
    await laptop.says("Synced");
    await until("the edit on the server", async () => check((await find())[1].data));

    await phone.sync();
    await phone.open(made.Title);
    await phone.button("Delete").click();
    await phone.frame.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await phone.frame.locator(".rows").waitFor();
    await phone.says("Synced");
    await until("the record gone from the server", async () => (await find()) === undefined);

    await laptop.sync();
    await laptop.search(made.Title);
    await until("the record gone from the laptop", async () => (await laptop.row(made.Title).count()) === 0);
    await page.close();
  });
}

test("an edit made unplugged waits, is marked, and shows on the other device once plugged in again", async () => {
  // UIX-2, UIX-3, SYN-15
  const { page, phone, laptop } = await openDemo(await world.device());
  const plug = phone.frame.getByRole("switch", { name: "Network" });
  await plug.click();
  await phone.says("Offline");
  await phone.frame.locator(".row").first().click();
  const title = "Unplugged, then plugged in again ⚡";
  await phone.save({ Title: title }, "Save");
  await phone.row(title).getByText("Waiting").waitFor();
  await phone.frame.getByRole("button", { name: /^Queue/ }).click();
  await phone.frame.locator("landfall-queue li", { hasText: title }).waitFor();
  assert.equal(await phone.status(), "Offline");
  await picture(page, "unplugged");

  // The other device syncs, and so does the worker: neither may send in place of the one without a network.
  await laptop.sync();
  assert.equal(await laptop.row(title).count(), 0);
  await page.evaluate(async () => (await navigator.serviceWorker.ready).active.postMessage({ type: "landfall-wake" }));
  await laptop.sync();
  assert.equal(await phone.status(), "Offline");
  assert.equal(await laptop.row(title).count(), 0);

  await plug.click();
  await phone.says("Synced");
  await laptop.sync();
  await laptop.row(title).getByText("Synced").waitFor();
  await page.close();
});

test("(b) the page opens, shows its records and takes an edit with the server stopped", async () => {
  // SW-1
  const context = await world.device();
  const { page } = await openDemo(context);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.close();
  await world.halt();

  const again = await context.newPage();
  const answer = await again.goto(world.origin);
  assert.equal(answer.fromServiceWorker(), true);
  const phone = new Half(again.frameLocator('iframe[title="Phone"]'));
  await phone.frame.locator(".row").first().waitFor();
  await phone.frame.locator(".row").first().click();
  await phone.save({ Title: "Written with the server away" }, "Save");
  await phone.row("Written with the server away").getByText("Waiting").waitFor();
  assert.notEqual(await phone.status(), "Synced");
  await picture(again, "server-stopped");

  await world.serve();
  await phone.button("Sync").click();
  await phone.says("Synced");
  await until("the edit on the server", async () =>
    Object.values(await world.rows("dcmms", "work-order")).some((row) => row.data.title === "Written with the server away"),
  );
  await context.close();
});

const VIEWS = {
  "a desk": { viewport: { width: 1440, height: 900 } },
  "a desk, dark": { viewport: { width: 1440, height: 900 }, colorScheme: "dark" },
  "a phone": { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  "a phone, dark": { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: "dark" },
};

for (const [name, options] of Object.entries(VIEWS)) {
  test(`list, form and queue on ${name} have no fault that axe finds`, async () => {
    const context = await world.device(options);
    const { page, phone } = await openDemo(context);
    const clean = async (view) => {
      const { violations } = await new AxeBuilder({ page }).analyze();
      assert.deepEqual(
        violations.map(({ id, nodes }) => [id, nodes.map((node) => node.target.join(" "))]),
        [],
        view,
      );
      await picture(page, `${name.replace(/\W+/g, "-")}-${view}`);
    };
    await clean("list");
    await phone.frame.locator(".row").first().click();
    await phone.frame.locator("form.form").waitFor();
    await clean("form");
    await phone.frame.getByRole("button", { name: /^Queue/ }).click();
    await phone.frame.locator("landfall-queue ul").waitFor();
    await clean("queue");
    await context.close();
  });
}

test("a form that lacks a required field says so at the field, and stores nothing", async () => {
  // STO-9
  const { page, phone } = await openDemo(await world.device());
  await phone.button("New").click();
  await phone.button("Create").click();
  const title = phone.field("Title");
  assert.equal(await title.getAttribute("aria-invalid"), "true");
  assert.equal(await title.evaluate((element) => element === document.activeElement), true);
  assert.equal(await phone.status(), "Synced");
  await page.close();
});

test("on a phone the two devices are tabs that arrow keys change", async () => {
  const { page } = await openDemo(await world.device(VIEWS["a phone"]));
  const tab = (name) => page.getByRole("tab", { name });
  assert.equal(await tab("Phone").getAttribute("aria-selected"), "true");
  await tab("Phone").focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await tab("Laptop").getAttribute("aria-selected"), "true");
  await page.getByRole("tabpanel", { name: "Laptop" }).waitFor();
  assert.equal(await page.locator("#panel-a").isVisible(), false);
  await page.close();
});

test("pages of a list lead through all records and back, and a search finds what is typed", async () => {
  // STO-2
  const { page, phone } = await openDemo(await world.device(), "/?app=goalflow");
  await phone.frame.getByRole("combobox", { name: "Kind of record" }).selectOption("checkin");
  const range = phone.frame.locator(".paging > span").first();
  const reads = (text) => until(`the range "${text}"`, async () => (await range.textContent()) === text);
  await reads("1–50 of 80");
  await phone.button("Next").click();
  await reads("51–80 of 80");
  assert.equal(await phone.button("Next").isDisabled(), true);
  assert.equal(await phone.frame.locator(".row").count(), 30);
  await phone.button("Previous").click();
  await reads("1–50 of 80");
  await phone.frame.getByRole("combobox", { name: "Kind of record" }).selectOption("goal");
  await phone.search("zzzz nothing has this");
  await phone.frame.getByText("Nothing found on this device.").waitFor();
  await phone.search("");
  await reads("1–40 of 40");
  await page.close();
});
