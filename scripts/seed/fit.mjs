// Brings made-up records into the form of a schema: only declared fields, values of the declared kind, references that exist.
// It knows no application; what it cannot fit it leaves out if it may, and says so by an error if the field is required.

const plain = (name) => name.toLowerCase().replace(/[^a-z]/g, "");
const singular = (name) => plain(name).replace(/(ies|s)$/, (end) => (end === "ies" ? "y" : ""));

/** The generated list that belongs to an entity of the schema: by its name, its store, or one of its aliases. */
function listFor(name, entity, made) {
  const names = [name, entity.store, ...(entity.aliases ?? [])].map(singular);
  const key = Object.keys(made).find((key) =>
    names.some((known) => known === singular(key) || known === `${singular(key)}profile`),
  );
  return key && made[key];
}

const TEXT_OF = (value) =>
  typeof value === "object" && value !== null ? String(value.title ?? value.name ?? value.id ?? "") : String(value);

/** One of the allowed values: the same word in another spelling, or any. */
function allowed(value, values, random) {
  return (
    values.find((known) => known === value) ??
    values.find((known) => plain(String(known)) === plain(String(value))) ??
    random.pick(values)
  );
}

/** Makes a value for a required field that nothing was made for. */
function invent(field, random, now) {
  if (field.default !== undefined) return field.default;
  if (field.enum?.length) return random.pick(field.enum);
  const makers = {
    ...{
      number: () => random.int(field.min ?? 0, field.max ?? 100),
      integer: () => random.int(field.min ?? 0, field.max ?? 100),
    },
    ...{ counter: () => 0, boolean: () => random.chance(0.5), datetime: () => random.time(now, -20, 0) },
    ...{ date: () => random.time(now, -20, 0).slice(0, 10), object: () => ({}), list: () => [], set: () => [], json: () => null },
  };
  return (makers[field.type] ?? (() => "–"))();
}

const clamp = (value, { min = -Infinity, max = Infinity }) => Math.min(max, Math.max(min, value));

const FITTERS = {
  string: (value, field) => [...TEXT_OF(value)].slice(0, field.max_length ?? Infinity).join(""),
  text: (value, field) => FITTERS.string(value, field),
  number: (value, field) => (Number.isFinite(value) ? clamp(value, field) : undefined),
  integer: (value, field) => (Number.isFinite(value) ? clamp(Math.round(value), field) : undefined),
  counter: (value, field) => FITTERS.integer(value, field),
  boolean: (value) => (typeof value === "boolean" ? value : undefined),
  datetime: (value) => (Number.isNaN(Date.parse(value)) ? undefined : new Date(value).toISOString()),
  date: (value) => (Number.isNaN(Date.parse(value)) ? undefined : new Date(value).toISOString().slice(0, 10)),
  json: (value) => value,
};

function fitValue(value, field, context) {
  if (value === undefined || (value === null && !field.nullable)) return undefined;
  if (value === null) return null;
  if (field.enum?.length) return allowed(value, field.enum, context.random);
  if (field.type === "object")
    return typeof value === "object" && !Array.isArray(value) ? fitFields(value, field.fields ?? {}, context) : undefined;
  if (field.type === "list" || field.type === "set") return fitList(value, field, context);
  return (FITTERS[field.type] ?? FITTERS.json)(value, field);
}

function fitList(value, field, context) {
  if (!Array.isArray(value)) return undefined;
  const items = value.map((item, at) => {
    const keyed = field.item_key && typeof item === "object" ? { [field.item_key]: `${at + 1}`, ...item } : item;
    return field.items ? fitValue(keyed, field.items, context) : keyed;
  });
  const kept = items.filter((item) => item !== undefined);
  return (field.type === "set" ? [...new Set(kept)] : kept).slice(0, field.max_length ?? Infinity);
}

/** Fits a record or a part of one; an object whose fields are not declared stays as it is. */
function fitFields(record, fields, context) {
  if (Object.keys(fields).length === 0) return record;
  const out = {};
  for (const [name, field] of Object.entries(fields)) {
    let value = fitValue(record[name], field, context);
    if (field.reference) value = refer(value, field, context);
    if (value === undefined && field.required) value = invent(field, context.random, context.now);
    if (value !== undefined) out[name] = value;
  }
  return out;
}

/** Keeps a reference that leads to a record; otherwise points a required one to any. */
function refer(value, field, { ids, random }) {
  const known = ids[field.reference.entity];
  if (!known || known.length === 0 || known.includes(value)) return known?.length ? value : undefined;
  return field.required ? random.pick(known) : undefined;
}

/** The entities that fields refer to, also from inside lists and objects. */
const targets = (fields) =>
  fields.flatMap((field) => [
    ...(field.reference ? [field.reference.entity] : []),
    ...targets([...(field.items ? [field.items] : []), ...Object.values(field.fields ?? {})]),
  ]);

/** Entities in an order in which what is referred to comes first. */
function parentsFirst(schema) {
  const order = [];
  const visit = (name, path = []) => {
    if (order.includes(name) || path.includes(name) || !schema.entities[name]) return;
    for (const target of targets(Object.values(schema.entities[name].fields))) visit(target, [...path, name]);
    order.push(name);
  };
  Object.keys(schema.entities).forEach((name) => visit(name));
  return order;
}

/** Two records of a tenant may not share a unique value: the later one gets a number behind it. */
function makeUnique(records, fields) {
  for (const name of Object.keys(fields).filter((name) => fields[name].unique)) {
    const seen = new Set();
    for (const record of records) {
      if (seen.has(record[name])) record[name] = `${record[name]} (${seen.size})`;
      seen.add(record[name]);
    }
  }
}

/** Every record that fits the schema, as [entity, record], parents first. */
export function fit(schema, made, { random, now }) {
  const ids = {};
  for (const [name, entity] of Object.entries(schema.entities)) {
    ids[name] = (listFor(name, entity, made) ?? []).map((record) => record[entity.key ?? "id"] ?? record.id);
  }
  return parentsFirst(schema).flatMap((name) => {
    const entity = schema.entities[name];
    const key = entity.key ?? "id";
    const list = (listFor(name, entity, made) ?? []).map((record) => ({ ...record, [key]: record[key] ?? record.id }));
    const records = list.map((record) => ({ ...fitFields(record, entity.fields, { ids, random, now }), [key]: record[key] }));
    makeUnique(records, entity.fields);
    return records.map((record) => [name, record]);
  });
}
