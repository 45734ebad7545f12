// Makes records of any application from its schema and its plan (apps/NAME.mjs: how many, of which words, what goes with what).
// It decides what a field gets that the plan does not speak of: by its type, its bounds, its enum, its reference. It knows no
// application.

/** The entities that fields refer to, also from inside lists and objects. */
const targets = (fields) =>
  fields.flatMap((field) => [
    ...(field.reference ? [field.reference.entity] : []),
    ...targets([...(field.items ? [field.items] : []), ...Object.values(field.fields ?? {})]),
  ]);

/** Entities in an order in which what is referred to comes first, so that every line of the seed finds what it names. */
function parentsFirst(schema) {
  const order = [];
  const visit = (name, path = []) => {
    if (order.includes(name) || path.includes(name)) return;
    for (const target of targets(Object.values(schema.entities[name].fields))) visit(target, [...path, name]);
    order.push(name);
  };
  Object.keys(schema.entities).forEach((name) => visit(name));
  return order;
}

/** The choices of one run: random numbers, today, the records made so far, the plan's words. */
class Maker {
  constructor(schema, plan, { random, now, size }) {
    Object.assign(this, { schema, plan, random, now, size });
    this.made = Object.fromEntries(Object.keys(schema.entities).map((name) => [name, []]));
  }

  /** The records of an entity made so far. */
  all(entity) {
    return this.made[entity];
  }

  /** One of them; `undefined` if there is none. */
  one(entity) {
    const all = this.all(entity);
    return all.length > 0 ? this.random.pick(all) : undefined;
  }

  keyOf(entity) {
    return this.schema.entities[entity].key ?? "id";
  }

  /** A text for a field: nothing, a word or two, some sentences, or pages. */
  text() {
    const { short, notes, long } = this.plan.words;
    const kind = this.random.weighted({ empty: 6, short: 24, some: 64, long: 6 });
    if (kind === "empty") return "";
    if (kind === "short") return this.random.pick(short);
    if (kind === "long") return Array(this.random.int(1, 4)).fill(long).join("\n\n");
    return this.random.some(notes, this.random.int(1, 3)).join(" ");
  }

  /** A value for a field nobody has planned. */
  invent(name, field) {
    const { random } = this;
    if (field.enum) return random.pick(field.enum);
    if (field.reference) return this.one(field.reference.entity)?.[this.keyOf(field.reference.entity)];
    const number = () => random.int(field.min ?? 0, field.max ?? 100);
    const day = () => (/^created/i.test(name) ? random.time(this.now, -120, -4) : random.time(this.now, -4, 0));
    const makers = {
      string: () => random.pick(this.plan.words.short),
      text: () => this.text(),
      number,
      integer: number,
      counter: () => random.int(Math.max(0, field.min ?? 0), 40),
      boolean: () => random.chance(0.3),
      datetime: day,
      date: () => random.time(this.now, -30, 60).slice(0, 10),
      object: () => this.fields({}, field.fields ?? {}, {}),
      list: () => this.list(field),
      set: () => [...new Set(this.list(field))],
      json: () => random.pick([true, random.int(0, 9), random.pick(this.plan.words.short)]),
    };
    return makers[field.type]();
  }

  list(field) {
    const count = this.random.int(0, Math.min(3, field.max_length ?? 3));
    const item = (_, at) => {
      const made = this.invent("", field.items ?? { type: "string" });
      return field.item_key ? { ...made, [field.item_key]: `${at + 1}` } : made;
    };
    return Array.from({ length: count }, item).filter((made) => made !== undefined);
  }

  /** What a plan says of a field: a list to pick from, a function of the row so far, or the value itself. */
  planned(recipe, row) {
    if (Array.isArray(recipe)) return this.random.pick(recipe);
    return typeof recipe === "function" ? recipe(row, this) : recipe;
  }

  /** A record: what is given, then what is planned, then what the schema asks for; four in ten optional fields stay away. */
  fields(start, declared, recipes) {
    const row = { ...start };
    for (const [name, recipe] of Object.entries(recipes)) row[name] ??= this.planned(recipe, row);
    for (const [name, field] of Object.entries(declared)) {
      const own = name in row;
      const wanted = field.required || /^(created|updated)/i.test(name) || this.random.chance(0.6);
      if (!own && wanted) row[name] = this.invent(name, field);
    }
    const fitted = Object.entries(declared).map(([name, field]) => [name, fit(row[name], field)]);
    return Object.fromEntries(fitted.filter(([, value]) => value !== undefined));
  }

  entity(name) {
    const { rows = 0, fields = {} } = this.plan.entities[name] ?? {};
    const planned = typeof rows === "function" ? rows(this) : rows;
    const starts = typeof planned === "number" ? Array.from({ length: planned }, () => ({})) : planned;
    const { fields: declared } = this.schema.entities[name];
    const unique = Object.keys(declared).filter((field) => declared[field].unique);
    const seen = new Set();
    for (const [at, start] of starts.entries()) {
      const row = this.fields(start, declared, { [this.keyOf(name)]: this.plan.id(name, at, this), ...fields });
      // No two share a unique value: the later one goes without.
      for (const field of unique.filter((field) => seen.has(`${field} ${row[field]}`))) delete row[field];
      for (const field of unique) seen.add(`${field} ${row[field]}`);
      this.made[name].push(row);
    }
  }
}

/** A value within the lengths its field allows; whole characters only. */
function fit(value, field) {
  const most = field.max_length ?? Infinity;
  if (typeof value === "string" && value.length > most) {
    let kept = "";
    for (const letter of value) {
      if (kept.length + letter.length > most) break;
      kept += letter;
    }
    return kept;
  }
  return Array.isArray(value) ? value.slice(0, most) : value;
}

/** Every record of an application as [entity, record], in an order in which what is referred to comes first. */
export function make(schema, plan, choices) {
  const maker = new Maker(schema, plan, choices);
  const order = parentsFirst(schema);
  order.forEach((name) => maker.entity(name));
  return order.flatMap((name) => maker.all(name).map((record) => [name, record]));
}
