// The signs of states. Each has a shape of its own: colour only repeats what shape and word say.
import { html, svg, type TemplateResult } from "lit";

/** One path each, on a square of 16. */
export const SIGNS = {
  check: "M3.5 8.5l3 3 6-7",
  up: "M8 13V3.5M4 7l4-4 4 4",
  sync: "M13 5.5A5.5 5.5 0 0 0 3.2 5M3 2v3.2h3.2M3 10.5a5.5 5.5 0 0 0 9.8.5M13 14v-3.2H9.8",
  unplugged: "M2 2l12 12M5.5 5.5v2a2.5 2.5 0 0 0 3.8 2.1M10.5 7.5V5M6.5 5V2M10 4.5V2M8 10.5V14",
  warn: "M8 2.5l6 11H2zM8 6.5v3.2M8 11.6v.2",
  cross: "M4 4l8 8M12 4l-8 8",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3l7.5 5L5 13z",
  dots: "M3.5 8h.1M8 8h.1M12.4 8h.1",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.4 1.6",
  dot: "M8 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM8 9.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z",
  ring: "M8 13A5 5 0 1 0 8 3a5 5 0 0 0 0 10z",
  half: "M8 13A5 5 0 1 0 8 3a5 5 0 0 0 0 10zM8 3v10M10 4v8M12 6v4",
  antenna: "M8 8v6M8 8a1 1 0 1 0 0-2 1 1 0 0 0 0 2zM4.5 3.5a5 5 0 0 0 0 7M11.5 3.5a5 5 0 0 1 0 7",
  down: "M4 6l4 4 4-4",
} as const;

/** The name of a sign. */
export type Sign = keyof typeof SIGNS;

/** A sign, hidden from screen readers: a word always stands beside it. */
export const sign = (name: Sign, turning = false): TemplateResult =>
  html`<svg class="sign ${turning ? "turning" : ""}" viewBox="0 0 16 16" aria-hidden="true">
    ${svg`<path d=${SIGNS[name]} />`}
  </svg>`;
