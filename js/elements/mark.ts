// `<landfall-mark status="pending">`: where one record stands, as a sign and a word, so that it can be read without seeing
// colours.
import { LitElement, css, html } from "lit";
import { sign } from "./icons.ts";
import { shared } from "./style.ts";
import { markOf, type MarkState, type ThemeName } from "./themes.ts";

export class LandfallMark extends LitElement {
  static override properties = { status: {}, theme: {}, compact: { type: Boolean } };
  static override styles = [
    shared,
    css`
      :host {
        display: inline-flex;
        white-space: nowrap;
      }
      span.mark {
        display: inline-flex;
        align-items: center;
        gap: 5px;
      }
      .ok {
        color: var(--soft);
      }
      .wait,
      .busy {
        color: var(--wait);
        font-weight: 600;
      }
      .warn,
      .bad {
        color: var(--bad);
        font-weight: 600;
      }
      .read {
        position: absolute;
        width: 1px;
        height: 1px;
        overflow: hidden;
        clip-path: inset(50%);
      }
    `,
  ];
  /** The record's `_sync.status`; `absent` for one that is not on this device. */
  declare status: MarkState;
  /** Whose signs and words. */
  declare theme: ThemeName;
  /** The sign alone; the word is read out. */
  declare compact: boolean;

  constructor() {
    super();
    this.status = "synced";
    this.theme = "landfall";
    this.compact = false;
  }

  override render() {
    const mark = markOf(this.theme, this.status);
    const turning = this.status === "syncing";
    return html`<span class="mark ${mark.tone}" title=${this.compact ? mark.word : ""}
      >${sign(mark.sign, turning)}<span class=${this.compact ? "read" : ""}>${mark.word}</span></span
    >`;
  }
}
