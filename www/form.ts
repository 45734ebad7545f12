// The form of one record, made from the schema: create, edit, delete. It sends only what the person changed, and says so when
// the record changed elsewhere meanwhile.
import type { Collection, Database } from "./engine.ts";
import { h } from "./dom.ts";
import { FieldFault, control, type Control } from "./fields.ts";
import { listControl, objectControl } from "./groups.ts";
import { icon } from "./icons.ts";
import { mark } from "./mark.ts";
import { pickerControl, type Source } from "./picker.ts";
import { formFields, keyOf, nameOf, titleOf, type Entity, type Field, type Row, type Schema } from "./schema.ts";
import { toast } from "./toast.ts";

/** A form as its device sees it. */
export interface FormView {
  element: HTMLElement;
  stop(): void;
}

interface Options {
  db: Database;
  schema: Schema;
  entity: string;
  id: string | undefined;
  back(): void;
}

type Values = Record<string, unknown>;

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);

/** The entity a field points to: declared, or by its name a person. */
function targetOf(schema: Schema, name: string, field: Field): string | undefined {
  if (field.reference) return field.reference.entity;
  const person =
    /^(owner|author|sender|recipient|manager|sent_by|assignedTo|user)(_id|Id)?$/.test(name) && field.type === "string";
  return person && "user_profile" in schema.entities ? "user_profile" : undefined;
}

/** Choices from what is on the device. */
function sourceOf(db: Database, schema: Schema, target: string): Source {
  const entity = schema.entities[target];
  const collection = db.collection(target);
  const name = (row: Row) => (entity ? nameOf(entity, row) : "");
  return {
    search: async (term) => {
      const where = term && entity?.label ? { [entity.label]: { contains: term } } : {};
      const rows = await collection.query({ where, limit: 20 });
      return (rows as Row[]).map((row) => ({ id: String(row[entity ? keyOf(entity) : "id"]), name: name(row) }));
    },
    name: async (id) => {
      const row = (await collection.get(id)) as Row | null;
      return row ? name(row) : id;
    },
  };
}

function controlOf(options: Options, name: string, field: Field): Control {
  const target = targetOf(options.schema, name, field);
  if (target) return pickerControl(name, field, sourceOf(options.db, options.schema, target));
  if (field.type === "list" && field.items?.type === "object") return listControl(name, field);
  if (field.type === "object" && Object.keys(field.fields ?? {}).length > 0) return objectControl(name, field);
  return control(name, field);
}

class Form implements FormView {
  readonly element: HTMLFormElement;
  private readonly entity: Entity;
  private readonly collection: Collection;
  private readonly controls = new Map<string, Control>();
  private readonly title = h("h3", { dir: "auto", tabIndex: -1 });
  private readonly markHolder = h("span", {});
  private readonly alert = h("p", { className: "fault note", role: "alert", hidden: true });
  private readonly news = h("p", { className: "hint note", role: "status", hidden: true });
  private loaded: Values = {};
  private unwatch: () => void = () => undefined;

