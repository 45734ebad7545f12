// Work orders of solar plants on four continents, as the technicians who do them write them.
import { PEOPLE } from "../people.mjs";

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

const KINDS = [...new Set(WORK.map(([, kind]) => kind))].filter((kind) => kind !== "site");
const STATES = { assigned: 42, "in-progress": 20, "on-hold": 8, open: 12, completed: 14, closed: 3, cancelled: 1 };
const MARKS = { "work-order": "WO", asset: "AST", inventory: "PRT" };
const ME = PEOPLE[0].id;
const someone = (row, { random }) => random.pick(PEOPLE).id;
const number = (value, width) => String(value).padStart(width, "0");
const later = (time, hours) => new Date(Date.parse(time) + hours * 3_600_000).toISOString();
const done = (row) => row.status === "completed" || row.status === "closed";

function tasks(row, { random }) {
  return random.some(TASKS, random.int(2, 6)).map((title, at) => {
    const completed = done(row) || random.chance(0.2);
    return { taskId: `T${at + 1}`, title, status: completed ? "completed" : "pending", completed };
  });
}

/** Work on an asset of the kind the work is for, at the asset's site. */
function order(maker) {
  const { random } = maker;
  const [title, kind] = random.pick(WORK);
  const assets = maker.all("asset").filter((asset) => asset.type === kind);
  const asset = assets.length > 0 ? random.pick(assets) : undefined;
  return {
    ...{ title: asset && random.chance(0.7) ? `${title} · ${asset.assetId}` : title, assetId: asset?.assetId ?? null },
    ...{ siteId: asset?.siteId ?? random.pick(SITES), type: kind === "site" ? "preventive" : undefined },
  };
}

/** Some parts, by the numbers they have in the first site's store. */
function use(row, { random }) {
  const parts = random.some([...PARTS.keys()], random.int(0, 2));
  return parts.map((at) => ({ partId: `PRT-${number(at + 1, 4)}`, qty: random.int(1, 6), unit: PARTS[at][1] }));
}

export default {
  tenant: "northwind",
  size: 1000,
  words: { short: ["OK", "⚠️", "Wait", "siehe Foto", "см. фото", "见照片", "انظر الصورة", "फ़ोटो देखें"], notes: NOTES, long: LONG },
  id: (entity, at) => `${MARKS[entity] ?? entity}-${number(at + 1, entity === "work-order" ? 5 : 4)}`,
  entities: {
    user_profile: {
      rows: PEOPLE.map(({ id, first, last, role, skills }) => ({
        ...{ userId: id, email: `${id.slice(2)}@northwind.example`, firstName: first, lastName: last, role, skills },
        siteIds: SITES.slice(0, 3),
      })),
    },
    asset: {
      rows: ({ size }) =>
        Array.from({ length: Math.max(12, Math.round(size / 8)) }, (_, at) => ({ type: KINDS[at % KINDS.length] })),
      fields: {
        siteId: SITES,
        category: (row) => row.type,
        manufacturer: (row) => MAKERS[row.type] ?? "Schneider Electric",
        model: (row, { random }) => `${row.type.slice(0, 2).toUpperCase()}-${random.int(100, 990)}`,
        status: (row, { random }) => random.weighted({ operational: 80, degraded: 12, down: 5, maintenance: 3 }),
        location: (row, { random }) => ({
          row: random.int(1, 60),
          position: random.pick(["A", "B", "C"]),
          lat: 37.4 + random.int(0, 999) / 1e4,
        }),
      },
    },
    inventory: {
      rows: SITES.flatMap((siteId) => PARTS.map(([description, unit]) => ({ description, unit, siteId }))),
      fields: { quantityAvailable: (row, { random }) => random.int(0, 240), supplier: ["Wago", "Phoenix", "本地供应商"] },
    },
    "work-order": {
      rows: (maker) => Array.from({ length: maker.size }, () => order(maker)),
      fields: {
        type: (row, { random }) => random.weighted({ corrective: 40, preventive: 35, inspection: 20, emergency: 5 }),
        priority: (row, { random }) => random.weighted({ low: 20, medium: 45, high: 25, critical: 10 }),
        status: (row, { random }) => random.weighted(STATES),
        assignedTo: (row, { random }) => (random.chance(0.7) ? ME : random.pick(PEOPLE).id),
        createdBy: someone,
        assetStatus: ["operational", "degraded", "down", null],
        scheduledStart: (row, { random, now }) => random.time(now, -20, 25),
        scheduledEnd: (row, { random }) => later(row.scheduledStart, random.int(1, 9)),
        actualStart: (row) => (row.status === "in-progress" || done(row) ? row.scheduledStart : null),
        actualEnd: (row) => (done(row) ? row.scheduledEnd : null),
        tasks,
        partsRequired: use,
        partsUsed: (row, maker) => (done(row) ? use(row, maker) : []),
        laborRecords: (row) =>
          done(row) ? [{ laborId: "1", userId: row.assignedTo, start: row.scheduledStart, end: row.scheduledEnd }] : [],
        attachments: () => [],
        measurements: (row, { random }) =>
          done(row)
            ? [{ measurementId: "1", name: "R iso", value: random.int(1, 500) / 10, unit: "MΩ", measuredAt: row.actualEnd }]
            : [],
        rootCause: (row, maker) => (done(row) ? maker.text() : null),
        completionNotes: (row, maker) => (done(row) ? maker.text() : null),
        customFields: (row, { random }) => (random.chance(0.2) ? { permit: `P-${random.int(100, 999)}`, "règle 42": true } : {}),
      },
    },
    attachment: {
      rows: ({ size }) => Math.round(size / 2),
      fields: {
        attachmentType: ["photo", "photo", "document"],
        fileName: (row, { random }) =>
          row.attachmentType === "photo"
            ? `IMG_${random.int(1000, 9999)}.jpg`
            : random.pick(["Prüfprotokoll.pdf", "شهادة.pdf", "合格证.pdf"]),
        mimeType: (row) => (row.attachmentType === "photo" ? "image/jpeg" : "application/pdf"),
        fileSize: (row, { random }) => random.int(40_000, 4_000_000),
        capturedBy: someone,
        location: (row, { random }) => ({ lat: 37.4 + random.int(0, 999) / 1e4, lng: -5.9 }),
        ...{ localFilePath: null, checksum: null },
      },
    },
    "usage-event": {
      rows: ({ size }) => Math.round(size / 2),
      fields: {
        event: ["open", "sync", "scan", "print"],
        userId: someone,
        properties: (row, { random }) => ({ ms: random.int(1, 900) }),
      },
    },
  },
};
