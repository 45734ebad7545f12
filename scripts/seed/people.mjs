// Who appears in the demo. The first of each application is the person whose two devices the demo shows.

export const PEOPLE = [
  { id: "u-amara", first: "Amara", last: "Okafor", role: "technician", skills: ["inverters", "high voltage"] },
  { id: "u-jose", first: "José", last: "Ibáñez Núñez", role: "technician", skills: ["trackers", "hydraulics"] },
  { id: "u-priya", first: "प्रिया", last: "शर्मा", role: "supervisor", skills: ["planning", "transformers"] },
  { id: "u-olga", first: "Ольга", last: "Кравченко", role: "technician", skills: ["thermography"] },
  { id: "u-wei", first: "伟", last: "陈", role: "technician", skills: ["scada", "networks"] },
  { id: "u-layla", first: "ليلى", last: "حداد", role: "supervisor", skills: ["safety", "quality"] },
  { id: "u-bjorn", first: "Bjørn", last: "Ås", role: "technician", skills: ["rope access", "cranes"] },
  { id: "u-zuzana", first: "Zuzana", last: "Dvořáková", role: "technician", skills: ["batteries"] },
  { id: "u-thuy", first: "Thùy", last: "Nguyễn", role: "technician", skills: ["drones", "thermography"] },
  { id: "u-sean", first: "Seán", last: "Ó Briain", role: "admin", skills: ["stores", "purchasing"] },
  { id: "u-mehmet", first: "Mehmet", last: "Yıldız", role: "technician", skills: ["civil works"] },
  { id: "u-ines", first: "Inês", last: "Conceição", role: "technician", skills: ["inverters", "scada"] },
];

/** A name as people write it. */
export const fullName = (person) => (/[一-鿿]/.test(person.last) ? person.last + person.first : `${person.first} ${person.last}`);
