// Decides whether something has to be built again: a fingerprint of its inputs by path, time of change and size, kept beside
// what was built. It never builds anything.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ROOT } from "./run.mjs";

function* filesUnder(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isDirectory()) yield [path, stat];
  else for (const name of readdirSync(path).sort()) yield* filesUnder(join(path, name));
}

/** The fingerprint of files and folders, given relative to the root. */
export function fingerprint(paths) {
  const hash = createHash("sha256");
  for (const path of paths) {
    for (const [file, stat] of filesUnder(join(ROOT, path))) hash.update(`${file}\0${stat.mtimeMs}\0${stat.size}\n`);
  }
  return hash.digest("hex");
}

/** Runs `work` unless `stamp` says that it was done with the same inputs and `made` exists; says whether it ran. */
export async function unlessFresh({ stamp, inputs, made }, work) {
  const file = join(ROOT, stamp);
  const now = fingerprint(inputs);
  const before = statSync(file, { throwIfNoEntry: false }) && readFileSync(file, "utf8");
  if (before === now && made.every((path) => statSync(resolve(ROOT, path), { throwIfNoEntry: false }))) return false;
  await work();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, now);
  return true;
}
