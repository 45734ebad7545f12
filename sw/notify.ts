// Push messages that people see, and where a tap on one leads. It decides nothing about sync: that the message also wakes the
// engine is `js/sw.ts`'s.

interface Message {
  title?: unknown;
  body?: unknown;
  url?: unknown;
}

const text = (value: unknown, otherwise: string): string => (typeof value === "string" && value !== "" ? value : otherwise);

/** Shows what is pushed; a tap focuses the page it names, or opens it. */
export function notify(scope: ServiceWorkerGlobalScope): void {
  scope.addEventListener("push", (event) => {
    const message = read(event.data);
    const url = sameOrigin(text(message.url, "/"), scope.location.origin);
    const shown = scope.registration.showNotification(text(message.title, "landfall"), {
      body: text(message.body, "There is something new."),
      tag: "landfall",
      data: { url },
    });
    // Without permission there is nothing to show; the sync goes on all the same.
    event.waitUntil(shown.catch(() => {}));
  });
  scope.addEventListener("notificationclick", (event) => {
    event.notification.close();
    const { url } = (event.notification.data ?? { url: "/" }) as { url: string };
    event.waitUntil(focus(scope, url));
  });
}

async function focus(scope: ServiceWorkerGlobalScope, url: string): Promise<void> {
  const pages = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((client) => new URL(client.url).pathname === new URL(url).pathname) ?? pages[0];
  if (page === undefined) await scope.clients.openWindow(url);
  else await page.focus();
}

function read(data: PushMessageData | null): Message {
  try {
    const parsed: unknown = data?.json();
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

/** A message leads to a page of ours and nowhere else. */
function sameOrigin(address: string, origin: string): string {
  const url = URL.canParse(address, origin) ? new URL(address, origin) : new URL(origin);
  return url.origin === origin ? url.href : `${origin}/`;
}
