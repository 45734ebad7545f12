// The names under which page and worker speak of the same thing.

/** Background Sync: there is something to send. */
export const SYNC_TAG = "landfall-sync";
/** Periodic Background Sync. */
export const PERIODIC_TAG = "landfall-periodic";
/** A message from a page: sync now. */
export const WAKE_MESSAGE = "landfall-wake";
