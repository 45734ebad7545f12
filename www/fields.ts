// One field of a form: its label, its control by type, its fault. It reads and writes values as the schema declares them.
import { h, uniqueId } from "./dom.ts";
import { fromLocalInput, toLocalInput } from "./format.ts";
import { icon } from "./icons.ts";
import { titleOf, words, type Field } from "./schema.ts";

/** A part of a form. `undefined` is an empty field. `read` throws a FieldFault if what stands there is no value. */
export interface Control {
  element: HTMLElement;
  read(): unknown;
  write(value: unknown): void;
  fail(text: string | undefined): void;
  focus(): void;
}

/** What stands in a field is no value of its type; the message is for the person. */
export class FieldFault extends Error {}

type Input = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** How a value stands in the control, and back. */
interface Codec {
  show(value: unknown): string;
  take(text: string): unknown;
}

const text: Codec = { show: (value) => String(value ?? ""), take: (typed) => typed || undefined };

const number: Codec = {
  show: (value) => (typeof value === "number" ? String(value) : ""),
  take: (typed) => {
    if (typed.trim() === "") return undefined;
    const value = Number(typed.replace(",", "."));
    if (!Number.isFinite(value)) throw new FieldFault("Please enter a number.");
    return value;
  },
};

const datetime: Codec = { show: toLocalInput, take: fromLocalInput };

const list: Codec = {
  show: (value) => (Array.isArray(value) ? value.join(", ") : ""),
  take: (typed) => {
    const parts = typed.split(",").map((part) => part.trim());
    return parts.filter((part) => part !== "");
  },
};

const json: Codec = {
  show: (value) => (value === undefined ? "" : JSON.stringify(value, null, 2)),
  take: (typed) => {
    if (typed.trim() === "") return undefined;
    try {
      return JSON.parse(typed) as unknown;
    } catch {
      throw new FieldFault('This must be JSON, for example {"row": 12}.');
    }
  },
};

function selectOf(field: Field): [Input, Codec] {
  const values = field.enum ?? [];
  const options = values.map((value) => h("option", { value: String(value) }, words(String(value))));
  const select = h("select", {}, h("option", { value: "" }, "–"), ...options);
  return [select, { show: text.show, take: (typed) => values.find((value) => String(value) === typed) }];
}

function inputOf(field: Field): [Input, Codec] {
  if (field.enum?.length) return selectOf(field);
  switch (field.type) {
    case "text":
      return [h("textarea", { rows: 3, maxLength: field.max_length, dir: "auto" }), text];
    case "number":
    case "integer":
    case "counter": {
      const step = field.type === "number" ? "any" : "1";
      return [
        h("input", { type: "number", step, min: String(field.min ?? ""), max: String(field.max ?? ""), inputMode: "decimal" }),
        number,
      ];
    }
    case "datetime":
      return [h("input", { type: "datetime-local" }), datetime];
    case "date":
      return [h("input", { type: "date" }), text];
    case "list":
    case "set":
      return [h("input", { type: "text", dir: "auto" }), list];
    case "json":
    case "object":
      return [h("textarea", { rows: 3, spellcheck: false }), json];
    default:
      return [h("input", { type: "text", maxLength: field.max_length, dir: "auto", autocomplete: "off" }), text];
  }
}

/** Shows and clears the fault of a control, and ties it to the control for screen readers. */
export function faultLine(input: HTMLElement): { element: HTMLElement; show(text: string | undefined): void } {
  const element = h("p", { className: "fault", id: uniqueId("fault"), hidden: true });
  const show = (message: string | undefined) => {
    element.hidden = message === undefined;
    element.replaceChildren(...(message === undefined ? [] : [icon("warn"), message]));
    if (message === undefined) input.removeAttribute("aria-describedby");
    else input.setAttribute("aria-describedby", element.id);
    input.setAttribute("aria-invalid", String(message !== undefined));
  };
  return { element, show };
}

/** The label of a field, with its "required". */
export function labelOf(name: string, field: Field, target: string): HTMLElement {
  return h(
    "label",
    { htmlFor: target },
    titleOf(name, field),
    field.required ? h("span", { className: "must" }, " (required)") : null,
  );
}

function check(name: string, field: Field): Control {
  const input = h("input", { type: "checkbox", id: uniqueId(name) });
  const fault = faultLine(input);
  return {
    element: h("div", { className: "field check" }, input, labelOf(name, field, input.id), fault.element),
    read: () => input.checked,
    write: (value) => (input.checked = value === true),
    fail: fault.show,
    focus: () => input.focus(),
  };
}

/** The control of a plain field. */
export function control(name: string, field: Field): Control {
  if (field.type === "boolean") return check(name, field);
  const [input, codec] = inputOf(field);
  input.id = uniqueId(name);
  input.required = field.required === true;
  const fault = faultLine(input);
  const many = (field.type === "list" || field.type === "set") && h("p", { className: "hint" }, "Separate with commas.");
  const wide = input instanceof HTMLTextAreaElement || name === "title";
  return {
    element: h("div", { className: wide ? "field wide" : "field" }, labelOf(name, field, input.id), input, many, fault.element),
    read: () => codec.take(input.value),
    write: (value) => (input.value = codec.show(value)),
    fail: fault.show,
    focus: () => input.focus(),
  };
}
