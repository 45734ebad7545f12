// Live queries as React reads outside data: a store that is subscribed to while a component shows it. It decides nothing about
// records; `Collection.observe` does.
import { useMemo, useSyncExternalStore } from "react";
import type { Collection } from "../collection.ts";
import type { EntityLike, QueryOptions, RecordOf } from "../types.ts";

/** What a live query shows. */
export interface Live<R> {
  /** The rows; empty while the first answer is on its way. */
  rows: readonly R[];
  /** Where the next page begins; null after the last. */
  cursor: string | null;
  /** No answer has come yet. */
  loading: boolean;
  /** Why the last question failed; null while all is well. */
  error: unknown;
}

const NOTHING: Live<never> = { rows: [], cursor: null, loading: true, error: null };

/** The store that `useSyncExternalStore` asks for: each subscription is one observation, ended with it. */
function liveStore<E extends EntityLike>(collection: Collection<E>, options: QueryOptions) {
  let shown: Live<RecordOf<E>> = NOTHING;
  const subscribe = (changed: () => void): (() => void) => {
    const show = (next: Live<RecordOf<E>>) => {
      shown = next;
      changed();
    };
    return collection.observe(
      options,
      (rows, page) => show({ rows, cursor: page.cursor, loading: false, error: null }),
      // What was shown stays: a failed question takes nothing from the screen.
      (error) => show({ ...shown, loading: false, error }),
    );
  };
  return { subscribe, read: () => shown };
}

/**
 * The rows of a query, kept up to date: by this page, another tab, or the service worker. The options may be a new object at each
 * render; the query is asked anew only when they say something else.
 *
 * ```tsx
 * const { rows, loading } = useLiveQuery(db.collection("goal"), { where: { status: "open" }, limit: 50 });
 * ```
 */
export function useLiveQuery<E extends EntityLike>(collection: Collection<E>, options: QueryOptions = {}): Live<RecordOf<E>> {
  const said = JSON.stringify(options);
  const store = useMemo(() => liveStore(collection, JSON.parse(said) as QueryOptions), [collection, said]);
  return useSyncExternalStore(store.subscribe, store.read, () => NOTHING);
}
