// The mark of a record: a sign and a word, so that it can be read without seeing colours.
import { h } from "./dom.ts";
import { icon } from "./icons.ts";
import type { Row } from "./schema.ts";
import { markOf } from "./words.ts";

/** The mark of a record's state. */
export function mark(row: Row): HTMLElement {
  const status = row._sync?.status ?? "synced";
  const [sign, word] = markOf(status);
  return h("span", { className: "mark-of", "data-mark": status }, icon(sign), word);
}
