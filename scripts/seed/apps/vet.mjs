// Clients of a veterinary practice, their animals, the visits and what was found.
import { email, nameOf, phone } from "../names.mjs";
import { PEOPLE, fullName } from "../people.mjs";

const BREEDS = {
  dog: ["Border Collie", "Český fousek", "Perro de agua español", "柴犬", "Mischling"],
  cat: ["European Shorthair", "Maine Coon", "Ангорская", "狸花猫"],
  rabbit: ["Zwergwidder", "Nain bélier"],
  bird: ["Wellensittich", "حمام زاجل"],
  horse: ["Íslenskur hestur", "मारवाड़ी", "عربي أصيل"],
  reptile: ["Testudo hermanni"],
  rodent: ["Guinea pig", "Křeček"],
};
const ANIMALS = [
  "Móri",
  "Žofka",
  "Señor Bigotes",
  "Бублик",
  "मोती",
  "豆豆",
  "عنتر",
  "Øyvind",
  "Noël",
  "🐾",
  "Sir Barks-a-lot III",
  "Zé",
];

const REASONS = [
  "Yearly check and vaccination",
  "Limps since Sunday",
  "Zahnstein, frisst schlecht",
  "Vomissements depuis hier soir",
  "Picazón en las orejas",
  "Чип и паспорт для поездки",
  "टीकाकरण",
  "复查：术后第十天",
  "فحص بعد حادث سيارة 🚑",
  "Stříhání drápků",
];

const NOTES = [
  "Bites. Muzzle before the thermometer.",
  "Owner works nights; call after four.",
  "Verträgt kein Penicillin.",
  "À jeun depuis la veille, comme demandé.",
  "Se asusta con la máquina de afeitar; sin ruido.",
  "Слизистые розовые, СНК меньше двух секунд.",
  "भूख सामान्य, पानी कम पी रहा है।",
  "体温正常，心音清晰，无杂音。",
  "الجرح نظيف ولا يوجد تورّم.",
  "Very good boy. 🦴",
];

const LONG = [
  "History as told by the owner: found in the garden on Tuesday, hind legs weak, no wound to be seen. Drank, did not eat;",
  "carried in a blanket. On Wednesday better, on Thursday worse again. No change of food, no poison known, the",
  "neighbour's dog is well.\n\nFindings: T 39.4 °C, P 132, R 36; mucous membranes pale pink, CRT 2 s. Pain on pressure",
  "L4–L6, reflexes of the left hind leg weakened. \n\nÖsophagus und Magen ohne Befund; Röntgen seitlich: Verdacht auf",
  "Diskopathie, kein Bruch.\n\nДифференциально: травма, клещевой паралич, тромбоз аорты (пульс на бедренной артерии есть",
  "с обеих сторон).\n\n建议：严格静养两周，每日两次检查排尿；若无法站立立即复诊。\n\nالخطة: مسكّن لمدة خمسة أيام، ثم إعادة الفحص.\n\nमालिक को घर पर",
  "व्यायाम समझाया गया।\n\nExplained twice, written down once, with drawings. 📝",
].join(" ");

const MEDICINES = [
  ["Meloxicam 1,5 mg/ml", "0.1 mg/kg"],
  ["Amoxicilline 250 mg", "2 × ½ comprimé"],
  ["马罗皮坦 16 mg", "每日一次"],
  ["قطرة للأذن", "٣ قطرات صباحاً ومساءً"],
];

const after = (time, minutes) => new Date(Date.parse(time) + minutes * 60_000).toISOString();

/** An animal and its kind. */
function pet({ random }) {
  const species = random.weighted({ dog: 45, cat: 35, rabbit: 6, bird: 4, horse: 4, reptile: 2, rodent: 3, other: 1 });
  return { species, breed: BREEDS[species] ? random.pick(BREEDS[species]) : null };
}

