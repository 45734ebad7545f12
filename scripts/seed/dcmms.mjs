// Work orders of solar plants on four continents: short and long texts in several scripts, as technicians write them.
import { PEOPLE, fullName } from "./people.mjs";

const SITES = ["site-kano-north", "site-sevilla-2", "site-pune-east", "site-odesa-1", "site-qinghai-7", "site-aqaba"];

/** What is done to what: [work, kind of asset], in the language of whoever wrote it. */
const WORK = [
  ["Replace inverter cooling fan", "inverter"],
  ["Inspect string combiner box", "combiner box"],
  ["Thermography of the medium-voltage transformer", "transformer"],
  ["Clean pyranometer and check its level", "weather station"],
  ["Torque check of DC terminals", "combiner box"],
  ["🔥 Hot spot reported by drone flight", "module row"],
  ["⚡ Earth fault: find the string and isolate it", "string"],
  ["Tracker stalls at 14° in the afternoon", "tracker"],
  ["Battery rack: replace module and rebalance", "battery rack"],
  ["Grass cutting before the fire season 🌾", "site"],
  ["Revisión del seguidor solar: ruido en el motor de giro", "tracker"],
  ["Reparación urgente: fusible quemado en la caja de conexión", "combiner box"],
  ["Limpieza de módulos después de la calima", "module row"],
  ["Révision annuelle du transformateur élévateur", "transformer"],
  ["Contrôle d’étanchéité : boîte de jonction détrempée", "combiner box"],
  ["Überprüfung der Schutzrelais, Protokoll für den Netzbetreiber", "switchgear"],
  ["Substituição do disjuntor de média tensão", "switchgear"],
  ["Výměna ventilátoru měniče – hlučný chod", "inverter"],
  ["Thay quạt làm mát của bộ biến tần", "inverter"],
  ["Замена вентилятора инвертора", "inverter"],
  ["Проверить изоляцию кабеля после паводка", "cable"],
  ["Щорічний огляд трансформатора: відбір проби оливи", "transformer"],
  ["इन्वर्टर का पंखा बदलें", "inverter"],
  ["ट्रांसफार्मर के तेल की जाँच करें", "transformer"],
  ["मॉड्यूल की सफ़ाई – धूल भरी आँधी के बाद", "module row"],
  ["更换逆变器冷却风扇", "inverter"],
  ["检查汇流箱接线端子并拧紧", "combiner box"],
  ["无人机巡检：第十二排组件热斑", "module row"],
  ["استبدال مروحة تبريد العاكس", "inverter"],
  ["فحص لوحة التوزيع وقياس العزل", "switchgear"],
  ["تنظيف الألواح بعد العاصفة الرملية", "module row"],
];

const NOTES = [
  "Alarm 3021 twice this week, each time shortly after noon.",
  "Bring the insulated torque wrench; the one on site is out of calibration.",
  "El portón norte solo se abre con la llave nueva. Llamar antes a la garita: después de las 18 h no hay nadie.",
  "Accès par la piste sud uniquement, le radier est coupé depuis l’orage. Prévoir les chaînes.",
  "Zwei Personen erforderlich (Arbeiten unter Spannung in der Nähe). Freischaltung bei der Leitwarte anmelden.",
  "После замены измерить ток на каждой фазе и приложить фотографию шильдика.",
  "काम शुरू करने से पहले आइसोलेटर पर ताला लगाएँ और परमिट की प्रति साथ रखें।",
  "停电前请与调度确认，完成后恢复遥信并拍照存档。",
  "يرجى إبلاغ غرفة التحكم قبل فصل التيار، والتأكد من وضع الأقفال والبطاقات.",
  "Last time the spare did not fit: the bracket is the old 120 mm type. Measure first. 📐",
  "Customer asks for before/after photos with the string number readable.",
  "Snakes seen near row 40 🐍 – wear the high boots.",
];

const LONG = [
  "History: the unit tripped on over-temperature on three consecutive days (12:40, 12:55, 13:10). The first technician",
  "reset it and found nothing; the second measured 71 °C at the heat sink with the fan running at about half its speed.",
  "The filter mat was clean.\n\nPlease do, in this order:\n1. Isolate DC and AC, lock and tag, wait fifteen minutes, prove dead.",
  "\n2. Measure the winding resistance of the fan motor (should be 36 ± 2 Ω) and look for rubbing marks on the shroud.",
  "\n3. Replace the fan as a whole, not only the bearing. Use the screws from the kit – the old ones are of the wrong grade.",
  "\n4. Clear the counter under Service → Thermal → Reset, and watch one hour of full load.\n\nIf the temperature still",
  "rises above 60 °C, do not leave it running over the weekend. Write down the readings here, also those that look normal:",
  "«нормально» и «как всегда» ничего не говорят следующей смене; 请写具体数值；من فضلك اكتب القيم بالأرقام.",
].join(" ");

const TASKS = [
  "Isolate and lock",
  "Prove dead",
  "Take photo of name plate",
  "Measure",
  "Replace part",
  "Torque terminals",
  "Restore",
  "Sign off",
];

