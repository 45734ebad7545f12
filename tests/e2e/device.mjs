// A device as the tests drive it: a page with the library, its database, its service worker. What it does is what an application
// would do; nothing reaches into the engine.
import { WHO, until } from "./lab.mjs";

/** Opens the library in a page of `context` and, in it, the database of `app`; `window.db` is the database. */
export async function openDevice(world, context, { app, device = "a", worker = true }) {
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error));
  await page.goto(`${world.origin}/lab.html`);
  await page.waitForFunction(() => "landfall" in globalThis);
  if (worker) await installWorker(page);
  await page.evaluate(
    async ({ who, device }) => {
      const schema = await (await fetch(`/schemas/${who.app}.json`)).json();
      const login = async () => {
        const headers = { "content-type": "application/json" };
        const answer = await fetch("/auth/dev", { method: "POST", headers, body: JSON.stringify(who) });
        return (await answer.json()).access_token;
      };
      const { tenant, user } = who;
      const where = { base: `/${who.app}`, refresh: "/auth/refresh", wasm: "/js/landfall.wasm" };
      globalThis.db = await globalThis.landfall.open({ schema, tenant, user, device, token: login, ...where });
    },
    { who: WHO[app], device },
  );
  return new Device(page, context, faults);
}

/** Registers the worker and waits until it has kept everything. */
export async function installWorker(page) {
  await page.evaluate(async () => {
    await navigator.serviceWorker.register("/sw.js");
    await navigator.serviceWorker.ready;
  });
}

/** One open page of a device. */
export class Device {
  constructor(page, context, faults = []) {
    this.page = page;
    this.context = context;
    this.faults = faults;
  }

  /** Syncs; the result as the application gets it. */
  sync() {
    return this.page.evaluate(() => globalThis.db.sync());
  }

  /** How things stand. */
  status() {
    return this.page.evaluate(() => globalThis.db.status);
  }

  /** Ops that are not completed. */
  queue() {
    return this.page.evaluate(() => globalThis.db.queue.list());
  }

  /** Tags of the sync events that the browser has promised and not delivered. */
  dueEvents() {
    return this.page.evaluate(async () => (await navigator.serviceWorker.ready).sync.getTags());
  }

  get(entity, id) {
    return this.page.evaluate(([entity, id]) => globalThis.db.collection(entity).get(id), [entity, id]);
  }

  query(entity, options = {}) {
    return this.page.evaluate(([entity, options]) => globalThis.db.collection(entity).query(options), [entity, options]);
  }

  create(entity, data) {
    return this.page.evaluate(([entity, data]) => globalThis.db.collection(entity).create(data), [entity, data]);
  }

  update(entity, id, data) {
    return this.page.evaluate(([entity, id, data]) => globalThis.db.collection(entity).update(id, data), [entity, id, data]);
  }

  delete(entity, id) {
    return this.page.evaluate(([entity, id]) => globalThis.db.collection(entity).delete(id), [entity, id]);
  }

  /** Waits until this device says that all is here and all is there. */
  async synced() {
    await this.sync();
    return until("synced", async () => (await this.status())?.state === "synced");
  }
}

/** The browser's own switchboard for the service worker: sync events at will, and its sudden end. */
export async function workerOf(context, page, origin) {
  const cdp = await context.newCDPSession(page);
  let registration;
  cdp.on("ServiceWorker.workerRegistrationUpdated", (event) => (registration = event.registrations.at(-1) ?? registration));
  await cdp.send("ServiceWorker.enable");
  await until("the worker's registration", () => registration !== undefined);
  const to = (rest) => ({ origin, registrationId: registration.registrationId, ...rest });
  return {
    sync: (tag = "landfall-sync") => cdp.send("ServiceWorker.dispatchSyncEvent", to({ tag, lastChance: false })),
    kill: () => cdp.send("ServiceWorker.stopAllWorkers"),
  };
}
