// The contestants, in the page: landfall, and bare IndexedDB over the same stores, indexes, rows and durability. Each measured
// function returns the milliseconds of every single call; the driver interleaves them round by round.
import { open } from "/js/index.js";

const pad = (n) => String(n).padStart(6, "0");
const FILLER = "Compressor trips on high discharge temperature; checked oil level, cleaned cooler fins, logged readings. ".repeat(
  7,
);

/** A work order of about 1 KB. */
const order = (n) => ({
  title: `Work order ${pad(n)}`,
  description: FILLER,
  status: ["open", "assigned", "done"][n % 3],
  owner: `user-${n % 17}`,
  updated_at: new Date(1_790_000_000_000 + n * 60_000).toISOString(),
});

const text = (extra = {}) => ({ type: "string", required: true, ...extra });
const schema = {
  app: "bench",
  version: 1,
  entities: {
    order: {
      store: "orders",
      fields: {
        id: text(),
        title: text(),
        description: { type: "text" },
        status: text(),
        owner: text(),
        updated_at: { type: "datetime", required: true },
      },
      indexes: ["status", "owner", "updated_at"].map((name) => ({ name, fields: [name] })),
    },
  },
};

const wait = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

async function timed(times, work) {
  const out = [];
  for (let n = 0; n < times; n += 1) {
    const from = performance.now();
    await work(n);
    out.push(performance.now() - from);
  }
  return out;
}

/** Opens both databases anew: bare's stores and indexes are copied from landfall's, so that both pay for the same ones. */
async function prepare(round) {
  const db = await open({ schema, tenant: "t", user: `u${round}`, base: "/nowhere", token: () => null });
  await db.pause();
  const orders = db.collection("order");
  const { database } = await db.meta();
  const sample = await orders.create(order(0));
  const theirs = await wait(indexedDB.open(database));
  const record = await wait(theirs.transaction("orders").objectStore("orders").get(sample));
  const op = (await wait(theirs.transaction("sync_queue").objectStore("sync_queue").getAll()))[0];
  const opening = indexedDB.open(`bare-${round}`, 1);
  opening.onupgradeneeded = () => {
    for (const name of theirs.objectStoreNames) {
      const model = theirs.transaction(name).objectStore(name);
      const copy = opening.result.createObjectStore(name, { keyPath: model.keyPath });
      for (const index of [...model.indexNames].map((one) => model.index(one)))
        copy.createIndex(index.name, index.keyPath, { unique: index.unique, multiEntry: index.multiEntry });
    }
  };
  const bare = await wait(opening);
  theirs.close();
  return { db, orders, bare, record, op };
}

/** One put of a record and one of its op, in one strict transaction: the least an offline application has to do. */
function putBoth(bare, record, op) {
  return new Promise((resolve, reject) => {
    const tx = bare.transaction(["orders", "sync_queue"], "readwrite", { durability: "strict" });
    tx.oncomplete = () => resolve();
    tx.onabort = () => reject(tx.error);
    tx.objectStore("orders").put(record);
    tx.objectStore("sync_queue").put(op);
    tx.commit();
  });
}

async function create(contestant, { orders, bare, record, op }, times) {
  if (contestant === "landfall") return timed(times, (n) => orders.create(order(n + 1)));
  return timed(times, (n) => {
    const id = crypto.randomUUID();
    const fields = order(n + 1);
    const made = { ...record, ...fields, id };
    return putBoth(bare, made, {
      ...op,
      seq: n + 1,
      id: crypto.randomUUID(),
      entity_id: id,
      data: { ...fields, id },
      lane: ["order", id],
    });
  });
}

async function get(contestant, { orders, bare }, times) {
  const store = () => bare.transaction("orders").objectStore("orders");
  const ids = contestant === "landfall" ? (await orders.query()).map((row) => row.id) : await wait(store().getAllKeys());
  const one = contestant === "landfall" ? (id) => orders.get(id) : (id) => wait(store().get(id));
  return timed(times, async (n) => {
    const row = await one(ids[(n * 7) % ids.length]);
    if (row?.description !== FILLER) throw new Error(`${contestant} read something else`);
  });
}

const CELLS = { "H-create": [create, 500], "D-get": [get, 1000] };

/** One round: every cell with every contestant, the first one alternating. */
window.round = async (number, quick) => {
  const prepared = await prepare(number);
  const contestants = number % 2 ? ["landfall", "bare"] : ["bare", "landfall"];
  const out = [];
  for (const [id, [cell, times]] of Object.entries(CELLS)) {
    for (const contestant of contestants)
      out.push({ id, contestant, ms: await cell(contestant, prepared, quick ? times / 5 : times) });
  }
  const rows = (await prepared.orders.query()).length;
  const queued = (await prepared.db.queue.list({ limit: 10_000 })).length;
  if (rows !== queued || rows < 2) throw new Error(`${rows} records but ${queued} ops`);
  await prepared.db.close();
  prepared.bare.close();
  return out;
};
window.ready = true;
