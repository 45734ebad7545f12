// The demo's signs. Each state has a shape of its own: colour only repeats what shape and word say.

const NS = "http://www.w3.org/2000/svg";

const PATHS = {
  check: "M3.5 8.5l3 3 6-7",
  up: "M8 13V3.5M4 7l4-4 4 4",
  sync: "M13 5.5A5.5 5.5 0 0 0 3.2 5M3 2v3.2h3.2M3 10.5a5.5 5.5 0 0 0 9.8.5M13 14v-3.2H9.8",
  unplugged: "M2 2l12 12M5.5 5.5v2a2.5 2.5 0 0 0 3.8 2.1M10.5 7.5V5M6.5 5V2M10 4.5V2M8 10.5V14",
  plugged: "M5.5 5h5v2.5a2.5 2.5 0 0 1-5 0zM6.5 5V2M9.5 5V2M8 10v4",
  warn: "M8 2.5l6 11H2zM8 6.5v3.2M8 11.6v.2",
  cross: "M4 4l8 8M12 4l-8 8",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3l7.5 5L5 13z",
  plus: "M8 3v10M3 8h10",
  back: "M10 3L5 8l5 5",
  next: "M6 3l5 5-5 5",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.8 10.8L14 14",
  bin: "M3 4.5h10M6.5 4V2.5h3V4M4.5 4.5l.6 9h5.8l.6-9M6.8 7v4M9.2 7v4",
  queue: "M2.5 4h11M2.5 8h11M2.5 12h6",
  phone: "M5 1.8h6a1 1 0 0 1 1 1v10.4a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V2.8a1 1 0 0 1 1-1zM7.2 12.2h1.6",
  laptop: "M3.5 3h9v7h-9zM1.5 12.5h13",
  dots: "M3.5 8h.1M8 8h.1M12.4 8h.1",
} as const;

/** The name of a sign. */
export type IconName = keyof typeof PATHS;

/** A sign, hidden from screen readers: a word always stands beside it. */
export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(NS, "path");
  path.setAttribute("d", PATHS[name]);
  svg.appendChild(path);
  return svg;
}
