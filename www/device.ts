// One device: its name, its plug, its status line, and the view it shows: list, form or queue.
import { APPS, NAMES, type App, type DeviceId, type Told } from "./cast.ts";
import { LandfallQueue, LandfallStatus, look } from "../js/elements/index.ts";
import { byId, fill, h } from "./dom.ts";
import { openDevice, schemaOf, type Database, type Status } from "./engine.ts";
import { formView } from "./form.ts";
import { icon } from "./icons.ts";
import { listView } from "./list.ts";
import { Plug } from "./plug.ts";
import { choices, type Schema } from "./schema.ts";

interface View {
  element: HTMLElement;
  stop?(): void;
}

class Device {
  private readonly status = new LandfallStatus();
  private readonly holder = h("div", { className: "view" });
  private readonly queued = h("span", { className: "count" }, "0");
  private view: View | undefined;
  private entity: string;
  readonly element: HTMLElement;

  constructor(
    private readonly db: Database,
    private readonly schema: Schema,
    private readonly who: { app: App; id: DeviceId; plug: Plug },
  ) {
    const { app, id } = who;
    this.entity = choices(schema)[0]?.[0] ?? "";
    const heading = h("h2", {}, NAMES[id]);
    const title = h("div", { className: "grow" }, heading, h("p", { className: "who" }, APPS[app].name));
    const head = h("header", { className: "device-head" }, title, this.switch());
    head.prepend(icon(id === "a" ? "phone" : "laptop"));
    this.status.className = "status";
    this.status.append(...this.buttons());
    this.element = h("section", { className: "device", "data-device": id }, head, this.status, this.holder);
    this.status.db = db;
    db.on("status", (event) => this.say(event.status));
    this.showList(this.entity);
  }

  private switch(): HTMLButtonElement {
    const { plug } = this.who;
    const knob = h("span", { className: "knob" }, icon("plugged"));
    const props = { type: "button", className: "switch", role: "switch", "aria-checked": "true" };
    const button = h("button", props, "Network", h("span", { className: "track" }, knob));
    const flip = async () => {
      const { database } = await this.db.meta();
      const done = plug.in ? plug.pull(database) : plug.insert();
      button.setAttribute("aria-checked", String(plug.in));
      knob.replaceChildren(icon(plug.in ? "plugged" : "unplugged"));
      this.element.classList.toggle("unplugged", !plug.in);
      await done;
    };
    button.addEventListener("click", () => void flip());
    return button;
  }

  private buttons(): HTMLElement[] {
    const sync = h("button", { type: "button", className: "button", onclick: () => void this.db.sync() }, icon("sync"), "Sync");
    const show = () => this.showQueue();
    const queue = h("button", { type: "button", className: "button", onclick: show }, icon("queue"), "Queue", this.queued);
    return [sync, queue];
  }

  private say(status: Status): void {
    this.status.dataset["state"] = status.state;
    this.queued.textContent = String(status.queued + status.failed + status.conflicts);
    const told: Told = { word: look("landfall", status, Date.now()).word };
    parent.postMessage(told, location.origin);
  }

  private show(view: View): void {
    this.view?.stop?.();
    this.view = view;
    this.holder.replaceChildren(view.element);
  }

  private showList(entity: string): void {
    const { db, schema } = this;
    this.entity = entity;
    const name = NAMES[this.who.id];
    this.show(listView({ db, schema, entity, name, show: (other) => this.showList(other), edit: (id) => this.showForm(id) }));
  }

  private showForm(id: string | undefined): void {
    const { db, schema, entity } = this;
    this.show(formView({ db, schema, entity, id, back: () => this.showList(entity) }));
    this.holder.querySelector<HTMLElement>("h3")?.focus();
  }

  private showQueue(): void {
    const queue = new LandfallQueue();
    queue.db = this.db;
    queue.addEventListener("landfall-edit", (event) => {
      const { entity, id } = (event as CustomEvent<{ entity: string; id: string }>).detail;
      this.entity = entity;
      this.showForm(id);
    });
    const back = () => this.showList(this.entity);
    const leave = h("button", { type: "button", className: "button quiet", onclick: back }, icon("back"), "Back");
    queue.append(leave);
    this.show({ element: queue });
    queue.focus();
  }
}

/** Opens the device that the address names (`#dcmms-a`). */
async function start(plug: Plug): Promise<void> {
  const [app, id] = location.hash.slice(1).split("-") as [App, DeviceId];
  const schema = await schemaOf(app);
  const db = await openDevice(app, schema, id);
  byId("device").setAttribute("aria-label", NAMES[id]);
  fill(byId("device"), new Device(db, schema, { app, id, plug }).element);
}

start(new Plug()).catch((error: unknown) => {
  const { message, hint } = error as { message: string; hint?: string };
  fill(
    byId("device"),
    h("p", { className: "opening", role: "alert" }, `This device could not be opened: ${message} ${hint ?? ""}`),
  );
});
