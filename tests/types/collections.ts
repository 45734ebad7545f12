// What a schema's literal says about its records, as the compiler sees it. Nothing here runs: `npm run lint` compiles it, and an
// `@ts-expect-error` that finds no error is one.
import { open, type LandfallDb, type RecordOf } from "../../js/index.ts";

const schema = {
  app: "shop",
  version: 1,
  entities: {
    product: {
      store: "products",
      key: "sku",
      fields: {
        sku: { type: "string", required: true },
        name: { type: "string", required: true },
        stock: { type: "counter" },
        price: { type: "number", nullable: true },
        state: { type: "string", required: true, enum: ["new", "sold"] },
        tags: { type: "set", items: { type: "string" } },
        lines: {
          type: "list",
          items: { type: "object", fields: { id: { type: "string", required: true }, n: { type: "integer" } } },
        },
        extra: { type: "json" },
      },
    },
  },
} as const;

type Product = RecordOf<(typeof schema)["entities"]["product"]>;

/** Equal types, both ways. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>(): T => true as T;

export async function compiles(): Promise<void> {
  // APP-1: no type argument is written; all of it is inferred from the literal.
  const db = await open({ schema, tenant: "t", user: "u", base: "/shop" });
  const products = db.collection("product");
  const sku: string = await products.create({ name: "Apple", state: "new", tags: ["red"] });
  const read = await products.get(sku);
  if (read === null) return;
  yes<Same<typeof read.state, "new" | "sold">>();
  yes<Same<typeof read.stock, number | undefined>>();
  yes<Same<typeof read.price, number | null | undefined>>();
  yes<Same<typeof read.name, string>>();
  const line = read.lines?.[0];
  yes<Same<typeof line, ({ id: string } & { n?: number }) | undefined>>();
  const status: Product["_sync"]["status"] = read._sync.status;
  void status;
  await products.update(sku, { stock: 3, price: null });

  // @ts-expect-error no such entity
  db.collection("prodct");
  // @ts-expect-error a required field is missing
  await products.create({ state: "new" });
  // @ts-expect-error outside the enum
  await products.create({ name: "Apple", state: "old" });
  // @ts-expect-error a text is no number
  await products.update(sku, { stock: "3" });
  // @ts-expect-error no such field
  await products.update(sku, { colour: "red" });
  // @ts-expect-error the key is not changed
  await products.update(sku, { sku: "other" });
  // @ts-expect-error not nullable
  await products.update(sku, { name: null });

  const rows = await products.query({ where: { state: "new", stock: { gte: 1 } }, orderBy: "name", limit: 10 });
  yes<Same<(typeof rows)[number]["name"], string>>();
  const any: LandfallDb<typeof schema> = db;
  void any;
}