/** A visit of somebody's animal: the client is the animal's, and what lies behind today is over. */
function appointment(maker) {
  const { random, now } = maker;
  const { id, clientId } = maker.one("pet");
  const startsAt = random.time(now, -120, 45);
  const over = Date.parse(startsAt) < now;
  const status = random.weighted(
    over ? { completed: 88, cancelled: 7, no_show: 5 } : { scheduled: 85, requested: 10, cancelled: 5 },
  );
  return {
    petId: id,
    clientId,
    practitionerId: maker.one("practitioner").id,
    startsAt,
    endsAt: after(startsAt, random.int(1, 6) * 10),
    status,
  };
}

/** What was found at a visit that took place. */
const note = ({ id, petId, practitionerId, endsAt }) => ({
  appointmentId: id,
  petId,
  practitionerId,
  signedAt: endsAt,
  createdAt: endsAt,
});

export default {
  tenant: "four-paws",
  size: 500,
  words: { short: ["ok", "n. a.", "ohne Befund", "без изменений", "正常", "سليم", "सामान्य", "😺"], notes: NOTES, long: LONG },
  id: (entity, at) => String(1000 + at + 1),
  entities: {
    practitioner: {
      rows: PEOPLE.slice(0, 8).map((person) => ({ userId: person.id, name: `Dr. ${fullName(person)}`, active: true })),
      fields: {
        email: (row, { random }) => email(random),
        phone: (row, { random }) => phone(random),
        licence: (row, { random }) => `VET-${random.int(10_000, 99_999)}`,
        specialties: (row, { random }) =>
          random.some(["surgery", "Zahnheilkunde", "équine", "экзоты", "皮肤科"], random.int(1, 2)),
      },
    },
    client: {
      rows: ({ size }) => size,
      fields: {
        name: (row, { random }) => nameOf(random),
        email: (row, { random }) => email(random),
        phone: (row, { random }) => phone(random),
        address: ["Hlavní 12, 602 00 Brno", "Calle Ñandú 3, 4.º B", "شارع النخيل ٧", "गांधी मार्ग 21, पुणे", "延安西路 5 号 302 室"],
        balance: (row, { random }) => random.int(-4, 20) * 12.5,
        notes: (row, maker) => maker.text(),
        tags: (row, { random }) => random.some(["breeder", "Stammkunde", "приют", "VIP ⭐"], random.int(0, 2)),
      },
    },
    pet: {
      rows: (maker) => Array.from({ length: Math.round(maker.size * 1.5) }, () => pet(maker)),
      fields: {
        name: ANIMALS,
        birthDate: (row, { random, now }) => random.time(now, -5000, -60).slice(0, 10),
        weightKg: (row, { random }) => random.int(2, row.species === "horse" ? 6000 : 500) / 10,
        microchip: (row, { random }) => (random.chance(0.6) ? `9000${random.int(1e10, 9e10)}` : null),
        allergies: (row, { random }) => random.some(["penicillin", "poulet", "пыльца", "花粉"], random.int(0, 2)),
        lastVisitAt: (row, { random, now }) => random.time(now, -400, -1),
        deceased: (row, { random }) => random.chance(0.03),
      },
    },
    appointment: {
      rows: (maker) => Array.from({ length: Math.round(maker.size * 2.5) }, () => appointment(maker)),
      fields: { reason: REASONS, room: ["1", "2", "OP", "Stall 🐴"] },
    },
    "soap-note": {
      rows: (maker) =>
        maker
          .all("appointment")
          .filter(({ status }) => status === "completed")
          .map(note),
      fields: {
        assessment: REASONS,
        vitals: (row, { random }) => ({
          ...{ temperatureC: random.int(372, 398) / 10, pulse: random.int(60, 180) },
          ...{ respiration: random.int(12, 60), weightKg: random.int(2, 500) / 10 },
        }),
        medications: (row, { random }) =>
          random
            .some(MEDICINES, random.int(0, 2))
            .map(([name, dose], at) => ({ medicationId: `m${at + 1}`, name, dose, days: random.int(1, 21) })),
      },
    },
  },
};
