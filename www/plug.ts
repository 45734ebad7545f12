// The plug of one device: each device lives in a frame of its own, and this takes the network from that frame. The engine is not
// told; it meets what it would meet in the field: requests that fail, and the browser's word that there is no network.

const REGISTRY = "landfall/registry";
const STORE = "databases";

type Entry = { database: string };

/** The worker finds devices in the registry; one that is unplugged must not be found, or the worker would send in its place. */
async function registry(work: (store: IDBObjectStore) => void): Promise<void> {
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(REGISTRY);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the registry does not open"));
  });
  await new Promise<void>((resolve, reject) => {
    const transaction = database.transaction(STORE, "readwrite");
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("the registry was not written"));
    work(transaction.objectStore(STORE));
  }).finally(() => database.close());
}

/** Takes and gives back the network of this frame. */
export class Plug {
  private connected = true;
  private hidden: Entry | undefined;

  /** Must be made before the engine is loaded, so that the engine's requests pass here. */
  constructor() {
    const real = globalThis.fetch.bind(globalThis);
    globalThis.fetch = (...request) => (this.connected ? real(...request) : Promise.reject(new TypeError("the plug is pulled")));
    Object.defineProperty(navigator, "onLine", { configurable: true, get: () => this.connected });
  }

  /** Whether it is plugged in. */
  get in(): boolean {
    return this.connected;
  }

  /** Pulls the plug of the device with this database. */
  async pull(database: string): Promise<void> {
    this.connected = false;
    globalThis.dispatchEvent(new Event("offline"));
    await registry((store) => {
      const request = store.get(database);
      request.onsuccess = () => {
        this.hidden = request.result as Entry | undefined;
        store.delete(database);
      };
    });
  }

  /** Plugs it in again. */
  async insert(): Promise<void> {
    this.connected = true;
    globalThis.dispatchEvent(new Event("online"));
    const entry = this.hidden;
    if (entry) await registry((store) => store.put(entry));
  }
}
