// The hooks as a component uses them, as the compiler sees it.
import { LandfallProvider, useLandfall, useLiveQuery, useSyncEngine, useSyncQueue } from "../../js/react/index.ts";
import type { LandfallDb } from "../../js/index.ts";

const schema = {
  app: "shop",
  version: 1,
  entities: { product: { store: "products", fields: { id: { type: "string" }, name: { type: "string", required: true } } } },
} as const;

function Products() {
  const db = useLandfall<typeof schema>();
  const { rows, loading, error } = useLiveQuery(db.collection("product"), { orderBy: "name" });
  const { sync, syncStatus, progress, conflicts, resolveConflict } = useSyncEngine();
  const { operations, retry } = useSyncQueue();
  if (loading) return <p>…</p>;
  if (error) return <p role="alert">{String(error)}</p>;
  return (
    <>
      <button onClick={() => void sync()} disabled={syncStatus === "syncing"}>
        {progress.percentage} %, {operations.length} waiting
      </button>
      <ul>
        {rows.map((row) => (
          <li key={row.id}>{row.name.toUpperCase()}</li>
        ))}
      </ul>
      <button onClick={() => void resolveConflict(conflicts[0]?.id ?? "", "client-wins")}>keep mine</button>
      {/* @ts-expect-error nobody wins this way */}
      <button onClick={() => void resolveConflict("c", "nobody-wins")} />
      {/* @ts-expect-error an entity and an id */}
      <button onClick={() => void retry(7)} />
    </>
  );
}

export const App = ({ db }: { db: LandfallDb<typeof schema> }) => (
  <LandfallProvider db={db}>
    <Products />
  </LandfallProvider>
);
