// One kind of record, as an application reads and writes it. It decides nothing: values are checked, turned into JSON text
// and handed to the engine.
import { check } from "./check.ts";
import type { Engine } from "./engine.ts";
import { observe } from "./live.ts";
import type { ChangeOf, EntityLike, NewRecord, Page, QueryOptions, RecordOf } from "./types.ts";

/** What a write comes to. */
export interface Written {
  /** The record's id. */
  id: string;
  /** The op that carries the change; null when nothing changed. */
  op: string | null;
  /** The store's generation after it. */
  gen: number;
}

export class Collection<E extends EntityLike> {
  readonly #engine: Engine;
  /** The entity's name in the schema. */
  readonly name: string;

  constructor(engine: Engine, name: string) {
    this.#engine = engine;
    this.name = name;
  }

  async #write(
    operation: "create" | "update" | "delete",
    rest: { id?: string; data?: unknown; removed?: string[] },
  ): Promise<Written> {
    if (rest.data !== undefined) check(rest.data, this.name);
    const text = JSON.stringify({ operation, entity: this.name, ...rest });
    return JSON.parse(await this.#engine.call((db) => db.write(text) as Promise<string>)) as Written;
  }

  /** Creates a record; resolves with its id once it is stored on the device. */
  async create(record: NewRecord<E>): Promise<string> {
    return (await this.#write("create", { data: record })).id;
  }

  /** Sets fields of a record and takes away those named in `removed`. */
  async update(id: string, fields: ChangeOf<E>, removed: (keyof ChangeOf<E> & string)[] = []): Promise<void> {
    await this.#write("update", { id, data: fields, removed });
  }

  /** Deletes a record. */
  async delete(id: string): Promise<void> {
    await this.#write("delete", { id });
  }

  /** The record, or null if it is not on this device. */
  get(id: string): Promise<RecordOf<E> | null> {
    return this.#engine.call((db) => db.get(this.name, id) as Promise<RecordOf<E> | null>);
  }

  /** Records that were deleted here and are not acknowledged yet, as the server has them. */
  deleted(): Promise<Omit<RecordOf<E>, "_sync">[]> {
    return this.#engine.call((db) => db.deleted(this.name) as Promise<Omit<RecordOf<E>, "_sync">[]>);
  }

  /** The rows of `page`, without where the next one begins. */
  async query(options: QueryOptions = {}): Promise<RecordOf<E>[]> {
    return (await this.page(options)).rows;
  }

  /** One page of an answer and where the next one begins. */
  async page(options: QueryOptions = {}): Promise<Page<RecordOf<E>>> {
    if (options.where !== undefined) check(options.where, "where");
    const text = JSON.stringify({ ...options, entity: this.name });
    return this.#engine.call((db) => db.query(text) as Promise<Page<RecordOf<E>>>);
  }

  /**
   * Calls `deliver` with the rows at once and whenever they may have changed: by this page, another tab, or the service
   * worker. Returns the function that ends it.
   */
  observe(
    options: QueryOptions,
    deliver: (rows: RecordOf<E>[], page: Page<RecordOf<E>>) => void,
    failed: (error: unknown) => void = reportError,
  ): () => void {
    return observe(
      this.#engine,
      this.name,
      () => this.page(options),
      (page) => deliver(page.rows, page),
      failed,
    );
  }
}
