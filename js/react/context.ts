// The database that the hooks below work on, handed down once. It opens and closes nothing: whoever opened a database closes it.
import { createContext, createElement, useContext, type FunctionComponent, type PropsWithChildren } from "react";
import type { LandfallDb } from "../db.ts";
import type { SchemaLike } from "../types.ts";

const Context = createContext<LandfallDb<SchemaLike> | null>(null);

/** What `LandfallProvider` takes. */
export type ProviderProps = PropsWithChildren<{
  /** The open database, of any schema. */
  db: LandfallDb<any>;
}>;

/**
 * Hands an open database to every hook beneath it.
 *
 * ```tsx
 * <LandfallProvider db={db}><App /></LandfallProvider>
 * ```
 */
export const LandfallProvider: FunctionComponent<ProviderProps> = ({ db, children }) =>
  createElement(Context.Provider, { value: db }, children);

/** The database of the nearest `LandfallProvider`. For typed collections name the schema: `useLandfall<typeof schema>()`. */
export function useLandfall<S extends SchemaLike = SchemaLike>(): LandfallDb<S> {
  const db = useContext(Context);
  if (db === null) throw new Error("useLandfall: no LandfallProvider above this component; wrap the application in one");
  return db as unknown as LandfallDb<S>;
}
