// Every word the elements show, in one catalogue that an application can put its own language into. It decides no layout and no
// state; numbers and times are written as the reader's language does. `{name}` is filled in; `one|many` is chosen by `{n}`.

const ENGLISH = {
  synced: "Synced",
  synced_at: "at {clock}",
  waiting: "Waiting",
  more_to_fetch: "more to fetch",
  syncing: "Syncing",
  so_far: "{n} row so far|{n} rows so far",
  of_items: "{done} of {total} items",
  offline: "Offline",
  kept: "{n} change kept here|{n} changes kept here",
  work_goes_on: "work goes on",
  attention: "Needs you",
  not_synced: "Not synced",
  paused: "Paused",
  starting: "Starting",
  next_try: "next try at {clock}",
  refused: "{n} change refused|{n} changes refused",
  to_decide: "{n} conflict to decide|{n} conflicts to decide",
  changes_waiting: "{n} change waiting|{n} changes waiting",

  goalflow_online: "Online",
  goalflow_offline: "Offline - working locally",
  goalflow_syncing: "Syncing...",
  goalflow_error: "Sync failed - tap to retry",

  dcmms_syncing: "Syncing...",
  dcmms_items: "({done} of {total} items)",
  dcmms_synced: "Synced {ago}",
  dcmms_offline: "Offline ({n} changes queued)",
  dcmms_error: "Sync failed",
  dcmms_retry: "(retry in {seconds}s)",

  bizpulse_synced: "Online & Synced",
  bizpulse_syncing: "Syncing...",
  bizpulse_offline: "Offline Mode",
  bizpulse_conflicts: "Sync Conflicts",
  bizpulse_failed: "Sync Failed",

  mark_synced: "Synced",
  mark_pending: "Waiting",
  mark_syncing: "Sending",
  mark_failed: "Refused",
  mark_conflict: "Conflict",
  mark_absent: "Not on this device",
  mark_queued: "Queued",
  mark_waits: "Pending",
  mark_error: "Failed",

  sync_now: "Sync now",
  pause: "Pause",
  resume: "Resume",
  details: "Details",
  show_queue: "Queue",
  last_synced: "Last synced",
  never: "not yet",
  next_attempt: "Next try",
  waiting_count: "Waiting",
  refused_count: "Refused",
  conflict_count: "Conflicts",

  queue: "Changes on this device",
  queue_empty: "Everything you changed here has arrived.",
  queue_failed: "The list could not be read: {reason}",
  did_create: "New",
  did_update: "Changed",
  did_delete: "Deleted",
  op_pending: "Waiting to be sent",
  op_waits: "Waiting: {reason}",
  op_held: "Waiting for another change to arrive first",
  op_syncing: "On its way",
  op_completed: "Arrived",
  op_failed: "The server refused it: {reason}",
  op_conflict: "Somebody else changed this too. Both versions are kept.",
  retry: "Try again",
  discard: "Discard",
  discard_question: "Discard this change? It cannot be brought back.",
  edit: "Edit",
  keep: "Keep",

  blocked_title: "This app needs your attention",
  blocked_kept: "What you have written is kept on this device.",
  reload: "Reload",
  go_on: "Work on without sync",

  NETWORK_ERROR: "no connection to the server",
  AUTH_ERROR: "please sign in again",
  SERVER_ERROR: "the server has a problem",
  RATE_LIMITED: "the server is busy",
  QUOTA_EXCEEDED: "this device is full",
  SCHEMA_MISMATCH: "this app needs an update",
  PROTOCOL_ERROR: "this app needs an update",
  PERMISSION_DENIED: "this device is not allowed to sync",
  STORAGE_ERROR: "this browser cannot save data right now",
  CORRUPT_DATA: "stored data could not be read",
  VERSION_CONFLICT: "somebody else changed it",
  VALIDATION_ERROR: "a value is not allowed",
  REFERENCE_MISSING: "it names something that the server does not have",
  PAYLOAD_TOO_LARGE: "it is too large",
};

/** The name of a text. */
export type Word = keyof typeof ENGLISH;

let words: Record<string, string> = ENGLISH;
let language: string | undefined;

/**
 * Puts texts in another language in place of the English ones; those that are missing stay English. `locale` is for numbers
 * and times.
 *
 * ```ts
 * setWords({ synced: "Synchron", synced_at: "um {clock}" }, "de");
 * ```
 */
export function setWords(own: Partial<Record<Word, string>>, locale?: string): void {
  words = { ...ENGLISH, ...own };
  language = locale;
}

/** A text with its values. */
export function say(word: Word, values: Record<string, string | number> = {}): string {
  const text = words[word] ?? word;
  const [one = text, many = one] = text.split("|");
  const chosen = values["n"] === 1 ? one : many;
  return chosen.replace(/\{(\w+)\}/g, (mark, name: string) => {
    const value = values[name];
    return value === undefined ? mark : typeof value === "number" ? value.toLocaleString(language) : value;
  });
}

/** What a code means to a person, in half a sentence. */
export const reason = (code: string): string => (code in words ? say(code as Word) : code.toLowerCase().replaceAll("_", " "));

/** The time of day. */
export const clock = (time: number): string =>
  new Date(time).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** How long ago, in the largest unit that fits: `2 minutes ago`. */
export function ago(time: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - time) / 1000));
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  if (seconds < 60) return format.format(0, "second");
  if (seconds < 3600) return format.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 86_400) return format.format(-Math.floor(seconds / 3600), "hour");
  return format.format(-Math.floor(seconds / 86_400), "day");
}
