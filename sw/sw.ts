// The demo's service worker: the application's files for offline use (Workbox), and the engine for everything else. It decides
// what is cached and which page answers a navigation; `api` and `auth` are never cached, and what is synced is the engine's
// affair.
import { addPlugins, cleanupOutdatedCaches, matchPrecache, precacheAndRoute, type PrecacheEntry } from "workbox-precaching";
import type { RouteHandlerCallbackOptions } from "workbox-core/types.js";
import { NavigationRoute, registerRoute } from "workbox-routing";
import { NetworkOnly } from "workbox-strategies";
import { attach } from "../js/sw.ts";
import { notify } from "./notify.ts";
import { isKeepable } from "./keep.ts";

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: PrecacheEntry[] };
declare const __LANDFALL_WASM__: string;

/** A network that has not answered by then is treated as none. */
const PATIENCE_SECONDS = 3;

addPlugins([
  {
    cacheWillUpdate: ({ request, response }) =>
      Promise.resolve(isKeepable(request, response, self.location.origin) ? response : null),
  },
]);

const network = new NetworkOnly({ networkTimeoutSeconds: PATIENCE_SECONDS });

/** The page from the network if it comes in time, otherwise the one that is kept. */
async function page(options: RouteHandlerCallbackOptions): Promise<Response> {
  const { pathname } = new URL(options.request.url);
  const path = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
  const kept = async () => (await matchPrecache(path)) ?? (await matchPrecache("/index.html"));
  try {
    const fresh = await network.handle({ event: options.event, request: options.request });
    if (fresh.status < 500) return fresh;
    return (await kept()) ?? fresh;
  } catch {
    return (await kept()) ?? Response.error();
  }
}

registerRoute(new NavigationRoute(page, { denylist: [/\/(api|auth)\//] }));
precacheAndRoute(self.__WB_MANIFEST);
cleanupOutdatedCaches();

// A new version waits until the page asks for it or every page of the old one is closed; the first one takes over at once.
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("message", (event) => {
  const data = event.data as { type?: unknown } | null;
  if (data?.type === "skip-waiting") event.waitUntil(self.skipWaiting());
});

attach(self, engine);
notify(self);

/** From the cache, so that the worker starts with no network; streaming needs the type the response was kept with. */
async function engine(): Promise<Response> {
  return (await matchPrecache(__LANDFALL_WASM__)) ?? fetch(__LANDFALL_WASM__);
}
