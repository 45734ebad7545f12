// Types of records from a schema, and of what the engine tells. Nothing here exists at run time.
import type { ErrorData } from "./errors.ts";
import type { Json } from "./check.ts";

/** As much of a schema as types are made from; the engine checks all of it. */
export interface SchemaLike {
  readonly app: string;
  readonly version: number;
  readonly entities: { readonly [name: string]: EntityLike };
}

export interface EntityLike {
  readonly store: string;
  readonly key?: string;
  readonly fields: { readonly [name: string]: FieldLike };
}

export interface FieldLike {
  readonly type: string;
  readonly required?: boolean;
  readonly nullable?: boolean;
  readonly enum?: readonly unknown[];
  readonly items?: FieldLike;
  readonly fields?: { readonly [name: string]: FieldLike };
}

/** Where a record stands; the engine's own property of it. */
export interface SyncInfo {
  /** `syncing`: as `pending`, and an op of it is on its way at this moment. */
  status: "synced" | "pending" | "syncing" | "failed" | "conflict" | "locked";
  version: number | null;
  local: number;
  modified: number;
  synced: number | null;
  server_at: number | null;
  by: string;
  offline: boolean;
  bytes: number;
}

type Text = "string" | "text" | "datetime" | "date";
type Numeric = "number" | "integer" | "counter";
type Plain<F extends FieldLike> = F extends { readonly enum: readonly (infer V)[] }
  ? V
  : F["type"] extends Text
    ? string
    : F["type"] extends Numeric
      ? number
      : F["type"] extends "boolean"
        ? boolean
        : F["type"] extends "list" | "set"
          ? F extends { readonly items: infer I extends FieldLike }
            ? Value<I>[]
            : Json[]
          : F["type"] extends "object"
            ? F extends { readonly fields: infer O extends { readonly [name: string]: FieldLike } }
              ? Fields<O>
              : { [key: string]: Json }
            : Json;

/** What a field holds. */
export type Value<F extends FieldLike> = F extends { readonly nullable: true } ? Plain<F> | null : Plain<F>;

type Required_<O> = { [K in keyof O]: O[K] extends { readonly required: true } ? K : never }[keyof O];

/** An object of fields: the required ones always, the others perhaps. */
export type Fields<O extends { readonly [name: string]: FieldLike }> = {
  -readonly [K in Required_<O>]: Value<O[K]>;
} & { -readonly [K in Exclude<keyof O, Required_<O>>]?: Value<O[K]> };

/** The field that holds an entity's id. */
export type KeyOf<E extends EntityLike> = E extends { readonly key: infer K extends string } ? K : "id";

/** A record as it is read. */
export type RecordOf<E extends EntityLike> = { [K in KeyOf<E>]: string } & Omit<Fields<E["fields"]>, KeyOf<E>> & {
    _sync: SyncInfo;
  };

/** A record as it is created: the id may be left to the engine. */
export type NewRecord<E extends EntityLike> = { [K in KeyOf<E>]?: string } & Omit<Fields<E["fields"]>, KeyOf<E>>;

/** Fields to set. */
export type ChangeOf<E extends EntityLike> = Partial<Omit<Fields<E["fields"]>, KeyOf<E>>>;

/** A test on one field: a value it equals, or one of these. */
export type FieldTest =
  | Json
  | { in: readonly Json[] }
  | { not: Json }
  | { prefix: string }
  | { contains: Json }
  | { gt?: number | string; gte?: number | string; lt?: number | string; lte?: number | string };

/** What to read. */
export interface QueryOptions {
  /** By field; a dot steps into an object. All of them hold. */
  where?: { readonly [field: string]: FieldTest };
  /** By id if absent. */
  orderBy?: string;
  descending?: boolean;
  limit?: number;
  /** `cursor` of the page before. */
  cursor?: string | null;
}

/** One page of an answer. */
export interface Page<R> {
  rows: R[];
  /** Where the next page begins; null after the last. */
  cursor: string | null;
  /** The store's generation when it was read. */
  gen: number;
}

