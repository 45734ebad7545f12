// The mark of a record: a sign and a word, so that it can be read without seeing colours.
import { LandfallMark, type MarkState } from "../js/elements/index.ts";
import type { Row } from "./schema.ts";

/** The mark of a record's state. */
export function mark(row: Row): HTMLElement {
  const element = new LandfallMark();
  element.className = "mark-of";
  element.status = (row._sync?.status ?? "synced") as MarkState;
  return element;
}
