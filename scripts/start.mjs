// `npm start`: from a fresh clone to the demo in the browser. Gets what is missing, builds what changed, makes the demo's data
// once, starts the server on an embedded SQLite file and prints the address. Ctrl-C ends all of it.
import { createServer } from "node:net";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, buildServer } from "./build.mjs";
import { unlessFresh } from "./lib/inputs.mjs";
import { ROOT, TARGET, main, step } from "./lib/run.mjs";
import { startServer } from "./lib/server.mjs";
import { writeSeed } from "./seed.mjs";
import { setup } from "./setup.mjs";

const DATA = join(ROOT, ".data");
const PORT_FILE = join(DATA, "port");
const SEED_FILE = join(DATA, "seed.ndjson");
const SERVER_INPUTS = ["src", "server", "Cargo.toml", "Cargo.lock"];

const canListen = (port) =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(undefined));
    probe.listen(port, "127.0.0.1", () => {
      const found = probe.address().port;
      probe.close(() => resolve(found));
    });
  });

/** The port of last time if it is free, otherwise any: what a browser stored belongs to the port. */
async function choosePort() {
  const last = existsSync(PORT_FILE) ? Number(readFileSync(PORT_FILE, "utf8")) : 0;
  const port = (last > 0 && (await canListen(last))) || (await canListen(0));
  writeFileSync(PORT_FILE, String(port));
  return port;
}

/** The server's binary, built if its sources changed. */
async function binary() {
  const made = join(TARGET, "release", "landfall-server");
  await unlessFresh({ stamp: "dist/.server", inputs: SERVER_INPUTS, made: [made] }, () => buildServer("release"));
  return made;
}

main(async () => {
  await setup(["start"]);
  await build();
  const program = await binary();
  mkdirSync(DATA, { recursive: true });
  if (!existsSync(SEED_FILE)) await step("the demo's data", async () => writeSeed(SEED_FILE));
  const listen = `127.0.0.1:${await choosePort()}`;
  const server = await startServer(program, { listen, data: join(DATA, "landfall.sqlite"), seed: SEED_FILE });
  console.log(`\n  The demo is at ${server.address}\n  Its data are in .data/landfall.sqlite. Ctrl-C ends it.\n`);
  const end = () => server.process.kill("SIGTERM");
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
  const { code, signal } = await server.stopped;
  if (code !== 0 && signal !== "SIGTERM" && signal !== "SIGINT") throw new Error(`the server ended with ${code ?? signal}`);
});
