// Who plays in the demo: the applications, the person, the two devices.

const SITES = ["site-kano-north", "site-sevilla-2", "site-pune-east"];

/** The applications, and the person whose devices are shown. */
export const APPS = {
  dcmms: {
    ...{ label: "Work orders", tenant: "northwind", user: "u-amara", name: "Amara Okafor" },
    ...{ roles: ["supervisor"], lists: { sites: SITES } },
  },
  goalflow: { label: "Goals", tenant: "lumen", user: "u-amara", name: "Amara Okafor", roles: [] as string[], lists: {} },
} as const;

/** An application of the demo. */
export type App = keyof typeof APPS;

/** The names of the two devices. */
export const NAMES = { a: "Phone", b: "Laptop" } as const;

/** One of the two. */
export type DeviceId = keyof typeof NAMES;

/** What a device tells the page around it. */
export interface Told {
  word: string;
}
