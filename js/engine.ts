// One open database as JavaScript calls it. This module decides how calls survive a fault of the engine and how its events
// reach listeners; it holds no logic of sync. `LandfallDb` and the service worker are its users.
import { glue, guard, load, onStopped, type Where } from "./runtime.ts";
import type { EngineEvent, Reason, Status, SyncResult } from "./types.ts";

/** What the engine is opened with. */
export interface EngineOptions {
  /** The schema as JSON text. */
  schema: string;
  tenant: string;
  user: string;
  device?: string;
  base: string;
  refresh?: string;
  token?: (refused: boolean) => string | null | Promise<string | null>;
  /** Set by the worker, which found the database in the registry. */
  database?: string;
}

/** A database of the registry, as `Engine.open` takes it. */
export async function registered(wasm: Where): Promise<EngineOptions[]> {
  await load(wasm);
  return guard(() => glue.databases() as Promise<EngineOptions[]>);
}

type Listener = (event: EngineEvent) => void;

/** Calls into the engine, and its events. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #listeners = new Set<Listener>();
  readonly #leave: () => void;
  #db: Promise<glue.Db>;
  /** How things stand, as far as has been heard. */
  status: Status | undefined;

  private constructor(options: EngineOptions, listener: Listener) {
    this.#options = options;
    this.#listeners.add(listener);
    this.#leave = onStopped((message, reopened) => {
      if (reopened) this.#db = this.#open();
      this.#emit({ type: "panic", message, reopened });
    });
    this.#db = this.#open();
  }

  /** Loads the engine and opens the database. */
  static async open(options: EngineOptions, wasm: Where, listener: Listener): Promise<Engine> {
    await load(wasm);
    const engine = new Engine(options, listener);
    try {
      await engine.#db;
    } catch (error) {
      engine.#leave();
      throw error;
    }
    return engine;
  }

  #open(): Promise<glue.Db> {
    const db = guard(() => glue.Db.open(this.#options, (event: EngineEvent) => this.#emit(event)));
    // Whoever calls next gets the error; nobody calling is no unhandled rejection.
    db.catch(() => {});
    return db;
  }

  #emit(event: EngineEvent): void {
    if (event.type === "status") this.status = event.status;
    // A listener that throws must not keep the event from the others, nor reach into the engine.
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        reportError(error);
      }
    }
  }

  /** Calls `listener` with every event; what it returns takes it off again. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Does something with the database. */
  async call<T>(work: (db: glue.Db) => Promise<T> | T): Promise<T> {
    const db = await this.#db;
    return guard(() => work(db));
  }

  /** Wants a sync; resolves when it is over. */
  wake(reason: Reason): Promise<SyncResult> {
    return this.call((db) => db.wake(reason) as Promise<SyncResult>);
  }

  /** Closes the database. */
  async close(): Promise<void> {
    this.#leave();
    await this.call((db) => db.close());
    this.#listeners.clear();
  }
}
