// Sync as React components show it: status, queue, conflicts. These hooks read what the engine tells and pass on what a
// person asks for; what comes of it is the engine's affair.
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { LandfallDb } from "../db.ts";
import type { Conflict, Op, SchemaLike, Status, SyncResult } from "../types.ts";
import { useLandfall } from "./context.ts";

type Db = LandfallDb<SchemaLike>;

/** How things stand; undefined until the engine has said so for the first time. */
export function useSyncStatus(): Status | undefined {
  const db = useLandfall();
  const subscribe = useCallback((changed: () => void) => db.on("status", changed), [db]);
  return useSyncExternalStore(
    subscribe,
    () => db.status,
    () => undefined,
  );
}

/** Asks `ask` at once and whenever records or counts may have changed; an answer that comes too late is dropped. */
function useAsked<T>(db: Db, ask: (db: Db) => Promise<T>, first: T): { answer: T; error: unknown } {
  const [shown, show] = useState<{ answer: T; error: unknown }>({ answer: first, error: null });
  useEffect(() => {
    let newest = 0;
    let ended = false;
    const refresh = () => {
      const turn = ++newest;
      const current = () => !ended && turn === newest;
      ask(db).then(
        (answer) => current() && show({ answer, error: null }),
        (error: unknown) => current() && show((before) => ({ ...before, error })),
      );
    };
    // A known status is told at once, which asks the first question.
    const leave = [db.on("status", refresh), db.on("changed", refresh)];
    if (db.status === undefined) refresh();
    return () => {
      ended = true;
      for (const stop of leave) stop();
    };
  }, [db, ask]);
  return shown;
}

/** How far a sync is. */
export interface SyncProgress {
  /** Ops dealt with in this cycle. */
  done: number;
  /** Ops there were when it began. */
  total: number;
  /** 0 to 100; 100 when there is nothing to do. */
  percentage: number;
}

/** Whose side of a conflict is kept. */
export type ConflictChoice = "client-wins" | "server-wins";

/** What `useSyncEngine` returns. */
export interface SyncEngine {
  /** Sends and fetches; resolves when that is over, also when it failed. */
  sync: () => Promise<SyncResult>;
  /** Of the last sync that this component, or anybody, has asked for. */
  syncStatus: "idle" | "syncing" | "success" | "error";
  progress: SyncProgress;
  /** What waits for a decision. */
  conflicts: readonly Conflict[];
  /** Keeps one side of a conflict. */
  resolveConflict: (id: string, choice: ConflictChoice | { type: ConflictChoice }) => Promise<void>;
}

const NO_CONFLICTS: readonly Conflict[] = [];
const listConflicts = (db: Db) => db.conflicts.list();

/**
 * Sync in one hook.
 *
 * ```tsx
 * const { sync, syncStatus, progress, conflicts, resolveConflict } = useSyncEngine();
 * ```
 */
export function useSyncEngine(): SyncEngine {
  const db = useLandfall();
  const status = useSyncStatus();
  const { answer: conflicts } = useAsked(db, listConflicts, NO_CONFLICTS);
  const [ended, end] = useState<"idle" | "success" | "error">("idle");

  useEffect(
    () => db.on("cycle", ({ cycle }) => end(cycle.error === undefined && cycle.failed === 0 ? "success" : "error")),
    [db],
  );

  const sync = useCallback(() => db.sync(), [db]);
  const resolveConflict = useCallback<SyncEngine["resolveConflict"]>(
    async (id, choice) => {
      const conflict = (await db.conflicts.list()).find((one) => one.id === id);
      if (conflict === undefined)
        throw new Error(`resolveConflict: no open conflict has the id ${id}; it may be decided already`);
      const keep = (typeof choice === "string" ? choice : choice.type) === "client-wins" ? "keepLocal" : "keepServer";
      await db.conflicts[keep](conflict.entity_type, conflict.entity_id);
    },
    [db],
  );

  const { done = 0, total = 0 } = status ?? {};
  const progress = useMemo(
    () => ({ done, total, percentage: total === 0 ? 100 : Math.min(100, Math.round((100 * done) / total)) }),
    [done, total],
  );
  return { sync, syncStatus: status?.state === "syncing" ? "syncing" : ended, progress, conflicts, resolveConflict };
}

/** What `useSyncQueue` returns. */
export interface SyncQueue {
  /** Ops that are not completed, oldest first. */
  operations: readonly Op[];
  /** Why the list could not be read; null while all is well. */
  error: unknown;
  /** Sends the changes of a record once more. */
  retry: (entity: string, id: string) => Promise<void>;
  /** Gives up the changes of a record: it is as on the server again. */
  discard: (entity: string, id: string) => Promise<void>;
  /** Nothing is sent until `resume`. */
  pause: () => Promise<void>;
  resume: () => Promise<void>;
  paused: boolean;
}

const NO_OPS: readonly Op[] = [];
const listOps = (db: Db) => db.queue.list();

/** What waits to be sent and what was refused, kept up to date. */
export function useSyncQueue(): SyncQueue {
  const db = useLandfall();
  const status = useSyncStatus();
  const { answer: operations, error } = useAsked(db, listOps, NO_OPS);
  const actions = useMemo(
    () => ({
      retry: async (entity: string, id: string) => void (await db.queue.retry(entity, id)),
      discard: async (entity: string, id: string) => void (await db.queue.discard(entity, id)),
      pause: () => db.pause(),
      resume: () => db.resume(),
    }),
    [db],
  );
  return { operations, error, ...actions, paused: status?.state === "paused" };
}
