#!/usr/bin/env node
// landfall's command line. `landfall types schema.json` writes a schema as TypeScript, so that a schema kept as JSON gives typed
// collections too: TypeScript reads a JSON file's strings as `string`, never as the words they are.
import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const USAGE = `usage: landfall types SCHEMA.json [--out FILE.ts]
  Writes the schema as a TypeScript constant and a type for the records of each entity; to standard output without --out.`;

/** A name that TypeScript takes: work-order → WorkOrder. */
const typeName = (entity) =>
  entity
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "")
    .map((word) => word[0].toUpperCase() + word.slice(1))
    .join("")
    .replace(/^(?=\p{N})/u, "_");

/** The schema as the text of a TypeScript module. Throws when the text is no schema. */
export function types(text, from) {
  let schema;
  try {
    schema = JSON.parse(text);
  } catch (error) {
    throw new Error(`${from} is no JSON: ${error.message}`);
  }
  const { entities } = schema ?? {};
  if (typeof schema?.app !== "string" || typeof entities !== "object" || entities === null) {
    throw new Error(`${from} is no landfall schema: it needs "app", "version" and "entities"`);
  }
  const { $schema, ...rest } = schema;
  void $schema;
  const names = Object.keys(entities);
  const twice = names.map(typeName).filter((name, at, all) => all.indexOf(name) !== at);
  if (twice.length > 0) throw new Error(`${from}: two entities would both be the type ${twice[0]}`);
  const records = names.map((name) => {
    const of = `(typeof schema)["entities"][${JSON.stringify(name)}]`;
    return `/** A ${entities[name].title ?? name}, as it is read. */\nexport type ${typeName(name)} = RecordOf<${of}>;`;
  });
  return [
    `// Made by \`npx landfall types ${basename(from)}\`: change the schema and make it anew.`,
    `import type { RecordOf } from "landfall";`,
    "",
    `export const schema = ${JSON.stringify(rest, null, 2)} as const;`,
    "",
    ...records,
    "",
  ].join("\n");
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: "string" }, help: { type: "boolean" } },
  });
  const [command, file, ...more] = positionals;
  if (values.help) return console.log(USAGE);
  if (command !== "types" || file === undefined || more.length > 0) throw new Error(USAGE);
  const made = types(readFileSync(file, "utf8"), file);
  if (values.out === undefined) process.stdout.write(made);
  else writeFileSync(values.out, made);
}

// npm runs it by a link.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  try {
    main();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
