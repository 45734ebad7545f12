// The engine's wasm instance. This module decides how it is loaded, notices when it has stopped on a fault of its own, and
// makes a new one, once a minute at most; what is stored is not its affair.
import * as glue from "../dist/pkg/landfall.js";
import { adopt, panicked } from "./errors.ts";

export { glue };

/** Where the wasm is: an address, or its bytes on the way. */
export type Wasm = URL | string | Response | Promise<Response> | WebAssembly.Module;

/** The same, or how to find out; asked only once. */
export type Where = Wasm | (() => Wasm);

/** A second fault within this time is left alone: what fails at once again would fail for ever. */
const PANIC_PAUSE_MS = 60_000;

let loading: Promise<void> | undefined;
let panicAt = -Infinity;
let message = "";
let dead = false;
const stopped = new Set<(message: string, reopened: boolean) => void>();

/** Loads the engine; the first address given is the one that counts. */
export function load(wasm: Where): Promise<void> {
  loading ??= glue.default({ module_or_path: typeof wasm === "function" ? wasm() : wasm }).then(
    () => {
      glue.watch_panics(onPanic);
      globalThis.addEventListener("error", onTrap);
    },
    (error: unknown) => {
      loading = undefined;
      throw error;
    },
  );
  return loading;
}

/** Calls `listener` when the engine stops; takes it off again by what it returns. */
export function onStopped(listener: (message: string, reopened: boolean) => void): () => void {
  stopped.add(listener);
  return () => void stopped.delete(listener);
}

/** Does `work` on the engine; rejects when the engine stops meanwhile, since its own promises then never settle. */
export async function guard<T>(work: () => Promise<T> | T): Promise<T> {
  if (dead) throw panicked(message, false);
  let leave = () => {};
  const stop = new Promise<never>((_, reject) => {
    leave = onStopped((text, reopened) => reject(panicked(text, reopened)));
  });
  try {
    return await Promise.race([work(), stop]);
  } catch (thrown) {
    if (thrown instanceof WebAssembly.RuntimeError) onPanic(thrown.message);
    throw thrown instanceof WebAssembly.RuntimeError ? panicked(message, !dead) : adopt(thrown);
  } finally {
    leave();
  }
}

/** The instance is unusable from here on: every later call into it would find its memory in an unknown state. */
function onPanic(text: string): void {
  if (dead) return;
  dead = true;
  message = text;
  // Not inside the call that failed: its stack still runs in the old instance.
  queueMicrotask(() => {
    const reopened = revive();
    for (const listener of [...stopped]) listener(text, reopened);
  });
}

/** A trap without a panic (a stack that is full) inside a timer or an answer of the database: no call is there to notice it. */
function onTrap(event: Event): void {
  const { error } = event as ErrorEvent;
  if (error instanceof WebAssembly.RuntimeError && /landfall/.test(error.stack ?? "")) onPanic(error.message);
}

function revive(): boolean {
  const again = Date.now() - panicAt > PANIC_PAUSE_MS;
  panicAt = Date.now();
  const reset: unknown = Reflect.get(glue, "__wbg_reset_state");
  if (!again || typeof reset !== "function") return false;
  try {
    reset();
    glue.watch_panics(onPanic);
    dead = false;
  } catch (error) {
    message = `${message} (and no new instance: ${String(error)})`;
  }
  return !dead;
}
