// `<landfall-status>`: how sync stands. A line, a bar that opens (phones), or a panel (sidebars); with `takeover`, a failure that
// stops everything is told over the whole screen, once. It shows what the engine says and calls `sync` and `pause`; it
// decides nothing.
import { LitElement, css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import type { LandfallDb } from "../db.ts";
import type { Status } from "../types.ts";
import { sign } from "./icons.ts";
import { shared } from "./style.ts";
import { look, type Look, type ThemeName } from "./themes.ts";
import { clock, reason, say } from "./words.ts";

/** With these nothing syncs until something is done about them. */
const BLOCKING = new Set(["SCHEMA_MISMATCH", "PROTOCOL_ERROR", "CORRUPT_DATA"]);

export class LandfallStatus extends LitElement {
  static override properties = {
    db: { attribute: false },
    theme: {},
    form: { reflect: true },
    takeover: { type: Boolean },
    status: { state: true },
    open: { state: true },
    waved: { state: true },
  };
  static override styles = [shared, styles()];
  /** The open database. */
  declare db: LandfallDb<any> | undefined;
  /** Whose states, texts and colours. */
  declare theme: ThemeName;
  /** `line`: one line. `bar`: a line that opens. `panel`: everything, always. */
  declare form: "line" | "bar" | "panel";
  /** Whether a failure that stops everything is told over the whole screen. */
  declare takeover: boolean;
  declare private status: Status | undefined;
  declare private open: boolean;
  /** The blocking code that a person has put aside. */
  declare private waved: string;
  #leave = () => {};
  #ticker: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    this.theme = "landfall";
    this.form = "line";
    this.takeover = false;
    this.open = false;
    this.waved = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#listen();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#leave();
    this.#leave = () => {};
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  #listen(): void {
    this.#leave();
    this.#leave = this.db?.on("status", (event) => (this.status = event.status)) ?? (() => {});
  }

  override willUpdate(changed: PropertyValues): void {
    if (changed.has("db") && this.isConnected) this.#listen();
    if (this.status?.error?.code !== this.waved) this.waved = "";
  }

  override updated(): void {
    // A second's beat only while there is something that changes by the second.
    const ticks = this.isConnected && (this.#look()?.ticking ?? "") !== "";
    if (ticks && this.#ticker === undefined) this.#ticker = setInterval(() => this.requestUpdate(), 1000);
    if (!ticks) {
      clearInterval(this.#ticker);
      this.#ticker = undefined;
    }
    const dialog = this.renderRoot.querySelector("dialog");
    if (dialog !== null && !dialog.open) dialog.showModal();
  }

  #look(): Look | undefined {
    return this.status && look(this.theme, this.status, Date.now());
  }

  override render(): TemplateResult | typeof nothing {
    const { status } = this;
    const shown = this.#look();
    if (status === undefined || shown === undefined) return nothing;
    const mark = sign(shown.sign, status.state === "syncing");
    const said = html`<strong>${shown.word}</strong> <span class="more">${shown.more}</span>`;
    const ticking = shown.ticking ? html`<span class="more" aria-hidden="true">${shown.ticking}</span>` : nothing;
    const tone = `line ${shown.tone}`;
    // A live region inside a button would be no part of the button's name: there it stands around it.
    const line = shown.tap
      ? html`<div role="status">
          <button class=${tone} @click=${() => void this.db?.sync()}>${mark}<span>${said}</span></button>
        </div>`
      : html`<div class=${tone}>
          ${mark}<span class="words"><span role="status">${said}</span>${ticking}</span><slot></slot>${
            this.form === "bar" ? this.#opener() : nothing
          }
        </div>`;
    const whole = this.form === "panel" || (this.form === "bar" && this.open);
    return html`${line}${whole ? this.#details(status) : nothing}${this.#blocked(status)}`;
  }

  #opener(): TemplateResult {
    const flip = () => (this.open = !this.open);
    return html`<button
      class="opener"
      aria-expanded=${this.open}
      aria-controls="details"
      aria-label=${say("details")}
      @click=${flip}
    >
      ${sign("down")}
    </button>`;
  }

  #details(status: Status): TemplateResult {
    const paused = status.state === "paused";
    const row = (name: string, value: string | number) =>
      html`<div>
        <dt>${name}</dt>
        <dd>${value}</dd>
      </div>`;
    const ask = () => this.dispatchEvent(new CustomEvent("landfall-queue", { bubbles: true, composed: true }));
    return html`<div class="details" id="details">
      <dl>
        ${row(say("waiting_count"), status.queued)} ${status.failed > 0 ? row(say("refused_count"), status.failed) : nothing}
        ${status.conflicts > 0 ? row(say("conflict_count"), status.conflicts) : nothing}
        ${row(say("last_synced"), status.lastSyncAt ? clock(status.lastSyncAt) : say("never"))}
        ${(status.nextAttemptAt ?? 0) > Date.now() ? row(say("next_attempt"), clock(status.nextAttemptAt ?? 0)) : nothing}
      </dl>
      <div class="actions">
        <button @click=${() => void this.db?.sync()}>${sign("sync")}${say("sync_now")}</button>
        <button @click=${() => void this.db?.pause(!paused)}>
          ${sign(paused ? "play" : "pause")}${say(paused ? "resume" : "pause")}
        </button>
        <button @click=${ask}>${say("show_queue")}</button>
      </div>
    </div>`;
  }

  #blocked(status: Status): TemplateResult | typeof nothing {
    const code = status.error?.code ?? "";
    if (!this.takeover || !BLOCKING.has(code) || this.waved === code) return nothing;
    const wave = () => (this.waved = code);
    return html`<dialog aria-labelledby="blocked" @close=${wave}>
      <div class="bad">${sign("warn")}</div>
      <h2 id="blocked">${say("blocked_title")}</h2>
      <p>${reason(code)}. ${say("blocked_kept")}</p>
      <div class="actions">
        <button @click=${() => location.reload()}>${say("reload")}</button>
        <button @click=${wave}>${say("go_on")}</button>
      </div>
    </dialog>`;
  }
}

