// Elements from code: text is always text, never markup, so nothing a record holds can become an element.

type Child = Node | string | number | false | null | undefined;
type Props = Record<string, unknown>;

function set(element: Element, name: string, value: unknown): void {
  if (value === undefined || value === null || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value as EventListener);
  else if (name in element && !name.startsWith("aria") && name !== "list" && name !== "role") Reflect.set(element, name, value);
  else element.setAttribute(name === "className" ? "class" : name, value === true ? "" : String(value));
}

/** An element with properties (or attributes), listeners (`onclick`) and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) set(element, name, value);
  add(element, children);
  return element;
}

/** Appends what is there; `false`, `null` and `undefined` are nothing. */
export function add(parent: Node, children: Child[]): void {
  for (const child of children) {
    if (child === false || child === null || child === undefined) continue;
    parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Puts new children in place of the old ones. */
export function fill(parent: Element, ...children: Child[]): void {
  parent.replaceChildren();
  add(parent, children);
}

/** The element with this id; its absence is a fault of the page. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

let counter = 0;

/** An id that no other element of the page has. */
export function uniqueId(prefix: string): string {
  counter += 1;
  return `${prefix}-${counter}`;
}

/** Calls `work` once, `ms` after the last of many calls. */
export function calm<A extends unknown[]>(ms: number, work: (...args: A) => void): (...args: A) => void {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...args), ms) as unknown as number;
  };
}
