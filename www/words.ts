// States as words: what a person reads when the engine says a state or a code. ERRORS.md has the same words by code.
import type { IconName } from "./icons.ts";
import type { Status } from "./engine.ts";
import { clock, count } from "./format.ts";

/** A state as a sign, a word and what there is to add. */
export interface Words {
  icon: IconName;
  word: string;
  more: string;
}

const REASONS: Record<string, string> = {
  NETWORK_ERROR: "no connection to the server",
  AUTH_ERROR: "please sign in again",
  SERVER_ERROR: "the server has a problem",
  RATE_LIMITED: "the server is busy",
  QUOTA_EXCEEDED: "this device is full",
  SCHEMA_MISMATCH: "this app needs an update",
  PROTOCOL_ERROR: "this app needs an update",
  PERMISSION_DENIED: "this device is not allowed to sync",
  STORAGE_ERROR: "this browser cannot save data right now",
};

/** What a code means to a person, in half a sentence. */
export const reason = (code: string): string => REASONS[code] ?? code.toLowerCase().replaceAll("_", " ");

const kept = (status: Status): string => (status.queued > 0 ? `${count(status.queued, "change")} kept here` : "work goes on");

/** The next attempt, if one is set for later than now. */
function next(status: Status, now: number): string {
  const wait = (status.nextAttemptAt ?? 0) - now;
  return wait > 1500 ? `, next try at ${clock(status.nextAttemptAt ?? 0)}` : "";
}

function waiting(status: Status): string {
  const parts = [
    status.failed > 0 && `${count(status.failed, "change")} refused`,
    status.conflicts > 0 && `${count(status.conflicts, "conflict")} to decide`,
    status.queued > 0 && `${count(status.queued, "change")} waiting`,
  ];
  return parts.filter(Boolean).join(", ");
}

/** The words for a status. */
export function wordsOf(status: Status, now: number): Words {
  switch (status.state) {
    case "synced":
      return { icon: "check", word: "Synced", more: status.lastSyncAt ? `at ${clock(status.lastSyncAt)}` : "" };
    case "pending":
      return { icon: "up", word: "Waiting", more: (waiting(status) || "more to fetch") + next(status, now) };
    case "syncing":
      return { icon: "sync", word: "Syncing", more: status.done > 0 ? `${count(status.done, "row")} so far` : "" };
    case "offline":
      return { icon: "unplugged", word: "Offline", more: kept(status) };
    case "attention":
      return { icon: "warn", word: "Needs you", more: waiting(status) };
    case "error":
      return { icon: "cross", word: "Not synced", more: reason(status.error?.code ?? "SERVER_ERROR") + next(status, now) };
    case "paused":
      return { icon: "pause", word: "Paused", more: kept(status) };
    default:
      return { icon: "dots", word: "Starting", more: "" };
  }
}

const MARKS: Record<string, [IconName, string]> = {
  synced: ["check", "Synced"],
  pending: ["up", "Waiting"],
  syncing: ["sync", "Sending"],
  failed: ["cross", "Refused"],
  conflict: ["warn", "Conflict"],
};

/** The mark of one record. */
export const markOf = (status: string): [IconName, string] => MARKS[status] ?? ["dots", status];
