// Asks the browser to wake the service worker when there is something to send and no page is open. This module decides when a
// page registers for that (at open, at the first pending op, on hide); the worker itself never does, and a browser without
// Background Sync has the other triggers.
import type { Engine } from "./engine.ts";
import { PERIODIC_TAG, SYNC_TAG } from "./tags.ts";

const PERIODIC_MS = 12 * 3_600_000;

type Registration = ServiceWorkerRegistration & {
  sync?: { register(tag: string): Promise<void> };
  periodicSync?: { register(tag: string, options: { minInterval: number }): Promise<void> };
};

/** Keeps the browser's promise to wake the worker alive as long as the engine is open. */
export function keepWaking(engine: Engine): void {
  if (typeof document === "undefined" || !("serviceWorker" in navigator)) return;
  let queued = 0;
  let asked = false;
  const ask = async (): Promise<void> => {
    const registration = (await navigator.serviceWorker.getRegistration()) as Registration | undefined;
    // Refused when the user has switched background sync off: the page's own triggers remain.
    await registration?.sync?.register(SYNC_TAG).catch(() => {});
    if (asked) return;
    asked = true;
    await registration?.periodicSync?.register(PERIODIC_TAG, { minInterval: PERIODIC_MS }).catch(() => {});
  };
  engine.listen((event) => {
    if (event.type !== "status") return;
    const first = queued === 0 && event.status.queued > 0;
    queued = event.status.queued;
    if (first) void ask();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden" && queued > 0) void ask();
  });
  void ask();
}