const PARTS = [
  ["Cooling fan 120 mm, 24 V DC", "pcs"],
  ["Fuse gPV 15 A, 1000 V", "pcs"],
  ["Fuse gPV 20 A, 1500 V", "pcs"],
  ["MC4 connector pair", "pairs"],
  ["Solar cable 6 mm², black", "m"],
  ["Filter mat G4", "pcs"],
  ["Transformer oil, inhibited", "l"],
  ["Surge arrester type 2", "pcs"],
  ["Torque-marking lacquer", "tubes"],
  ["Tracker slewing motor", "pcs"],
  ["Battery module LFP 5.1 kWh", "pcs"],
  ["Cable ties, UV resistant (100)", "bags"],
  ["Desiccant cartridge – силикагель", "pcs"],
  ["Étiquette de consignation", "pcs"],
  ["绝缘手套 1000 V", "pairs"],
  ["مفتاح قاطع 63 أمبير", "pcs"],
];

const MAKERS = {
  inverter: "Sungrow",
  transformer: "Siemens Energy",
  tracker: "Soltec",
  "battery rack": "BYD",
  "combiner box": "Weidmüller",
};

const number = (value, width) => String(value).padStart(width, "0");

function assets(random, count) {
  const kinds = [...new Set(WORK.map(([, kind]) => kind))].filter((kind) => kind !== "site");
  return Array.from({ length: count }, (_, at) => {
    const kind = kinds[at % kinds.length];
    const id = `AST-${number(at + 1, 4)}`;
    return {
      ...{ assetId: id, id, siteId: SITES[at % SITES.length], type: kind, category: kind, name: `${kind} ${at + 1}` },
      ...{
        manufacturer: MAKERS[kind] ?? "Schneider Electric",
        model: `${kind.slice(0, 2).toUpperCase()}-${random.int(100, 990)}`,
      },
      status: random.weighted({ operational: 80, degraded: 12, down: 5, maintenance: 3 }),
      location: { row: random.int(1, 60), position: random.pick(["A", "B", "C"]), lat: 37.4 + random.int(0, 999) / 1e4 },
      description: `${kind} ${at + 1}, ${random.pick(["north field", "campo sur", "восточное поле", "北区"])}`,
    };
  });
}

function inventory(random) {
  return PARTS.map(([description, unit], at) => ({
    ...{ partId: `PRT-${number(at + 1, 4)}`, id: `PRT-${number(at + 1, 4)}`, description, name: description, unit },
    ...{ siteId: SITES[at % SITES.length], quantityAvailable: random.int(0, 240), quantity: random.int(0, 240) },
  }));
}

function users() {
  return PEOPLE.map((person) => ({
    ...{ userId: person.id, id: person.id, email: `${person.id.slice(2)}@northwind.example`, name: fullName(person) },
    ...{ firstName: person.first, lastName: person.last, role: person.role, skills: person.skills, siteIds: SITES.slice(0, 3) },
  }));
}

function description(random) {
  if (random.chance(0.08)) return LONG;
  return random.some(NOTES, random.int(0, 3)).join(" ");
}

function tasks(random, done) {
  return random.some(TASKS, random.int(2, 6)).map((title, at) => ({
    ...{ taskId: `T${at + 1}`, id: `T${at + 1}`, title, description: title },
    ...{ completed: done || random.chance(0.2), done, status: done ? "completed" : "pending" },
  }));
}

function workOrder(random, at, { now, allAssets, parts }) {
  const [what, kind] = random.pick(WORK);
  const candidates = allAssets.filter((asset) => asset.type === kind);
  const asset = candidates.length > 0 ? random.pick(candidates) : undefined;
  const status = random.weighted({
    assigned: 42,
    "in-progress": 20,
    "on-hold": 8,
    open: 12,
    completed: 14,
    closed: 3,
    cancelled: 1,
  });
  const start = random.time(now, -20, 25);
  const id = `WO-${number(at + 1, 5)}`;
  const use = () => random.some(parts, random.int(0, 2)).map(({ partId }) => ({ partId, qty: random.int(1, 6), quantity: 1 }));
  return {
    ...{ workOrderId: id, id, siteId: asset?.siteId ?? random.pick(SITES), assetId: asset?.assetId },
    type: kind === "site" ? "preventive" : random.weighted({ corrective: 40, preventive: 35, inspection: 20, emergency: 5 }),
    title: asset && random.chance(0.7) ? `${what} · ${asset.assetId}` : what,
    description: description(random),
    priority: random.weighted({ low: 20, medium: 45, high: 25, critical: 10 }),
    ...{ status, assignedTo: random.chance(0.7) ? PEOPLE[0].id : random.pick(PEOPLE).id, createdBy: random.pick(PEOPLE).id },
    ...{ scheduledStart: start, scheduledEnd: new Date(Date.parse(start) + random.int(1, 9) * 3_600_000).toISOString() },
    tasks: tasks(random, status === "completed" || status === "closed"),
    ...{ partsRequired: use(), partsUsed: [], laborRecords: [], attachments: [] },
    ...{
      createdAt: random.time(now, -40, -21),
      updatedAt: random.time(now, -20, 0),
      notes: random.chance(0.3) ? random.pick(NOTES) : "",
    },
  };
}

/** Records by entity; `count` work orders. Fields the schema does not know are dropped later. */
export function dcmms(random, { now, count }) {
  const allAssets = assets(random, 120);
  const parts = inventory(random);
  const orders = Array.from({ length: count }, (_, at) => workOrder(random, at, { now, allAssets, parts }));
  return { user: users(), asset: allAssets, inventory: parts, work_order: orders };
}