  constructor(private readonly options: Options) {
    const entity = options.schema.entities[options.entity];
    if (!entity) throw new Error(`no entity ${options.entity}`);
    this.entity = entity;
    this.collection = options.db.collection(options.entity);
    for (const [name, field] of formFields(entity)) this.controls.set(name, controlOf(options, name, field));
    const fields = [...this.controls.values()].map((one) => one.element);
    const body = h("div", { className: "fields" }, this.alert, this.news, ...fields);
    this.element = h("form", { className: "form", noValidate: true }, this.head(), body, this.foot());
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.save();
    });
    this.start();
  }

  stop(): void {
    this.unwatch();
  }

  private head(): HTMLElement {
    const back = h(
      "button",
      { type: "button", className: "button quiet", onclick: () => this.options.back() },
      icon("back"),
      "Back",
    );
    return h("div", { className: "form-head" }, back, this.title, this.markHolder);
  }

  private foot(): HTMLElement | null {
    if (this.entity.read_only) return null;
    const save = h("button", { type: "submit", className: "button primary" }, this.options.id ? "Save" : "Create");
    const remove = h(
      "button",
      { type: "button", className: "button danger", onclick: () => this.askRemove() },
      icon("bin"),
      "Delete",
    );
    const cancel = h("button", { type: "button", className: "button", onclick: () => this.options.back() }, "Cancel");
    return h("div", { className: "form-foot" }, save, cancel, h("span", { className: "grow" }), this.options.id ? remove : null);
  }

  private start(): void {
    const { id } = this.options;
    if (id === undefined) {
      this.title.textContent = `New ${titleOf(this.options.entity, this.entity).toLowerCase()}`;
      this.show(Object.fromEntries(Object.entries(this.entity.fields).map(([name, field]) => [name, field.default])));
      this.loaded = {};
      return;
    }
    const query = { where: { [keyOf(this.entity)]: id }, limit: 1 };
    this.unwatch = this.collection.observe(query, (rows) => this.arrive((rows as Row[])[0]));
  }

  /** The record as it is now: shown at once if the person has not begun to type. */
  private arrive(row: Row | undefined): void {
    if (!row) return this.tell("This record is no longer on this device.");
    const first = Object.keys(this.loaded).length === 0;
    this.title.textContent = nameOf(this.entity, row);
    this.markHolder.replaceChildren(mark(row));
    if (first || !this.dirty()) {
      this.show(row);
      this.loaded = row;
    } else if (this.changedElsewhere(row)) {
      this.tell("This record has just changed elsewhere. Saving sends only the fields that you changed.");
    }
  }

  private changedElsewhere(row: Row): boolean {
    return [...this.controls.keys()].some((name) => !same(row[name], this.loaded[name]));
  }

  private tell(text: string): void {
    this.news.hidden = false;
    this.news.textContent = text;
  }

  private show(values: Values): void {
    for (const [name, one] of this.controls) one.write(values[name]);
  }

  private dirty(): boolean {
    try {
      const { set, removed } = this.changes();
      return Object.keys(set).length + removed.length > 0;
    } catch {
      return true;
    }
  }

  /** What the person changed; an emptied field becomes null, or goes if it must not be null. */
  private changes(): { set: Values; removed: string[] } {
    const set: Values = {};
    const removed: string[] = [];
    for (const [name, one] of this.controls) {
      const value = one.read();
      const was = this.loaded[name];
      const empty = value === undefined || (Array.isArray(value) && value.length === 0) || value === false;
      if (same(value, was) || (empty && was === undefined)) continue;
      if (value !== undefined) set[name] = value;
      else if (this.entity.fields[name]?.nullable) set[name] = null;
      else removed.push(name);
    }
    return { set, removed };
  }

  private async save(): Promise<void> {
    this.clearFaults();
    const { id, back } = this.options;
    try {
      const changes = this.collect();
      if (changes === undefined) return;
      const { set, removed } = changes;
      if (id === undefined) await this.collection.create(set as never);
      else if (Object.keys(set).length + removed.length > 0) await this.collection.update(id, set as never, removed as never[]);
      toast("Saved on this device.");
      back();
    } catch (error) {
      this.fault(error);
    }
  }

  /** Reads every field; shows the faults of those that hold no value, and then reads nothing. */
  private collect(): { set: Values; removed: string[] } | undefined {
    let first: Control | undefined;
    for (const [name, one] of this.controls) {
      const fault = this.faultOf(name, one);
      if (fault === undefined) continue;
      one.fail(fault);
      first ??= one;
    }
    first?.focus();
    return first ? undefined : this.changes();
  }

  private faultOf(name: string, one: Control): string | undefined {
    try {
      const missing = this.entity.fields[name]?.required && (one.read() ?? "") === "";
      return missing ? "Please fill this in." : undefined;
    } catch (error) {
      if (error instanceof FieldFault) return error.message;
      throw error;
    }
  }

  private clearFaults(): void {
    this.alert.hidden = true;
    for (const one of this.controls.values()) one.fail(undefined);
  }

  /** The engine refused: at the field it names, or above the form. */
  private fault(error: unknown): void {
    const { message, hint, path } = error as { message: string; hint?: string; path?: string };
    const text = hint ? `${message} (${hint})` : message;
    const name = path?.replace(`${this.options.entity}.`, "").split(/[.[]/)[0] ?? "";
    const one = this.controls.get(name);
    if (one) {
      one.fail(text);
      one.focus();
    } else {
      this.alert.hidden = false;
      this.alert.replaceChildren(icon("warn"), text);
    }
  }

  private askRemove(): void {
    const { id, back } = this.options;
    if (id === undefined) return;
    const what = titleOf(this.options.entity, this.entity).toLowerCase();
    const no = h("button", { className: "button", value: "no", autofocus: true }, "Keep it");
    const yes = h("button", { className: "button danger", value: "yes" }, icon("bin"), "Delete");
    const words = h("p", {}, "It goes from this device at once, and from the others with the next sync.");
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", {}, `Delete this ${what}?`),
      words,
      h("div", { className: "actions" }, no, yes),
    );
    const dialog = h("dialog", { "aria-label": `Delete this ${what}?` }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue !== "yes") return;
      this.unwatch();
      this.collection.delete(id).then(
        () => {
          toast("Deleted on this device.");
          back();
        },
        (error: unknown) => this.fault(error),
      );
    });
    document.body.append(dialog);
    dialog.showModal();
  }
}

/** The form of a record; without an id, of a new one. */
export const formView = (options: Options): FormView => new Form(options);
