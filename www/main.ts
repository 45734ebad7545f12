// The demo's frame: one person's two devices side by side, each in a frame of its own, in one of two applications.
import { APPS, NAMES, type App, type DeviceId, type Told } from "./cast.ts";
import { byId, fill, h } from "./dom.ts";
import { icon } from "./icons.ts";

const PHONE = matchMedia("(max-width: 899px)");
const IDS: DeviceId[] = ["a", "b"];
const holder = byId("devices");
const tabs = byId("device-tabs");

const frames = new Map<DeviceId, HTMLIFrameElement>();
let chosen: DeviceId = "a";

const appOfAddress = (): App => {
  const name = new URLSearchParams(location.search).get("app") ?? "";
  return name in APPS ? (name as App) : "dcmms";
};

/** On a phone one device at a time, behind tabs; on a desk both. */
function arrange(): void {
  tabs.hidden = !PHONE.matches;
  for (const [id, frame] of frames) {
    const panel = frame.parentElement;
    const tab = byId(`tab-${id}`);
    tab.setAttribute("aria-selected", String(id === chosen));
    tab.tabIndex = id === chosen ? 0 : -1;
    if (!panel) continue;
    panel.hidden = PHONE.matches && id !== chosen;
    // On a desk there are no tabs, and so no panels of tabs.
    if (PHONE.matches) panel.setAttribute("role", "tabpanel");
    else panel.removeAttribute("role");
  }
}

function choose(id: DeviceId): void {
  chosen = id;
  arrange();
}

function tabOf(id: DeviceId): HTMLElement {
  const label = h("span", {}, h("strong", {}, NAMES[id]), h("small", { id: `word-${id}` }));
  const props = { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `panel-${id}`, onclick: () => choose(id) };
  const tab = h("button", props, label);
  tab.prepend(icon(id === "a" ? "phone" : "laptop"));
  return tab;
}

tabs.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
  choose(chosen === "a" ? "b" : "a");
  byId(`tab-${chosen}`).focus();
});

/** Opens both devices of an application; those of the other go with their frames. */
function show(app: App): void {
  history.replaceState(null, "", app === "dcmms" ? location.pathname : `?app=${app}`);
  const one = (name: App) => {
    const current = name === app ? { "aria-current": "page" } : {};
    return h("button", { type: "button", ...current, onclick: () => show(name) }, APPS[name].label);
  };
  fill(byId("apps"), ...(Object.keys(APPS) as App[]).map(one));
  fill(tabs, ...IDS.map(tabOf));
  const panels = IDS.map((id) => {
    const frame = h("iframe", { title: NAMES[id], src: `/device.html#${app}-${id}` });
    frames.set(id, frame);
    return h("div", { className: "panel", id: `panel-${id}`, "aria-label": NAMES[id] }, frame);
  });
  fill(holder, ...panels);
  arrange();
}

/** What a device says of itself, for its tab. */
addEventListener("message", (event: MessageEvent<Told>) => {
  const from = [...frames].find(([, frame]) => frame.contentWindow === event.source);
  if (!from || event.origin !== location.origin) return;
  byId(`word-${from[0]}`).textContent = event.data.word;
});

async function registerWorker(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register("/sw.js");
}

PHONE.addEventListener("change", arrange);
show(appOfAddress());
// Without a worker the page works all the same; it only cannot open with the server away.
registerWorker().catch((error: unknown) => console.warn("no service worker:", error));
