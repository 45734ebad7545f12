// Writes that stand or fall together. This module collects them; nothing is stored before the whole list is handed to the
// engine in one call. `LandfallDb.batch` is its only user.
import { check } from "./check.ts";
import type { Engine } from "./engine.ts";
import type { ChangeOf, EntityLike, NewRecord, SchemaLike } from "./types.ts";

/** One write, as the engine takes it. */
interface Request {
  operation: "create" | "update" | "delete";
  entity: string;
  id?: string;
  data?: unknown;
  removed?: string[];
}

/** The records of one kind, inside a batch. */
export interface BatchCollection<E extends EntityLike> {
  /** Will create a record; resolves with its id, which other writes of the batch may refer to. */
  create(record: NewRecord<E>): Promise<string>;
  /** Will set fields of a record and take away those named in `removed`. */
  update(id: string, fields: ChangeOf<E>, removed?: (keyof ChangeOf<E> & string)[]): Promise<void>;
  /** Will delete a record. */
  delete(id: string): Promise<void>;
}

/** Names a kind of record inside a batch. */
export type Batch<S extends SchemaLike> = <N extends keyof S["entities"] & string>(name: N) => BatchCollection<S["entities"][N]>;

/** Lets `work` collect writes and stores them in one transaction; the ids of their records, in order. */
export async function batch<S extends SchemaLike>(
  engine: Engine,
  schema: S,
  work: (batch: Batch<S>) => Promise<void> | void,
): Promise<string[]> {
  const requests: Request[] = [];
  let open = true;
  const add = (request: Request) => {
    if (!open) throw new Error("batch: this write came after its batch had ended; await it inside");
    if (request.data !== undefined) check(request.data, request.entity);
    requests.push(request);
  };
  const collection = (entity: string): BatchCollection<EntityLike> => ({
    async create(record) {
      const key = schema.entities[entity]?.key ?? "id";
      const given: unknown = (record as Record<string, unknown>)[key];
      const id = typeof given === "string" ? given : await engine.call((db) => db.fresh_id(entity));
      add({ operation: "create", entity, id, data: { ...record } });
      return id;
    },
    async update(id, fields, removed = []) {
      add({ operation: "update", entity, id, data: { ...fields }, removed });
    },
    async delete(id) {
      add({ operation: "delete", entity, id });
    },
  });
  try {
    await work(collection as unknown as Batch<S>);
  } finally {
    open = false;
  }
  if (requests.length === 0) return [];
  const text = JSON.stringify(requests);
  const wrote = JSON.parse(await engine.call((db) => db.batch(text) as Promise<string>)) as { each: { id: string }[] };
  return wrote.each.map((one) => one.id);
}
