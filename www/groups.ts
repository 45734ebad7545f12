// Fields that hold fields: an object is a group, a list of objects a group with items that come and go.
import { add, fill, h } from "./dom.ts";
import { icon } from "./icons.ts";
import { control, type Control } from "./fields.ts";
import { titleOf, type Field } from "./schema.ts";

type Values = Record<string, unknown>;

/** The fields of one object; what it holds beside them stays as it was. */
function parts(
  fields: Record<string, Field>,
  skip?: string,
): { elements: HTMLElement[]; read(): Values; write(value: Values): void } {
  const controls = Object.entries(fields).filter(([name]) => name !== skip);
  const made = controls.map(([name, field]) => [name, control(name, field)] as const);
  let kept: Values = {};
  return {
    elements: made.map(([, one]) => one.element),
    read: () => {
      const out: Values = { ...kept };
      for (const [name, one] of made) {
        const value = one.read();
        if (value === undefined || (value === false && !(name in kept))) delete out[name];
        else out[name] = value;
      }
      return out;
    },
    write: (value) => {
      kept = value;
      for (const [name, one] of made) one.write(value[name]);
    },
  };
}

/** An object with declared fields. */
export function objectControl(name: string, field: Field): Control {
  const inner = parts(field.fields ?? {});
  const fault = h("p", { className: "fault", hidden: true });
  const element = h("fieldset", { className: "group field" }, h("legend", {}, titleOf(name, field)), ...inner.elements, fault);
  return {
    element,
    read: inner.read,
    write: (value) => inner.write((value ?? {}) as Values),
    fail: (text) => {
      fault.hidden = text === undefined;
      fault.textContent = text ?? "";
    },
    focus: () => element.querySelector<HTMLElement>("input, select, textarea")?.focus(),
  };
}

/** A list of objects, folded until somebody opens it. */
export function listControl(name: string, field: Field): Control {
  const title = titleOf(name, field);
  const key = field.item_key;
  const items: { element: HTMLElement; read(): Values }[] = [];
  const holder = h("div", { className: "items" });
  const summary = h("summary", {}, title);
  const fault = h("p", { className: "fault", hidden: true });
  const count = () => fill(summary, `${title} (${items.length})`);
  const append = (value: Values) => {
    const inner = parts(field.items?.fields ?? {}, key);
    inner.write(value);
    const remove = h("button", { type: "button", className: "button quiet danger" }, icon("bin"), "Remove");
    const element = h("div", { className: "item" }, ...inner.elements, remove);
    const item = { element, read: inner.read };
    remove.addEventListener("click", () => {
      items.splice(items.indexOf(item), 1);
      element.remove();
      count();
    });
    items.push(item);
    holder.append(element);
    return element;
  };
  const more = h("button", { type: "button", className: "button" }, icon("plus"), `Add to ${title.toLowerCase()}`);
  more.addEventListener("click", () => {
    append(key ? { [key]: crypto.randomUUID() } : {})
      .querySelector<HTMLElement>("input, select, textarea")
      ?.focus();
    count();
  });
  const element = h("details", { className: "group field" }, summary);
  add(element, [holder, more, fault]);
  return {
    element,
    read: () => items.map((item) => item.read()),
    write: (value) => {
      items.length = 0;
      holder.replaceChildren();
      for (const one of Array.isArray(value) ? (value as Values[]) : []) append(one);
      count();
    },
    fail: (text) => {
      fault.hidden = text === undefined;
      fault.textContent = text ?? "";
      if (text !== undefined) element.open = true;
    },
    focus: () => summary.focus(),
  };
}
