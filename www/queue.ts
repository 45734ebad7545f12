// What waits on a device to be sent, in words: which record, what changed, why it is not through yet, what can be done.
import type { Database, Op } from "./engine.ts";
import { fill, h } from "./dom.ts";
import { clock } from "./format.ts";
import { icon, type IconName } from "./icons.ts";
import { titleOf, words, type Schema } from "./schema.ts";
import { reason } from "./words.ts";

const SIGNS: Record<string, IconName> = { pending: "up", syncing: "sync", completed: "check", failed: "cross", conflict: "warn" };
const DID: Record<string, string> = { create: "New", update: "Changed", delete: "Deleted" };

/** Why an op is not through, or when it went. */
function whyOf(op: Op): string {
  switch (op.status) {
    case "failed":
      return `The server refused it: ${op.error?.message ?? reason(op.error?.code ?? "")}`;
    case "conflict":
      return "Somebody else changed this too. Both versions are kept.";
    case "syncing":
      return "On its way";
    case "completed":
      return "Arrived";
    default:
      return op.error ? `Waiting: ${reason(op.error.code)}` : "Waiting to be sent";
  }
}

function lineOf(op: Op, schema: Schema, db: Database): HTMLElement {
  const entity = schema.entities[op.entity_type];
  const label = entity?.label && op.data?.[entity.label];
  const fields = op.operation === "update" ? [...Object.keys(op.data ?? {}), ...(op.removed ?? [])].map(words).join(", ") : "";
  const kind = titleOf(op.entity_type, entity ?? {}).toLowerCase();
  const what = h(
    "p",
    { className: "what" },
    h("strong", {}, `${DID[op.operation] ?? op.operation} ${kind}`),
    ` ${String(label ?? op.entity_id)}`,
  );
  const why = h("p", { className: "why" }, [fields, whyOf(op)].filter(Boolean).join(" · "));
  const act =
    op.status === "failed"
      ? h(
          "button",
          { type: "button", className: "button", onclick: () => void db.queue.retry(op.entity_type, op.entity_id) },
          "Try again",
        )
      : null;
  const when = h("span", { className: "mark-of" }, clock(op.created_at));
  return h("li", { className: "op", "data-state": op.status }, icon(SIGNS[op.status] ?? "dots"), what, act ?? when, why);
}

/** The view of the queue; draws again whenever the device's status changes. */
export function queueView(options: { db: Database; schema: Schema; back(): void }): { element: HTMLElement; refresh(): void } {
  const { db, schema, back } = options;
  const list = h("ul", { className: "ops" });
  const head = h("h3", { tabIndex: -1 }, "Changes on this device");
  const leave = h("button", { type: "button", className: "button quiet", onclick: back }, icon("back"), "Back");
  const element = h("div", { className: "view" }, h("div", { className: "form-head" }, leave, head), list);
  const draw = () => {
    void db.queue.list({ status: ["pending", "syncing", "failed", "conflict", "completed"] }).then((ops) => {
      const open = ops.filter((op) => op.status !== "completed");
      const done = ops
        .filter((op) => op.status === "completed")
        .slice(-20)
        .reverse();
      fill(list, ...[...open, ...done].map((op) => lineOf(op, schema, db)));
      if (ops.length === 0) list.append(h("li", { className: "empty" }, "Everything you changed here has arrived."));
    });
  };
  draw();
  return { element, refresh: draw };
}
