// A field that points to a record: one types, the device is searched, one picks. Keyboard as in the ARIA combobox pattern.
import { calm, fill, h, uniqueId } from "./dom.ts";
import { FieldFault, faultLine, labelOf, type Control } from "./fields.ts";
import type { Field } from "./schema.ts";

/** A record one can pick. */
export interface Choice {
  id: string;
  name: string;
}

/** Where choices come from. */
export interface Source {
  search(term: string): Promise<Choice[]>;
  name(id: string): Promise<string>;
}

function optionOf(choice: Choice, prefix: string): HTMLElement {
  const small =
    choice.name === choice.id ? null : h("small", {}, ` ${choice.id.length > 20 ? `${choice.id.slice(0, 8)}…` : choice.id}`);
  return h("li", { id: `${prefix}-${choice.id}`, role: "option", "aria-selected": "false", dir: "auto" }, choice.name, small);
}

/** The control of a reference. */
export function pickerControl(name: string, field: Field, source: Source): Control {
  const id = uniqueId(name);
  const combo = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": `${id}-list` };
  const input = h("input", { id, type: "text", autocomplete: "off", dir: "auto", placeholder: "Type to search", ...combo });
  const options = h("ul", { id: `${id}-list`, role: "listbox", "aria-label": "Choices", hidden: true });
  const fault = faultLine(input);
  let chosen: string | undefined;
  let shown: Choice[] = [];
  let active = -1;

  const close = () => {
    options.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const choose = (choice: Choice) => {
    chosen = choice.id;
    input.value = choice.name;
    close();
  };
  const mark = (next: number) => {
    active = shown.length === 0 ? -1 : (next + shown.length) % shown.length;
    [...options.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === active)));
    const option = options.children[active];
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
  };
  const open = (choices: Choice[]) => {
    shown = choices;
    fill(options, ...choices.map((choice) => optionOf(choice, id)));
    options.hidden = choices.length === 0 || document.activeElement !== input;
    input.setAttribute("aria-expanded", String(!options.hidden));
    active = -1;
  };
  const search = calm(120, (term: string) => void source.search(term).then(open, () => close()));

  input.addEventListener("input", () => {
    chosen = undefined;
    search(input.value);
  });
  input.addEventListener("focus", () => search(""));
  input.addEventListener("blur", () => close());
  // Pressing would take the focus away before the click arrives.
  options.addEventListener("pointerdown", (event) => event.preventDefault());
  options.addEventListener("click", (event) => {
    const choice = shown[[...options.children].indexOf((event.target as Element).closest("li") ?? options)];
    if (choice) choose(choice);
  });
  input.addEventListener("keydown", (event) => {
    const choice = shown[active];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (options.hidden) search("");
      else mark(active + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && choice && !options.hidden) {
      event.preventDefault();
      choose(choice);
    } else if (event.key === "Escape" && !options.hidden) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });

  return {
    element: h(
      "div",
      { className: "field" },
      labelOf(name, field, id),
      h("div", { className: "picker" }, input, options),
      fault.element,
    ),
    read: () => {
      if (chosen === undefined && input.value.trim() !== "") throw new FieldFault("Please pick one from the list.");
      return chosen;
    },
    write: (value) => {
      chosen = typeof value === "string" ? value : undefined;
      input.value = chosen ?? "";
      if (chosen)
        void source.name(chosen).then(
          (known) => (input.value = chosen === value ? known : input.value),
          () => undefined,
        );
    },
    fail: fault.show,
    focus: () => input.focus(),
  };
}
