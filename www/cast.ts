// Who plays in the demo: the applications, the person, the two devices.

/** The applications, and the person whose devices are shown. */
export const APPS = {
  dcmms: { label: "Work orders", tenant: "northwind", user: "u-amara", name: "Amara Okafor", roles: ["supervisor"] },
  goalflow: { label: "Goals", tenant: "lumen", user: "u-amara", name: "Amara Okafor", roles: [] as string[] },
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
