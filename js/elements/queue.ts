// `<landfall-queue>`: what waits on this device, what is on its way, what was refused and why, and what arrived in the last
// day; with what a person can do about each. It asks the engine whenever something changed and passes decisions on; it
// decides nothing.
import { LitElement, css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { LandfallDb } from "../db.ts";
import type { Op, Status } from "../types.ts";
import { sign, type Sign } from "./icons.ts";
import { shared } from "./style.ts";
import type { Tone } from "./themes.ts";
import { clock, reason, say, type Word } from "./words.ts";

const DAY_MS = 86_400_000;
const LOOKS: Record<Op["status"], [Sign, Tone]> = {
  pending: ["up", "wait"],
  syncing: ["sync", "busy"],
  completed: ["check", "ok"],
  failed: ["cross", "bad"],
  conflict: ["warn", "warn"],
};

/** As much of a schema as words are made from. */
interface Named {
  entities: {
    readonly [name: string]: { readonly title?: string; readonly label?: string; readonly fields?: object } | undefined;
  };
}

/** `completionNotes`, `completion_notes`: completion notes. */
const plain = (name: string): string =>
  name
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .replace(/[_-]+/g, " ")
    .toLowerCase();

/** Why an op is not through, or that it is. */
function whyOf(op: Op): string {
  const code = op.error?.code ?? "";
  switch (op.status) {
    case "failed":
      return say("op_failed", { reason: op.error?.message ?? reason(code) });
    case "conflict":
      return say("op_conflict");
    case "syncing":
      return say("op_syncing");
    case "completed":
      return say("op_completed");
    default:
      if (op.error) return say("op_waits", { reason: reason(code) });
      return say((op.needs?.length ?? 0) > 0 ? "op_held" : "op_pending");
  }
}

export class LandfallQueue extends LitElement {
  static override properties = {
    db: { attribute: false },
    ops: { state: true },
    status: { state: true },
    fault: { state: true },
    asked: { state: true },
  };
  static override styles = [shared, styles()];
  /** The open database. */
  declare db: LandfallDb<any> | undefined;
  declare private ops: readonly Op[] | undefined;
  declare private status: Status | undefined;
  declare private fault: string;
  /** The op that a person is asked about: discarding cannot be undone. */
  declare private asked: string;
  #leave: (() => void)[] = [];
  #turn = 0;

  constructor() {
    super();
    this.fault = "";
    this.asked = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#listen();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop();
  }

  override willUpdate(changed: PropertyValues): void {
    if (changed.has("db") && this.isConnected) this.#listen();
  }

  #stop(): void {
    for (const leave of this.#leave) leave();
    this.#leave = [];
  }

  #listen(): void {
    this.#stop();
    const { db } = this;
    if (db === undefined) return;
    const refresh = () => void this.#refresh(db);
    const told = db.on("status", (event) => {
      this.status = event.status;
      refresh();
    });
    this.#leave = [told, db.on("changed", refresh)];
    refresh();
  }

  async #refresh(db: LandfallDb<any>): Promise<void> {
    const turn = ++this.#turn;
    try {
      const ops = await db.queue.list({ status: ["pending", "syncing", "failed", "conflict", "completed"] });
      if (turn !== this.#turn) return;
      this.ops = ops;
      this.fault = "";
    } catch (error) {
      if (turn === this.#turn) this.fault = (error as { message?: string }).message ?? String(error);
    }
  }

  override render(): TemplateResult {
    const recent = Date.now() - DAY_MS;
    const ops = this.ops ?? [];
    const open = ops.filter((op) => op.status !== "completed");
    const done = ops.filter((op) => op.status === "completed" && op.updated_at > recent).reverse();
    const rows = [...open, ...done];
    return html`<div class="head">
        <slot></slot>
        <h3 tabindex="-1">${say("queue")}</h3>
        ${this.#progress()} ${this.#pause()}
      </div>
      ${this.fault ? html`<p class="note" role="alert">${say("queue_failed", { reason: this.fault })}</p>` : nothing}
      ${this.ops !== undefined && rows.length === 0 ? html`<p class="empty">${say("queue_empty")}</p>` : nothing}
      <ul>
        ${repeat(
          rows,
          (op) => op.id,
          (op) => this.#row(op),
        )}
      </ul>`;
  }

  /** Sets the keyboard on the heading, for a page that shows this view. */
  override focus(): void {
    void this.updateComplete.then(() => this.renderRoot.querySelector("h3")?.focus());
  }

  #progress(): TemplateResult | typeof nothing {
    const { status } = this;
    if (status?.state !== "syncing" || status.total === 0) return nothing;
    const { done, total } = status;
    return html`<span class="soft">${say("of_items", { done, total })}</span
      ><progress max=${total} value=${Math.min(done, total)} aria-label=${say("syncing")}></progress>`;
  }

  #pause(): TemplateResult | typeof nothing {
    if (this.status === undefined) return nothing;
    const paused = this.status.state === "paused";
    return html`<button @click=${() => void this.db?.pause(!paused)}>
      ${sign(paused ? "play" : "pause")}${say(paused ? "resume" : "pause")}
    </button>`;
  }

  #row(op: Op): TemplateResult {
    const [mark, tone] = LOOKS[op.status] ?? LOOKS.pending;
    const entity = (this.db?.schema as Named | undefined)?.entities[op.entity_type];
    const label = entity?.label === undefined ? undefined : op.data?.[entity.label];
    const named = typeof label === "string" ? label : op.entity_id;
    const kind = (entity?.title ?? plain(op.entity_type)).toLowerCase();
    const fields = op.operation === "update" ? [...Object.keys(op.data ?? {}), ...(op.removed ?? [])].map(plain).join(", ") : "";
    return html`<li class=${tone} data-status=${op.status}>
      ${sign(mark, op.status === "syncing")}
      <p class="what"><strong>${say(`did_${op.operation}` as Word)} ${kind}</strong> ${named}</p>
      <time class="soft" datetime=${new Date(op.created_at).toISOString()}>${clock(op.created_at)}</time>
      <p class="why">${[fields, whyOf(op)].filter(Boolean).join(" · ")}</p>
      ${op.status === "failed" ? this.#actions(op, named) : nothing}
    </li>`;
  }

  #actions(op: Op, named: string): TemplateResult {
    const { entity_type, entity_id } = op;
    if (this.asked === op.id) {
      const discard = () => {
        this.asked = "";
        void this.db?.queue.discard(entity_type, entity_id);
      };
      return html`<div class="actions" role="group" aria-label=${say("discard_question")}>
        <span class="question" role="alert">${say("discard_question")}</span>
        <button class="danger" @click=${discard}>${say("discard")}</button>
        <button @click=${() => (this.asked = "")}>${say("keep")}</button>
      </div>`;
    }
    const edit = () => {
      const detail = { entity: entity_type, id: entity_id };
      this.dispatchEvent(new CustomEvent("landfall-edit", { bubbles: true, composed: true, detail }));
    };
    // A list has many of them: each says which record it is about.
    const about = (word: Word) => `${say(word)}: ${named}`;
    return html`<div class="actions">
      <button aria-label=${about("retry")} @click=${() => void this.db?.queue.retry(entity_type, entity_id)}>
        ${say("retry")}
      </button>
      <button aria-label=${about("edit")} @click=${edit}>${say("edit")}</button>
      <button class="danger" aria-label=${about("discard")} @click=${() => (this.asked = op.id)}>${say("discard")}</button>
    </div>`;
  }
}

