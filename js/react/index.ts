// landfall for React: hooks over an open database. Nothing is opened, fetched or registered by importing this, so that it may be
// imported where there is no browser; every hook takes its subscriptions back, so that StrictMode's second mount finds
// nothing left.
export { LandfallProvider, useLandfall, type ProviderProps } from "./context.ts";
export { useLiveQuery, type Live } from "./live.ts";
export {
  useSyncEngine,
  useSyncQueue,
  useSyncStatus,
  type ConflictChoice,
  type SyncEngine,
  type SyncProgress,
  type SyncQueue,
} from "./sync.ts";