function styles() {
  return css`
    :host {
      display: block;
    }
    .line {
      display: flex;
      align-items: center;
      gap: 10px;
      width: 100%;
      min-height: 44px;
      padding: var(--landfall-pad, 6px 14px);
      text-align: start;
    }
    .line > .sign {
      font-size: 1.13rem;
    }
    button.line {
      justify-content: start;
      border: 0;
      border-radius: 0;
      background: none;
    }
    .words {
      flex: 1;
      min-width: 0;
    }
    strong {
      font-weight: 600;
    }
    .more {
      color: var(--soft);
      font-variant-numeric: tabular-nums;
    }
    .opener {
      width: 44px;
      padding: 0;
      border-color: transparent;
      background: none;
    }
    .opener[aria-expanded="true"] .sign {
      transform: rotate(180deg);
    }
    .details {
      display: grid;
      gap: 12px;
      padding: 4px 14px 14px;
    }
    dl {
      display: grid;
      gap: 4px;
      margin: 0;
    }
    dl > div {
      display: flex;
      justify-content: space-between;
      gap: 12px;
    }
    dt {
      color: var(--soft);
    }
    dd {
      margin: 0;
      font-variant-numeric: tabular-nums;
    }
    .actions {
      display: flex;
      flex-wrap: wrap;
      gap: 8px;
    }
    :host([form="panel"]) {
      max-width: 26rem;
      border: 1px solid var(--line);
      border-radius: 12px;
      background: var(--card);
    }
    :host([form="bar"]) {
      border-bottom: 1px solid var(--line);
      background: var(--card);
    }
    dialog {
      width: 100vw;
      max-width: none;
      height: 100dvh;
      max-height: none;
      margin: 0;
      padding: 24px;
      border: 0;
      background: var(--card);
      color: var(--ink);
      text-align: center;
    }
    dialog[open] {
      display: grid;
      align-content: center;
      justify-items: center;
      gap: 12px;
    }
    dialog .sign {
      font-size: 3rem;
    }
    dialog .actions .sign {
      font-size: 1em;
    }
    h2,
    p {
      max-width: 34em;
      margin: 0;
    }
  `;
}
