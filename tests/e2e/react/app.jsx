// An application in React as one would write it, in StrictMode: a live list, the queue, the status; and what the test counts.
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { LandfallProvider, useLandfall, useLiveQuery, useSyncEngine, useSyncQueue } from "landfall/react";

function Goals({ status }) {
  const db = useLandfall();
  const { rows, loading, error } = useLiveQuery(db.collection("goal"), { where: { status }, orderBy: "title", limit: 500 });
  if (error) return <p role="alert">{error.code}</p>;
  return (
    <ul aria-label="goals" aria-busy={loading}>
      {rows.map((goal) => (
        <li key={goal.id} data-status={goal._sync.status}>
          {goal.title}
        </li>
      ))}
    </ul>
  );
}

function Sync() {
  const { sync, syncStatus, progress, conflicts, resolveConflict } = useSyncEngine();
  const { operations, discard, pause, resume, paused } = useSyncQueue();
  return (
    <section aria-label="sync">
      <output aria-label="status">{syncStatus}</output>
      <output aria-label="waiting">{operations.length}</output>
      <output aria-label="progress">{progress.percentage}</output>
      <output aria-label="conflicts">{conflicts.length}</output>
      <button onClick={() => void sync()}>sync</button>
      <button onClick={() => void (paused ? resume() : pause())}>{paused ? "resume" : "pause"}</button>
      <button onClick={() => void Promise.all(operations.map((op) => discard(op.entity_type, op.entity_id)))}>discard</button>
      <button onClick={() => void Promise.all(conflicts.map((one) => resolveConflict(one.id, "client-wins")))}>mine</button>
    </section>
  );
}

function App() {
  const [shown, show] = useState(true);
  const [status, filter] = useState("open");
  return (
    <>
      <button onClick={() => show(!shown)}>{shown ? "hide" : "show"}</button>
      <button onClick={() => filter(status === "open" ? "done" : "open")}>filter</button>
      {shown && <Goals status={status} />}
      <Sync />
    </>
  );
}

/** Shows the application over an open database; the root, so that it can be ended. */
export function start(db) {
  const root = createRoot(document.querySelector("#app"));
  root.render(
    <StrictMode>
      <LandfallProvider db={db}>
        <App />
      </LandfallProvider>
    </StrictMode>,
  );
  return root;
}
