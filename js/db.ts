// One database of one user: collections, sync, queue. It decides nothing; each method is one call into the engine.
import { batch, type Batch } from "./batch.ts";
import { check, type Json } from "./check.ts";
import { Collection } from "./collection.ts";
import type { Engine } from "./engine.ts";
import { glue } from "./runtime.ts";
import type {
  Conflict,
  EngineEvent,
  IdMapping,
  Op,
  Orphan,
  Quarantined,
  Reason,
  SchemaLike,
  Status,
  SyncResult,
} from "./types.ts";

type EventOf<T extends EngineEvent["type"]> = Extract<EngineEvent, { type: T }>;

/** Which ops to list. */
export interface QueueFilter {
  /** Only these; all that are not completed if absent. */
  status?: Op["status"] | Op["status"][];
  /** Only of this kind of record. */
  entity?: string;
  /** Most ops; 200 if absent. */
  limit?: number;
}

export class LandfallDb<S extends SchemaLike> {
  readonly #engine: Engine;
  readonly #collections = new Map<string, unknown>();
  /** The schema it was opened with. */
  readonly schema: S;
  /** What waits to be sent, and what was refused. */
  readonly queue: Queue;
  /** What waits for a decision. */
  readonly conflicts: Conflicts;
  /** What was damaged or has no place any more; kept until it is discarded. */
  readonly quarantine: Quarantine;

  constructor(engine: Engine, schema: S) {
    this.#engine = engine;
    this.schema = schema;
    this.queue = new Queue(engine);
    this.conflicts = new Conflicts(engine);
    this.quarantine = new Quarantine(engine);
  }

  /** The records of one kind. */
  collection<N extends keyof S["entities"] & string>(name: N): Collection<S["entities"][N]> {
    let found = this.#collections.get(name);
    if (found === undefined) this.#collections.set(name, (found = new Collection(this.#engine, name)));
    return found as Collection<S["entities"][N]>;
  }

  /**
   * Writes that stand or fall together: on this device all of them are stored or none, and the server accepts or refuses
   * them as one. Resolves with the ids of their records, in order.
   *
   * ```ts
   * await db.batch(async (b) => {
   *   const sale = await b("sale").create({ total: 12 });
   *   await b("line").create({ sale, product });
   *   await b("product").update(product, { stock: 4 });
   * });
   * ```
   */
  batch(work: (batch: Batch<S>) => Promise<void> | void): Promise<string[]> {
    return batch(this.#engine, this.schema, work);
  }

  /** Sends what waits and fetches what is new; resolves when that is over, also when it failed (`success` false). */
  sync(): Promise<SyncResult> {
    return this.wake("user");
  }

  /** Wants a sync for a reason other than a person's wish. */
  wake(reason: Reason): Promise<SyncResult> {
    return this.#engine.wake(reason);
  }

  /** Stops syncing (`false`: resumes); local work goes on. */
  async pause(paused = true): Promise<void> {
    await this.#engine.call((db) => db.pause(paused));
  }

  /** Resumes syncing. */
  resume(): Promise<void> {
    return this.pause(false);
  }

  /** How things stand. */
  get status(): Status | undefined {
    return this.#engine.status;
  }

  /** Calls `listener` with every event of one type, with the present status at once; returns the function that ends it. */
  on<T extends EngineEvent["type"]>(type: T, listener: (event: EventOf<T>) => void): () => void {
    if (type === "status" && this.status !== undefined) {
      const event = { type: "status", status: this.status } as EngineEvent;
      listener(event as EventOf<T>);
    }
    return this.#engine.listen((event) => {
      if (event.type === type) listener(event as EventOf<T>);
    });
  }

  /** What this device is to the server: its id, its name of the database. */
  meta(): Promise<{ database: string; device: string | null; gen: number; usage: Record<string, number>; readonly: boolean }> {
    return this.#engine.call((db) => db.meta() as Promise<never>);
  }

  /** Whether an id is one that the device made for the time being. */
  isTempId(id: string): boolean {
    return glue.is_temp_id(id);
  }

  /** What temporary ids have become; a record is found by either, for ever. */
  mappings(): Promise<IdMapping[]> {
    return this.#engine.call((db) => db.mappings(false) as Promise<IdMapping[]>);
  }

  /** Temporary ids of records that the server has not taken yet. */
  pendingMappings(): Promise<IdMapping[]> {
    return this.#engine.call((db) => db.mappings(true) as Promise<IdMapping[]>);
  }

  /** References that lead nowhere, page by page through the whole database; at most about a thousand. */
  integrity(): Promise<Orphan[]> {
    return this.#engine.call((db) => db.integrity() as Promise<Orphan[]>);
  }

  /**
   * Mends every orphan that is certain, each by an ordinary write: `delete` takes the record, `set_null` the reference;
   * `keep` and `queue` leave it as it is. Resolves with the number of changes.
   */
  resolveOrphans(strategy: "delete" | "keep" | "queue" | "set_null"): Promise<number> {
    return this.#engine.call((db) => db.resolve_orphans(strategy) as Promise<number>);
  }

  /** Closes the database; nothing that was stored is lost. */
  close(): Promise<void> {
    return this.#engine.close();
  }
}

class Queue {
  readonly #engine: Engine;
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Ops, oldest first. */
  list(filter: QueueFilter = {}): Promise<Op[]> {
    const status = filter.status === undefined ? [] : [filter.status].flat();
    return this.#engine.call((db) => db.queue(JSON.stringify({ ...filter, status })) as Promise<Op[]>);
  }

  /** Sends what is shown here once more, as a new op; what was refused with its batch, with all of it. */
  retry(entity: string, id: string): Promise<void> {
    return decide(this.#engine, entity, id, "retry");
  }

  /** Gives up the changes of a record (with all of a refused batch): it is as on the server again. */
  discard(entity: string, id: string): Promise<void> {
    return decide(this.#engine, entity, id, "discard");
  }

  /** Gives up changes of which nothing has left this device; rejects if something has. */
  cancel(entity: string, id: string): Promise<void> {
    return decide(this.#engine, entity, id, "cancel");
  }

  /** Corrects a record whose change was refused and sends it again, as a new op. */
  async edit(entity: string, id: string, fields: { [field: string]: Json }, removed: string[] = []): Promise<void> {
    check(fields, entity);
    const text = JSON.stringify({ entity, id, decision: "retry", data: fields, removed });
    await this.#engine.call((db) => db.act(text));
  }
}

class Conflicts {
  readonly #engine: Engine;
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Conflicts that wait for a decision. */
  list(): Promise<Conflict[]> {
    return this.#engine.call((db) => db.conflicts() as Promise<Conflict[]>);
  }

  /** Keeps what is shown here. */
  keepLocal(entity: string, id: string): Promise<void> {
    return decide(this.#engine, entity, id, "retry");
  }

  /** Takes what the server has. */
  keepServer(entity: string, id: string): Promise<void> {
    return decide(this.#engine, entity, id, "discard");
  }
}

class Quarantine {
  readonly #engine: Engine;
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Rows with all they hold: to be looked at, exported, written anew. */
  list(): Promise<Quarantined[]> {
    return this.#engine.call((db) => db.quarantine() as Promise<Quarantined[]>);
  }

  /** Lets go of a row for good. */
  async discard(id: string): Promise<void> {
    await this.#engine.call((db) => db.release(id) as Promise<void>);
  }
}

async function decide(engine: Engine, entity: string, id: string, decision: "retry" | "discard" | "cancel"): Promise<void> {
  await engine.call((db) => db.act(JSON.stringify({ entity, id, decision })));
}
