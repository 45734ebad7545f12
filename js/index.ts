// The package's front door: `open`, and the types that go with it.
import { LandfallDb } from "./db.ts";
import { Engine, type EngineOptions } from "./engine.ts";
import { keepWaking } from "./wake.ts";
import type { EngineEvent, SchemaLike } from "./types.ts";

/** How to open a database. */
export interface OpenOptions<S extends SchemaLike> extends Omit<EngineOptions, "schema" | "database"> {
  /** What the application declares: the parsed file, or a literal `as const` for typed records. */
  schema: S;
  /** Where the wasm is; beside this module if absent. */
  wasm?: URL | string;
  /** Called with everything the engine tells, from the first moment on. */
  onEvent?: (event: EngineEvent) => void;
}

/**
 * Opens the database of one user of one application, on this device.
 *
 * ```ts
 * const db = await open({ schema, tenant, user, base: "/goalflow", refresh: "/auth/refresh" });
 * const id = await db.collection("goal").create({ title: "Ship it" });
 * ```
 */
export async function open<const S extends SchemaLike>(options: OpenOptions<S>): Promise<LandfallDb<S>> {
  const { schema, wasm = new URL("./landfall.wasm", import.meta.url), onEvent = () => {}, ...rest } = options;
  const engine = await Engine.open({ ...rest, schema: JSON.stringify(schema) }, wasm, onEvent);
  keepWaking(engine);
  return new LandfallDb(engine, schema);
}

export type { Json } from "./check.ts";
export type { Batch, BatchCollection } from "./batch.ts";
export { check } from "./check.ts";
export { Collection, type Written } from "./collection.ts";
export { LandfallDb, type QueueFilter } from "./db.ts";
export { ACTIONS, CODES, LandfallError, type Action, type Code, type ErrorData, type Retry } from "./errors.ts";
export type * from "./types.ts";
