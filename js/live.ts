// Live queries. This module decides when a query is asked again and that no answer older than the last one is delivered; what
// the answer is, the engine says.
import type { Engine } from "./engine.ts";
import type { EngineEvent, Page } from "./types.ts";

/** Calls `deliver` with the answer at once and after every change of the entity, until the returned function is called. */
export function observe<R>(
  engine: Engine,
  entity: string,
  ask: () => Promise<Page<R>>,
  deliver: (page: Page<R>) => void,
  failed: (error: unknown) => void,
): () => void {
  let delivered = -1;
  let stopped = false;
  let asking = false;
  let again = false;

  const touches = (event: EngineEvent): boolean => {
    if (event.type === "panic") return event.reopened;
    return event.type === "changed" && (event.changed.length === 0 || event.changed.some(([changed]) => changed === entity));
  };

  // Many bells in one turn are one question; while one is on its way, the next waits for it.
  const refresh = async (): Promise<void> => {
    again = true;
    if (asking) return;
    asking = true;
    while (again && !stopped) {
      again = false;
      await Promise.resolve();
      try {
        const page = await ask();
        if (stopped || page.gen < delivered) continue;
        delivered = page.gen;
        deliver(page);
      } catch (error) {
        if (!stopped) failed(error);
      }
    }
    asking = false;
  };

  const leave = engine.listen((event) => {
    if (touches(event)) void refresh();
  });
  void refresh();
  return () => {
    stopped = true;
    leave();
  };
}
