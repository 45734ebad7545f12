// Short news at the bottom of the page, read out by screen readers.
import { byId, h } from "./dom.ts";

/** Shows a line for four seconds. */
export function toast(text: string): void {
  const line = h("p", { className: "toast" }, text);
  byId("toasts").append(line);
  setTimeout(() => line.remove(), 4000);
}
