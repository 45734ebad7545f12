// landfall's elements, for every framework and for none: importing this registers `<landfall-status>`, `<landfall-mark>` and
// `<landfall-queue>`. Give them an open database: `element.db = db`. Where there is no browser the import registers nothing.
import { LandfallMark } from "./mark.ts";
import { LandfallQueue } from "./queue.ts";
import { LandfallStatus } from "./status.ts";

export { LandfallMark, LandfallQueue, LandfallStatus };
export { setWords, type Word } from "./words.ts";
export { look, markOf, type Look, type MarkState, type ThemeName } from "./themes.ts";

const registry = (globalThis as { customElements?: CustomElementRegistry }).customElements;

for (const [name, element] of Object.entries({
  "landfall-mark": LandfallMark,
  "landfall-queue": LandfallQueue,
  "landfall-status": LandfallStatus,
})) {
  // Two copies on one page (a demo within an application) share the first one.
  if (registry?.get(name) === undefined) registry?.define(name, element);
}

declare global {
  interface HTMLElementTagNameMap {
    "landfall-mark": LandfallMark;
    "landfall-queue": LandfallQueue;
    "landfall-status": LandfallStatus;
  }
}