/** What an application shows of sync. */
export interface Status {
  state: "starting" | "synced" | "pending" | "syncing" | "offline" | "attention" | "error" | "paused";
  queued: number;
  failed: number;
  conflicts: number;
  /** Rows in quarantine; they wait for a person. */
  quarantined: number;
  done: number;
  total: number;
  behind: boolean;
  online: boolean;
  /** How far this device's clock is behind the server's, to the second; negative: ahead. */
  clockBehindMs: number;
  lastSyncAt: number | null;
  nextAttemptAt: number | null;
  /** How many attempts in a row have failed; with a server that keeps failing `state` becomes "attention". */
  attempts: number;
  error: ErrorData | null;
}

/** What a cycle of sync did. */
export interface Cycle {
  synced: number;
  failed: number;
  conflicts: number;
  /** Rows that came from the server. */
  pulled: number;
  /** In milliseconds. */
  duration: number;
  error?: ErrorData;
}

/** What a sync did. */
export interface SyncResult {
  success: boolean;
  synced: number;
  failed: number;
  conflicts: number;
  /** Rows that came from the server. */
  pulled: number;
  /** The ops it dealt with. */
  operations: Op[];
  errors: ErrorData[];
  /** In milliseconds. */
  duration: number;
}

/** An op of the queue. */
export interface Op {
  seq: number;
  id: string;
  operation: "create" | "update" | "delete";
  entity_type: string;
  entity_id: string;
  data?: { [field: string]: Json };
  removed?: string[];
  before?: { [field: string]: Json };
  status: "pending" | "syncing" | "completed" | "failed" | "conflict";
  priority: number;
  retry_count: number;
  created_at: number;
  updated_at: number;
  /** `entity/id` of records whose ops have to reach the server first. */
  needs?: string[];
  /** Ops with the same group stand or fall together. */
  group?: string;
  /** The references that lead from its record back to it: these ops travelled as one. */
  cycle?: string[];
  error?: ErrorData;
}

/** A reference that leads nowhere. */
export interface Orphan {
  entity: string;
  id: string;
  /** Where in the record: `seen[0].by`. */
  path: string;
  target: { entity: string; id: string };
  /** The target is nowhere; otherwise it may only be outside this device's part of the data. */
  certain: boolean;
}

/** What a temporary id stands for. */
export interface IdMapping {
  tempId: string;
  /** Null until the server has taken the record. */
  realId: string | null;
  entityType: string;
  createdAt: number;
  syncedAt: number | null;
}

/** Both sides of a conflict that waits for a decision. */
export interface Conflict {
  id: string;
  entity_type: string;
  entity_id: string;
  op: string;
  kind: "edit_edit" | "edit_delete" | "delete_edit";
  fields: string[];
  local: { [field: string]: Json } | null;
  server: { [field: string]: Json } | null;
  version: number;
  changed_by: string;
  changed_at: string;
  detected_at: number;
}

/** A row that could not be read, breaks the schema or has no place in it any more, as it was found. */
export interface Quarantined {
  id: string;
  /** The store it was found in; `pull` for a row that the server sent. */
  store: string;
  entity_type?: string;
  entity_id?: string;
  row: Json;
  /** What was shown of the record, where the row was a change of it. */
  shown?: { [field: string]: Json };
  error: ErrorData;
  at: number;
}

/** What the engine tells of itself. */
export type EngineEvent =
  | { type: "status"; status: Status }
  /** These records changed, here or in another context; an empty list means that anything may have. */
  | { type: "changed"; gen: number; changed: [entity: string, id: string][] }
  | { type: "cycle"; cycle: Cycle }
  /** Something went wrong that no call waits for. */
  | { type: "warning"; error: ErrorData }
  /** Another tab keeps an older version open. */
  | { type: "blocked" }
  /** Data of an older version is being brought up to date; `open` waits for it. So many rows so far. */
  | { type: "migrating"; done: number }
  /** The database was not there before. */
  | { type: "created" }
  /** A newer application has upgraded the database; this one only reads it. */
  | { type: "readonly" }
  /** Another tab upgrades or deletes the database. */
  | { type: "yielded" }
  /** The browser closed the database; it opens again by itself. */
  | { type: "lost" }
  /** The engine stopped on a fault of its own. */
  | { type: "panic"; message: string; reopened: boolean };

/** The reasons for which a sync is wanted. */
export type Reason = "user" | "foreground" | "background_sync" | "periodic_sync" | "push_message" | "notice";
