// The list of one entity: search, pages, the mark of each record; live, so that a change from anywhere shows at once.
import type { Database } from "./engine.ts";
import { calm, fill, h } from "./dom.ts";
import { date, number } from "./format.ts";
import { icon } from "./icons.ts";
import { mark } from "./mark.ts";
import { choices, keyOf, nameOf, plural, sortField, titleOf, words, type Entity, type Row, type Schema } from "./schema.ts";

const PAGE = 50;

/** What a list is asked to do from outside. */
export interface ListView {
  element: HTMLElement;
  stop(): void;
}

interface Options {
  db: Database;
  schema: Schema;
  entity: string;
  /** The device's name. */
  name: string;
  show(entity: string): void;
  edit(id: string | undefined): void;
}

/** A few facts under the title: state, date, id. */
function facts(entity: Entity, row: Row): (HTMLElement | null)[] {
  const id = String(row[keyOf(entity)] ?? "");
  const status = ["status", "priority", "severity", "mood"]
    .map((field) => row[field])
    .find((value) => value !== undefined && value !== null);
  const when = ["scheduledStart", "due_date", "created_at", "updatedAt"].map((field) => row[field]).find(Boolean);
  return [
    status === undefined ? null : h("span", { className: "chip" }, words(String(status))),
    // A UUID says nothing to a person.
    /^[0-9a-f]{8}-/.test(id) ? null : h("span", { className: "id" }, id),
    when ? h("span", { className: "when" }, date(when)) : null,
  ];
}

/** The condition for what was typed: an id if it looks like one, otherwise part of the label. */
function condition(entity: Entity, term: string): Record<string, { contains: string }> {
  if (term === "") return {};
  if (!entity.label || /^[A-Z]{2,4}-\d*$/i.test(term)) return { [keyOf(entity)]: { contains: term } };
  return { [entity.label]: { contains: term } };
}

class List implements ListView {
  readonly element: HTMLElement;
  private readonly rows = h("ul", { className: "rows" });
  private readonly range = h("span", { "aria-live": "polite" });
  private readonly previous = h("button", { type: "button", className: "button quiet" }, icon("back"), "Previous");
  private readonly next = h("button", { type: "button", className: "button quiet" }, "Next", icon("next"));
  private readonly entity: Entity;
  private term = "";
  private page = 0;
  private total: number | undefined;
  /** Cursor of each page seen so far; the first page has none. */
  private cursors: (string | null)[] = [null];
  private unwatch: () => void = () => undefined;
  private stopped = false;

  constructor(private readonly options: Options) {
    const entity = options.schema.entities[options.entity];
    if (!entity) throw new Error(`no entity ${options.entity}`);
    this.entity = entity;
    this.previous.addEventListener("click", () => this.turn(-1));
    this.next.addEventListener("click", () => this.turn(1));
    const paging = h(
      "nav",
      { className: "paging", "aria-label": `Pages on the ${options.name.toLowerCase()}` },
      this.range,
      h("span", {}, this.previous, this.next),
    );
    this.element = h("div", { className: "view" }, this.tools(), this.rows, paging);
    this.watch();
  }

  stop(): void {
    this.stopped = true;
    this.unwatch();
  }

  private tools(): HTMLElement {
    const { schema, show, edit } = this.options;
    const all = choices(schema).map(([key, entity]) =>
      h("option", { value: key, selected: key === this.options.entity }, plural(titleOf(key, entity))),
    );
    const choice = h("select", { "aria-label": "Kind of record", onchange: () => show(choice.value) }, ...all);
    const input = h("input", { type: "search", placeholder: "Search", "aria-label": "Search", dir: "auto" });
    input.addEventListener(
      "input",
      calm(150, () => this.search(input.value.trim())),
    );
    const create = h(
      "button",
      { type: "button", className: "button primary", onclick: () => edit(undefined) },
      icon("plus"),
      "New",
    );
    return h(
      "div",
      { className: "tools" },
      choice,
      h("div", { className: "search" }, icon("search"), input),
      this.entity.read_only ? null : create,
    );
  }

  private search(term: string): void {
    this.term = term;
    this.page = 0;
    this.cursors = [null];
    this.watch();
  }

  private turn(by: number): void {
    this.page += by;
    this.watch();
    this.rows.scrollTop = 0;
  }

  /** Watches the page that is shown; what it brings is drawn at once and again with each change. */
  private watch(): void {
    this.unwatch();
    const order = sortField(this.entity);
    const query = {
      where: condition(this.entity, this.term),
      ...(order ? { orderBy: order.field, descending: order.descending } : {}),
      limit: PAGE,
      cursor: this.cursors[this.page] ?? null,
    };
    const collection = this.options.db.collection(this.options.entity);
    this.unwatch = collection.observe(query, (rows, page) => {
      if (this.stopped) return;
      this.cursors[this.page + 1] = page.cursor;
      this.draw(rows as Row[]);
      this.count();
    });
  }

  private draw(rows: Row[]): void {
    const focused = document.activeElement?.closest<HTMLElement>("[data-id]")?.dataset["id"];
    const hadFocus = focused !== undefined && this.rows.contains(document.activeElement);
    fill(this.rows, ...rows.map((row) => this.row(row)));
    if (rows.length === 0)
      this.rows.append(h("li", { className: "empty" }, this.term ? "Nothing found on this device." : "Nothing here yet."));
    if (hadFocus) this.rows.querySelector<HTMLElement>(`[data-id="${CSS.escape(focused)}"]`)?.focus();
    this.shown = rows.length;
    this.say();
  }

  private shown = 0;

  /** How many there are in all; asked when the changes have calmed down, since it reads them. */
  private readonly count = calm(300, () => {
    if (this.stopped) return;
    const where = condition(this.entity, this.term);
    this.options.db
      .collection(this.options.entity)
      .query({ where })
      .then((rows) => {
        this.total = rows.length;
        this.say();
      })
      // The page that is shown reports its own failure; without the sum it stays as it is.
      .catch(() => undefined);
  });

  private say(): void {
    const from = this.page * PAGE;
    const of = this.total === undefined || this.total < from + this.shown ? "" : ` of ${number(this.total)}`;
    this.range.textContent = this.shown === 0 ? "0" : `${number(from + 1)}–${number(from + this.shown)}${of}`;
    this.previous.disabled = this.page === 0;
    this.next.disabled = (this.cursors[this.page + 1] ?? null) === null;
  }

  private row(row: Row): HTMLElement {
    const id = String(row[keyOf(this.entity)]);
    const title = h("span", { className: "title", dir: "auto" }, nameOf(this.entity, row));
    const open = () => this.options.edit(id);
    const parts = [title, mark(row), h("span", { className: "facts" }, ...facts(this.entity, row))];
    return h("li", {}, h("button", { type: "button", className: "row", "data-id": id, onclick: open }, ...parts));
  }
}

/** A live list. */
export const listView = (options: Options): ListView => new List(options);
