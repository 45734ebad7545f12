// The engine in a service worker: each event of the browser is one call into it. This module decides how long a worker may go
// on and that a `sync` event fails while work remains, so that the browser tries again; the worker never registers a sync by
// itself. An application's worker calls `attach` once, at its top level.
import { Engine, registered, type EngineOptions } from "./engine.ts";
import type { Where } from "./runtime.ts";
import type { Reason } from "./types.ts";
import { PERIODIC_TAG, SYNC_TAG, WAKE_MESSAGE } from "./tags.ts";

/** The browser ends a sync event after three minutes, and other events after thirty seconds without a sign of life. */
const SYNC_BUDGET_MS = 120_000;
const BUDGET_MS = 25_000;

interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface TaggedEvent extends ExtendableEvent {
  readonly tag: string;
}
interface MessagesEvent extends ExtendableEvent {
  readonly data: unknown;
}

/** Listens to the events that wake a worker; `wasm` says where the engine is, best from the cache. */
export function attach(scope: EventTarget, wasm: Where): void {
  scope.addEventListener("sync", (event) => {
    const { tag } = event as TaggedEvent;
    if (tag === SYNC_TAG) (event as TaggedEvent).waitUntil(drain(wasm, "background_sync", SYNC_BUDGET_MS));
  });
  scope.addEventListener("periodicsync", (event) => {
    const { tag } = event as TaggedEvent;
    if (tag === PERIODIC_TAG) (event as TaggedEvent).waitUntil(drain(wasm, "periodic_sync", BUDGET_MS));
  });
  scope.addEventListener("push", (event) => {
    // The notification is the application's; that the fetch fails must not keep it from being shown.
    (event as ExtendableEvent).waitUntil(drain(wasm, "push_message", BUDGET_MS).catch(() => {}));
  });
  scope.addEventListener("message", (event) => {
    const { data } = event as MessagesEvent;
    const kind: unknown = typeof data === "object" && data !== null ? Reflect.get(data, "type") : undefined;
    if (kind === WAKE_MESSAGE) (event as MessagesEvent).waitUntil(drain(wasm, "background_sync", BUDGET_MS).catch(() => {}));
  });
}

let running: Promise<void> | undefined;

/** Syncs every database of this origin; rejects while work remains. Two events at once are one drain. */
export function drain(wasm: Where, reason: Reason, budgetMs: number): Promise<void> {
  running ??= drainAll(wasm, reason, budgetMs).finally(() => (running = undefined));
  return running;
}

async function drainAll(wasm: Where, reason: Reason, budgetMs: number): Promise<void> {
  const until = Date.now() + budgetMs;
  const remains: string[] = [];
  for (const options of await registered(wasm)) {
    const left = until - Date.now();
    const done = left > 0 && (await drainOne(options, wasm, reason, left).catch(() => false));
    if (!done) remains.push(options.database ?? "");
  }
  if (remains.length > 0) throw new Error(`work remains in ${remains.join(", ")}`);
}

/** Whether nothing is left to send. What a person has to decide about is not left over: trying again would not help. */
async function drainOne(options: EngineOptions, wasm: Where, reason: Reason, budgetMs: number): Promise<boolean> {
  const engine = await Engine.open(options, wasm, () => {});
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, budgetMs, undefined)));
    const result = await Promise.race([engine.wake(reason), late]);
    return (
      result !== undefined && (engine.status?.queued ?? 0) === 0 && result.errors.every((error) => error.code !== "NETWORK_ERROR")
    );
  } finally {
    clearTimeout(timer);
    await engine.close();
  }
}
