// The one check that must happen before a value becomes JSON: what JSON would silently drop or change is refused, with its
// path. Everything else about a value (types, limits, rules of the schema) is checked by the engine.
import { invalid } from "./errors.ts";

/** What can be stored: JSON, nothing else. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const DEPTH = 40;
const PROTOTYPE_KEYS = new Set(["__proto__", "constructor", "prototype"]);

/** Refuses whatever would not arrive as it is; `path` names the value in the error. */
export function check(value: unknown, path: string): asserts value is Json {
  walk(value, path, []);
}

function walk(value: unknown, path: string, above: object[]): void {
  switch (typeof value) {
    case "boolean":
      return;
    case "string":
      if (!isWellFormed(value)) throw invalid(path, "text with half a surrogate pair", "cut texts at whole characters");
      return;
    case "number":
      if (!Number.isFinite(value))
        throw invalid(path, `the number ${value}`, "JSON has no NaN and no infinity: pass null or leave it out");
      return;
    case "bigint":
      throw invalid(path, "a BigInt", "pass a number within ±2^53, or text");
    case "object":
      return value === null ? undefined : walkObject(value, path, above);
    case "undefined":
      throw invalid(path, "undefined", "leave the field out, or pass null");
    default:
      throw invalid(path, `a ${typeof value}`, "only data can be stored");
  }
}

function walkObject(value: object, path: string, above: object[]): void {
  if (above.includes(value)) throw invalid(path, "a cycle", "refer to other records by their id");
  if (above.length >= DEPTH) throw invalid(path, "a value nested too deep", "32 levels are the most");
  if (Object.getOwnPropertySymbols(value).length > 0) throw invalid(path, "a symbol as a key", "name fields by text");
  const inner = [...above, value];
  if (Array.isArray(value)) return walkArray(value, path, inner);
  if (!isPlain(value)) throw invalid(path, `an instance of ${nameOf(value)}`, hintFor(value));
  for (const key of Object.keys(value)) {
    if (PROTOTYPE_KEYS.has(key)) throw invalid(`${path}.${key}`, "a reserved key", "it would address the object's prototype");
    walk((value as Record<string, unknown>)[key], `${path}.${key}`, inner);
  }
}

function walkArray(list: unknown[], path: string, above: object[]): void {
  if (Object.keys(list).length !== list.length) throw invalid(path, "a list with holes or names", "give every place a value");
  list.forEach((item, at) => walk(item, `${path}[${at}]`, above));
}

/** An object literal, of this page or of another realm, or one without a prototype. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "isPrototypeOf");
}

function nameOf(value: object): string {
  return (value.constructor as { name?: string } | undefined)?.name || "a class";
}

function hintFor(value: object): string {
  if (value instanceof Date) return "pass date.toISOString()";
  if (value instanceof Map) return "pass Object.fromEntries(map)";
  if (value instanceof Set) return "pass [...set]";
  return "pass a plain object";
}

function isWellFormed(text: string): boolean {
  return !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text);
}
