// Starts the server's binary and waits until it says where it listens. Used by the demo and by the end-to-end tests.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { ENV, ROOT } from "./run.mjs";

const LISTENING = /listening on (http:\/\/\S+)/;

/**
 * Starts `binary`; resolves to {address, process, stopped, said} as soon as it says where it listens. `quiet` keeps back what it
 * prints, and shows it only if it does not start.
 */
export function startServer(binary, { listen = "127.0.0.1:0", data, seed, site = "dist/www", quiet = false }) {
  const args = ["--listen", listen, "--data", data, "--schemas", "schemas", "--static", site, "--dev"];
  if (seed) args.push("--seed-file", seed);
  const child = spawn(binary, args, { cwd: ROOT, env: ENV, stdio: ["ignore", "pipe", "pipe"] });
  const stopped = new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal })));
  const said = [];
  return new Promise((resolve, reject) => {
    const hear = (line, out) => {
      said.push(line);
      if (!quiet) out.write(`${line}\n`);
      const address = LISTENING.exec(line)?.[1];
      if (address) resolve({ address, process: child, stopped, said });
    };
    createInterface({ input: child.stdout }).on("line", (line) => hear(line, process.stdout));
    createInterface({ input: child.stderr }).on("line", (line) => hear(line, process.stderr));
    child.on("error", (error) => reject(new Error(`the server cannot be started: ${error.message}`)));
    stopped.then(({ code }) => reject(new Error(`the server ended (${code}) before it listened:\n${said.join("\n")}`)));
  });
}
