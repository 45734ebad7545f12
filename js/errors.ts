// Errors as an application sees them: one class, one closed list of codes, the same words as in Rust and on the wire. This
// module decides how a thrown value of the engine becomes a `LandfallError`; it raises none by itself.

/** Every code, in the order of ERRORS.md; `src/error.rs` has the same list. */
export const CODES = [
  "NETWORK_ERROR",
  "AUTH_ERROR",
  "VERSION_CONFLICT",
  "VALIDATION_ERROR",
  "NOT_FOUND",
  "PERMISSION_DENIED",
  "SERVER_ERROR",
  "RATE_LIMITED",
  "QUOTA_EXCEEDED",
  "SCHEMA_MISMATCH",
  "CORRUPT_DATA",
  "LOCKED",
  "ID_COLLISION",
  "REFERENCE_MISSING",
  "UNIQUE_VIOLATION",
  "EDIT_EXPIRED",
  "ANSWER_FORGOTTEN",
  "REFERENCED",
  "OP_REUSED",
  "STALE_INCARNATION",
  "PAYLOAD_TOO_LARGE",
  "PROTOCOL_ERROR",
  "INVALID_SCHEMA",
  "LOCK_LOST",
  "DATABASE_CLOSED",
  "STORAGE_ERROR",
  "READ_ONLY",
  "ENGINE_PANIC",
] as const;

/** What kind of thing went wrong. */
export type Code = (typeof CODES)[number];

/** What a person is advised to do about each code; the same table is in `src/error/handling.rs`. */
export const ACTIONS = {
  NETWORK_ERROR: "wait",
  AUTH_ERROR: "sign_in",
  VERSION_CONFLICT: "choose",
  VALIDATION_ERROR: "correct",
  NOT_FOUND: "restore",
  PERMISSION_DENIED: "ask",
  SERVER_ERROR: "wait",
  RATE_LIMITED: "wait",
  QUOTA_EXCEEDED: "free_space",
  SCHEMA_MISMATCH: "update",
  CORRUPT_DATA: "report",
  LOCKED: "unlock",
  ID_COLLISION: "correct",
  REFERENCE_MISSING: "restore",
  UNIQUE_VIOLATION: "correct",
  EDIT_EXPIRED: "confirm",
  ANSWER_FORGOTTEN: "confirm",
  REFERENCED: "restore",
  OP_REUSED: "confirm",
  STALE_INCARNATION: "wait",
  PAYLOAD_TOO_LARGE: "correct",
  PROTOCOL_ERROR: "update",
  INVALID_SCHEMA: "report",
  LOCK_LOST: "wait",
  DATABASE_CLOSED: "reload",
  STORAGE_ERROR: "free_space",
  READ_ONLY: "reload",
  ENGINE_PANIC: "reload",
} as const satisfies Record<Code, string>;

/** What a person is advised to do. */
export type Action = (typeof ACTIONS)[Code];

/** Whether trying again can help, and what has to happen first. */
export type Retry = "later" | "after_auth" | "after_edit" | "mended" | "never";

/** An error as data: in a status, beside an op of the queue, in the result of a sync. */
export interface ErrorData {
  code: Code;
  message: string;
  path?: string;
  hint?: string;
  retry_after_ms?: number;
  detail?: unknown;
}

/** What every call of the engine rejects with. */
export class LandfallError extends Error {
  override readonly name = "LandfallError";
  /** What kind of thing went wrong. */
  readonly code: Code;
  /** Where: `entity.field`, a JSON path, or a key; empty when there is no place. */
  readonly path: string;
  /** What to do about it; empty when the code says it all. */
  readonly hint: string;
  /** Whether trying again can help. */
  readonly retry: Retry;
  /** How long the other side asked to wait. */
  readonly retryAfterMs: number | undefined;
  /** More, for programs. */
  readonly detail: unknown;

  constructor(data: ErrorData, retry: Retry, cause?: unknown) {
    super(data.message, cause === undefined ? undefined : { cause });
    this.code = data.code;
    this.path = data.path ?? "";
    this.hint = data.hint ?? "";
    this.retry = retry;
    this.retryAfterMs = data.retry_after_ms;
    this.detail = data.detail;
  }
}

/** The engine's error as ours; anything else as it is. */
export function adopt(thrown: unknown): unknown {
  if (thrown instanceof LandfallError || !(thrown instanceof Error) || !("code" in thrown)) return thrown;
  const { code, path, hint, retry, retryAfterMs, detail } = thrown as Error & Partial<LandfallError>;
  if (code === undefined || !CODES.includes(code)) return thrown;
  return new LandfallError(
    { code, message: thrown.message, path, hint, retry_after_ms: retryAfterMs, detail },
    retry ?? "never",
    thrown,
  );
}

/** A value that may not be stored, and where. */
export function invalid(path: string, message: string, hint: string): LandfallError {
  return new LandfallError({ code: "VALIDATION_ERROR", message, path, hint }, "after_edit");
}

/** The engine stopped on a fault of its own. */
export function panicked(message: string, reopened: boolean): LandfallError {
  const hint = reopened ? "the database was reopened; repeat the call" : "reload the page; what was saved is safe";
  return new LandfallError({ code: "ENGINE_PANIC", message, hint }, "mended");
}
