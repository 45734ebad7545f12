// The schema as the page reads it: which entities a person sees, in which order their fields stand, what names a record.

/** What the page needs to know of a field. */
export interface Field {
  type: string;
  title?: string;
  required?: boolean;
  nullable?: boolean;
  enum?: (string | number)[];
  default?: unknown;
  max_length?: number;
  min_length?: number;
  min?: number;
  max?: number;
  items?: Field;
  item_key?: string;
  fields?: Record<string, Field>;
  reference?: { entity: string };
  server_only?: boolean;
}

/** What the page needs to know of an entity. */
export interface Entity {
  store: string;
  title?: string;
  key?: string;
  label?: string;
  fields: Record<string, Field>;
  read_only?: boolean;
}

/** What the page needs to know of an application. */
export interface Schema {
  app: string;
  version: number;
  title?: string;
  entities: Record<string, Entity>;
}

/** A record as the engine hands it over. */
export type Row = Record<string, unknown> & { _sync?: { status?: string; offline?: boolean } };

/** `work-order`, `scheduledStart`, `due_date` → words with a capital. */
export function words(name: string): string {
  const text = name
    .replace(/[_-]+/g, " ")
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export const titleOf = (name: string, field: { title?: string }): string =>
  field.title || words(name.replace(/([_a-z])(_id|Id)$/, "$1"));

export const keyOf = (entity: Entity): string => entity.key ?? "id";

/** More than one of them. */
export function plural(title: string): string {
  if (/(history|analytics|inventory)$/i.test(title)) return title;
  return /y$/i.test(title) ? `${title.slice(0, -1)}ies` : `${title}s`;
}

/** What names a record to people; its id if nothing does. */
export function nameOf(entity: Entity, row: Row): string {
  const { firstName, lastName } = row;
  if (typeof firstName === "string" && typeof lastName === "string") return `${firstName} ${lastName}`;
  const label = entity.label && row[entity.label];
  if (typeof label === "string" && label.trim() !== "") return label;
  for (const field of ["title", "name", "description", "notes", "message", "event"]) {
    if (typeof row[field] === "string" && row[field] !== "") return row[field];
  }
  return String(row[keyOf(entity)] ?? "");
}

/** Entities for the choice above the list: those that can be edited first, as the schema has them. */
export function choices(schema: Schema): [string, Entity][] {
  const all = Object.entries(schema.entities).filter(([name]) => !/(usage|analytics|setting|history|attachment)/.test(name));
  const weight = ([name, entity]: [string, Entity]) => (entity.read_only ? 2 : /(work-order|goal$)/.test(name) ? 0 : 1);
  return all.sort((a, b) => weight(a) - weight(b));
}

/** The fields of a form: the label first, then what must be filled in, then the rest; the key is not a person's to choose. */
export function formFields(entity: Entity): [string, Field][] {
  const hidden = (name: string, field: Field) =>
    name === keyOf(entity) || field.server_only || /^(created|updated)(_?at|_?by)$/i.test(name);
  const weight = ([name, field]: [string, Field]) => {
    if (name === entity.label) return 0;
    if (["list", "object", "json"].includes(field.type)) return 4;
    if (field.type === "text") return 3;
    return field.required ? 1 : 2;
  };
  const all = Object.entries(entity.fields).filter(([name, field]) => !hidden(name, field));
  return all.sort((a, b) => weight(a) - weight(b));
}

/** The field a list is sorted by: what a person looks for first. */
export function sortField(entity: Entity): { field: string; descending: boolean } | undefined {
  const known = [
    ["updatedAt", true],
    ["updated_at", true],
    ["created_at", true],
    ["createdAt", true],
    ["scheduledStart", false],
  ] as const;
  const found = known.find(([field]) => field in entity.fields);
  return found && { field: found[0], descending: found[1] };
}
