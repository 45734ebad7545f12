// How a state looks: sign, tone and words, by theme. `landfall` is our own; `goalflow`, `dcmms` and `bizpulse` say what those
// specifications show, word for word, and fall back on ours for states that they do not have. Colours are tones here and
// custom properties in style.ts.
import type { Status } from "../types.ts";
import type { Sign } from "./icons.ts";
import { ago, clock, reason, say, type Word } from "./words.ts";

/** What a colour means; never shown without a sign and a word. */
export type Tone = "ok" | "busy" | "wait" | "off" | "warn" | "bad";

/** A state as a person sees it. */
export interface Look {
  sign: Sign;
  tone: Tone;
  word: string;
  /** What there is to add. */
  more: string;
  /** What changes each second: seen, not read out. */
  ticking?: string;
  /** The whole line asks for a sync when it is tapped. */
  tap?: boolean;
}

/** The themes there are. */
export type ThemeName = "landfall" | "goalflow" | "dcmms" | "bizpulse";

const join = (...parts: (string | false)[]): string => parts.filter(Boolean).join(", ");

const waitMs = (status: Status, now: number): number => (status.nextAttemptAt ?? 0) - now;

const next = (status: Status, now: number): string | false =>
  waitMs(status, now) > 1500 && say("next_try", { clock: clock(status.nextAttemptAt ?? 0) });

const kept = (status: Status): string => (status.queued > 0 ? say("kept", { n: status.queued }) : say("work_goes_on"));

const counts = (status: Status): string =>
  join(
    status.failed > 0 && say("refused", { n: status.failed }),
    status.conflicts > 0 && say("to_decide", { n: status.conflicts }),
    status.queued > 0 && say("changes_waiting", { n: status.queued }),
  );

const why = (status: Status): string => reason(status.error?.code ?? "SERVER_ERROR");

function landfall(status: Status, now: number): Look {
  switch (status.state) {
    case "synced":
      return {
        sign: "check",
        tone: "ok",
        word: say("synced"),
        more: status.lastSyncAt ? say("synced_at", { clock: clock(status.lastSyncAt) }) : "",
      };
    case "pending":
      return {
        sign: "up",
        tone: "wait",
        word: say("waiting"),
        more: join(counts(status) || say("more_to_fetch"), next(status, now)),
      };
    case "syncing":
      return { sign: "sync", tone: "busy", word: say("syncing"), more: status.done > 0 ? say("so_far", { n: status.done }) : "" };
    case "offline":
      return { sign: "unplugged", tone: "off", word: say("offline"), more: kept(status) };
    case "attention":
      return { sign: "warn", tone: "warn", word: say("attention"), more: counts(status) };
    case "error":
      return { sign: "cross", tone: "bad", word: say("not_synced"), more: join(why(status), next(status, now)) };
    case "paused":
      return { sign: "pause", tone: "wait", word: say("paused"), more: kept(status) };
    default:
      return { sign: "dots", tone: "off", word: say("starting"), more: "" };
  }
}

/** goalflow 6.1. Changes that wait are work in hand, not a state of their own there. */
function goalflow(status: Status, now: number): Look {
  const { state, done, total } = status;
  if (state === "synced" || state === "pending")
    return { sign: "dot", tone: "ok", word: say("goalflow_online"), more: counts(status) };
  if (state === "offline") return { sign: "dot", tone: "wait", word: say("goalflow_offline"), more: "" };
  if (state === "syncing") {
    return { sign: "sync", tone: "busy", word: say("goalflow_syncing"), more: total > 0 ? say("of_items", { done, total }) : "" };
  }
  if (state === "error") return { sign: "dot", tone: "bad", word: say("goalflow_error"), more: "", tap: true };
  return landfall(status, now);
}

/** dcmms 5.3, with the seconds running down. */
function dcmms(status: Status, now: number): Look {
  const { state, done, total, queued, lastSyncAt } = status;
  if (state === "syncing") {
    return { sign: "sync", tone: "busy", word: say("dcmms_syncing"), more: total > 0 ? say("dcmms_items", { done, total }) : "" };
  }
  if (state === "synced" && lastSyncAt) {
    return { sign: "check", tone: "ok", word: say("dcmms_synced", { ago: ago(lastSyncAt, now) }), more: "" };
  }
  if (state === "offline") return { sign: "antenna", tone: "off", word: say("dcmms_offline", { n: queued }), more: "" };
  if (state === "error") {
    const seconds = Math.ceil(waitMs(status, now) / 1000);
    const ticking = seconds > 0 ? say("dcmms_retry", { seconds }) : "";
    return { sign: "warn", tone: "bad", word: say("dcmms_error"), more: "", ticking };
  }
  return landfall(status, now);
}

/** bizpulse 7: five states. */
function bizpulse(status: Status, now: number): Look {
  const five: Partial<Record<Status["state"], [Sign, Tone, Word]>> = {
    synced: ["dot", "ok", "bizpulse_synced"],
    syncing: ["half", "wait", "bizpulse_syncing"],
    offline: ["ring", "off", "bizpulse_offline"],
    error: ["cross", "bad", "bizpulse_failed"],
  };
  const conflicts: [Sign, Tone, Word] = ["warn", "warn", "bizpulse_conflicts"];
  const found = status.state === "attention" && status.conflicts > 0 ? conflicts : five[status.state];
  if (found === undefined) return landfall(status, now);
  return { sign: found[0], tone: found[1], word: say(found[2]), more: "" };
}

const LOOKS: Record<ThemeName, (status: Status, now: number) => Look> = { landfall, goalflow, dcmms, bizpulse };

/** How a status looks in a theme. */
export const look = (theme: ThemeName, status: Status, now: number): Look => (LOOKS[theme] ?? landfall)(status, now);

/** Where a record stands; `absent`: it is not on this device. */
export type MarkState = "synced" | "pending" | "syncing" | "failed" | "conflict" | "locked" | "absent";

type Mark = [Sign, Tone, Word];

const MARKS: Record<MarkState, Mark> = {
  synced: ["check", "ok", "mark_synced"],
  pending: ["up", "wait", "mark_pending"],
  syncing: ["sync", "busy", "mark_syncing"],
  failed: ["cross", "bad", "mark_failed"],
  conflict: ["warn", "warn", "mark_conflict"],
  // Out of the user's scope, with work that is kept back.
  locked: ["cross", "bad", "mark_failed"],
  absent: ["dots", "off", "mark_absent"],
};

const OWN_MARKS: Partial<Record<ThemeName, Partial<Record<MarkState, Mark>>>> = {
  dcmms: { pending: ["clock", "wait", "mark_queued"] },
  bizpulse: { pending: ["clock", "wait", "mark_waits"], failed: ["cross", "bad", "mark_error"] },
};

/** The mark of one record in a theme. */
export function markOf(theme: ThemeName, state: MarkState): Look {
  const [sign, tone, word] = OWN_MARKS[theme]?.[state] ?? MARKS[state] ?? MARKS.absent;
  return { sign, tone, word: say(word), more: "" };
}
