// The demo's door to the engine: how one device's database is opened. Nothing else imports js/.
import { open, type Collection as Records, type EntityLike, type LandfallDb, type SchemaLike } from "../js/index.ts";
import { APPS, type App, type DeviceId } from "./cast.ts";
import type { Schema } from "./schema.ts";

export type { Op, Status } from "../js/index.ts";

/** The database of one device; the page knows its schema only at run time. */
export type Database = LandfallDb<SchemaLike>;

/** The records of one kind. */
export type Collection = Records<EntityLike>;

const WASM = document.querySelector<HTMLMetaElement>('meta[name="landfall-wasm"]')?.content ?? "/landfall.wasm";

/** Logs in as the demo's person; the server allows it only with --dev. */
async function token(app: App): Promise<string> {
  const { tenant, user, roles, lists } = APPS[app];
  const answer = await fetch("/auth/dev", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ app, tenant, user, roles, lists }),
  });
  if (!answer.ok) throw new Error(`the server refused to log in: ${answer.status}`);
  const { access_token } = (await answer.json()) as { access_token: string };
  return access_token;
}

/** The schema of an application; the worker keeps it for offline use. */
export async function schemaOf(app: App): Promise<Schema> {
  const answer = await fetch(`/schemas/${app}.json`);
  if (!answer.ok) throw new Error(`the schema of ${app} is not to be had: ${answer.status}`);
  return (await answer.json()) as Schema;
}

/** Opens one device's database. */
export function openDevice(app: App, schema: Schema, device: DeviceId): Promise<Database> {
  const { tenant, user } = APPS[app];
  const options = { tenant, user, device, base: `/${app}`, refresh: "/auth/refresh", wasm: WASM };
  return open<SchemaLike>({ ...options, schema: schema as SchemaLike, token: () => token(app) });
}