function styles() {
  return css`
    :host {
      display: flex;
      flex-direction: column;
      min-height: 0;
    }
    .head {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 8px 12px;
      padding: 8px 14px;
      border-bottom: 1px solid var(--line);
    }
    h3 {
      flex: 1 1 12em;
      margin: 0;
      font-size: 1rem;
      font-weight: 600;
    }
    progress {
      width: 7em;
      accent-color: var(--focus);
    }
    .soft,
    .why {
      color: var(--soft);
      font-size: 0.87rem;
    }
    ul {
      flex: 1;
      min-height: 0;
      margin: 0;
      padding: 0;
      overflow-y: auto;
      list-style: none;
    }
    li {
      display: grid;
      grid-template-columns: auto minmax(0, 1fr) auto;
      gap: 2px 10px;
      padding: 10px 14px;
      border-bottom: 1px solid var(--line);
    }
    li > .sign {
      grid-row: 1 / span 2;
      margin-top: 4px;
    }
    p {
      margin: 0;
    }
    .what {
      overflow-wrap: anywhere;
      unicode-bidi: plaintext;
    }
    .why {
      grid-column: 2 / -1;
      overflow-wrap: anywhere;
    }
    .bad .why,
    .warn .why {
      color: var(--bad);
    }
    .actions {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      grid-column: 2 / -1;
      gap: 8px;
      margin-top: 6px;
    }
    .empty {
      padding: 12vh 24px;
      color: var(--soft);
      text-align: center;
    }
    .note {
      padding: 10px 14px;
      color: var(--bad);
    }
  `;
}
