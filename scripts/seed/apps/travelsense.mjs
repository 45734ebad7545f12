// Trips, bookings, profiles and preferences of people who travel for work and for themselves.
import { email, nameOf, phone } from "../names.mjs";
import { PEOPLE, fullName } from "../people.mjs";

/** [place, country, latitude, longitude, currency, airport] */
const PLACES = [
  ["Reykjavík", "IS", 64.15, -21.94, "ISK", "KEF"],
  ["São Paulo", "BR", -23.55, -46.63, "BRL", "GRU"],
  ["Zürich", "CH", 47.38, 8.54, "CHF", "ZRH"],
  ["Kraków", "PL", 50.06, 19.94, "PLN", "KRK"],
  ["Đà Nẵng", "VN", 16.07, 108.22, "VND", "DAD"],
  ["Львів", "UA", 49.84, 24.03, "UAH", "LWO"],
  ["Αθήνα", "GR", 37.98, 23.73, "EUR", "ATH"],
  ["مراكش", "MA", 31.63, -7.99, "MAD", "RAK"],
  ["عمّان", "JO", 31.95, 35.93, "JOD", "AMM"],
  ["जयपुर", "IN", 26.91, 75.79, "INR", "JAI"],
  ["成都", "CN", 30.57, 104.07, "CNY", "CTU"],
  ["京都", "JP", 35.01, 135.77, "JPY", "ITM"],
  ["Tromsø", "NO", 69.65, 18.96, "NOK", "TOS"],
  ["Wellington / Te Whanganui-a-Tara", "NZ", -41.29, 174.78, "NZD", "WLG"],
  ["Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch", "GB", 53.22, -4.2, "GBP", "VLY"],
];

const TITLES = [
  "Long weekend in {}",
  "{} 🏔️ on foot",
  "Conference, {}",
  "Mit den Kindern nach {}",
  "Voyage de noces – {} 💍",
  "Vacaciones en {}",
  "Поездка: {}",
  "{} की यात्रा",
  "{}之行",
  "رحلة إلى {}",
  "{}",
];

const STOPS = [
  "Breakfast at the market",
  "Museum, closed on Mondays",
  "Wanderung zum Wasserfall (gute Schuhe!)",
  "Café avec Zoé",
  "Поезд в 7:40, платформа меняется",
  "看日出 🌅",
  "جولة في المدينة القديمة",
  "सूर्यास्त के समय किले पर",
  "🛁",
];

const NOTES = [
  "The key is in a box by the door, code on the back of the confirmation.",
  "Vegetarian for two, no nuts.",
  "Letzter Bus zurück 21:14, danach nur Taxi.",
  "Prévoir des espèces : la carte n’est pas acceptée au refuge.",
  "Llevar adaptador de enchufe y el seguro impreso.",
  "Документы на въезд проверить ещё раз за неделю.",
  "होटल शाम आठ बजे के बाद फ़ोन नहीं उठाता।",
  "行李限重十公斤，超重要现场付费。",
  "الموعد بتوقيت المكان، لا بتوقيت البيت.",
  "Ask for the quiet side 😴",
];

const LONG = [
  "Day one: arrive, sleep, nothing else.\n\nDay two: the harbour before nine, while the boats come in; coffee at the",
  "place with the blue door (no sign, ask for Dvořák). If it rains, the museum; if it does not, the ridge: 14 km, 620 m",
  "up, a hut halfway that is open on weekends only.\n\nTag drei: ausschlafen, Wäsche, Postkarten. Die Fähre fährt nur bis",
  "Windstärke 7 – vorher anrufen!\n\nDía cuatro: el mercado, la plaza, la siesta; por la noche, el concierto (entradas en",
  "el correo del 3).\n\nДень пятый: ничего не планировать.\n\n第六天： 给外婆买礼物，不要茶叶，她有太多了。\n\nاليوم الأخير: نترك الحقائب في",
  "الفندق حتى الرابعة.\n\nआख़िरी शाम: सबके साथ खाना। 🍲",
].join(" ");

const PREFERENCES = {
  language: ["cs", "en", "ar", "hi", "zh-Hant"],
  units: ["metric", "imperial"],
  seat: ["window", "aisle", { row: "exit" }],
  meal: ["vegetarian", "halal", "koscher", "素食", "none"],
  notification: [true, false],
  pace: ["slow", "as much as possible 🏃"],
};

const STATES = { planned: 35, booked: 25, ongoing: 5, completed: 30, cancelled: 5 };
const MAKES = { flight: "Sky Ísland", hotel: "Hôtel du Lac", train: "České dráhy", car: "ऑटो रेंट", ferry: "Αιγαίο Lines" };
const day = (date, days) => new Date(Date.parse(date) + days * 86_400_000).toISOString().slice(0, 10);
const hex = (random, count) => Array.from({ length: count }, () => random.int(0, 15).toString(16)).join("");
const names = (row, { random }) => Array.from({ length: random.int(0, 3) }, () => nameOf(random)).filter(unlike);
const unlike = (name, at, all) => all.indexOf(name) === at;
const code = (row, { random }) => hex(random, 6).toUpperCase();

/** Some weeks before a day, and not after today. */
const before = (date, { random, now }) => random.time(Math.min(Date.parse(date), now), -60, -5);

/** A trip of somebody, before, around or after today. */
function trip({ random, now }) {
  const [place, country, lat, lng, currency] = random.pick(PLACES);
  const status = random.weighted(STATES);
  const [low, high] = { completed: [-400, -20], ongoing: [-4, -1] }[status] ?? [5, 200];
  const startDate = random.time(now, low, high).slice(0, 10);
  return {
    ...{
      userId: random.chance(0.6) ? PEOPLE[0].id : random.pick(PEOPLE).id,
      title: random.pick(TITLES).replace("{}", place),
      status,
    },
    ...{ destination: place, country, currency, location: { lat, lng }, startDate, endDate: day(startDate, random.int(1, 16)) },
  };
}

/** A booking for a trip: within its days, by the person whose trip it is, with a status that follows the trip's. */
function booking({ random, trip: of }) {
  const type = random.pick(["flight", "hotel", "train", "bus", "ferry", "car", "activity"]);
  const startAt = `${of.startDate}T${String(random.int(5, 22)).padStart(2, "0")}:${random.pick(["00", "15", "40"])}:00.000Z`;
  const status =
    { completed: "completed", cancelled: "cancelled" }[of.status] ?? random.weighted({ confirmed: 70, pending: 20, changed: 10 });
  return {
    ...{ userId: of.userId, tripId: of._id, type, status, startAt, currency: of.currency, provider: MAKES[type] ?? null },
    ...{ title: `${type === "activity" ? random.pick(STOPS) : (MAKES[type] ?? "Linea 4")} · ${of.destination}` },
    endAt:
      type === "hotel"
        ? `${of.endDate}T10:00:00.000Z`
        : new Date(Date.parse(startAt) + random.int(1, 14) * 3_600_000).toISOString(),
  };
}

export default {
  tenant: "wayfarer",
  size: 700,
  words: { short: ["♥", "später", "à voir", "потом", "待定", "لاحقاً", "बाद में", "ok"], notes: NOTES, long: LONG },
  id: (entity, at, { random, now }) => Math.floor(now / 1000 - random.int(0, 9e6)).toString(16) + hex(random, 16),
  entities: {
    profile: {
      rows: PEOPLE.map((person) => ({ userId: person.id, displayName: fullName(person) })),
      fields: {
        email: (row, { random }) => email(random),
        phone: (row, { random }) => phone(random),
        birthDate: (row, { random, now }) => random.time(now, -25_000, -7_000).slice(0, 10),
        nationality: PLACES.map(([, country]) => country),
        passportNumber: code,
        homeAirport: PLACES.map((place) => place[5]),
        languages: (row, { random }) => random.some(PREFERENCES.language, random.int(1, 3)),
        emergencyContact: (row, { random }) => ({ name: nameOf(random), phone: phone(random) }),
        loyaltyPrograms: (row, { random }) =>
          Object.values(MAKES)
            .slice(0, random.int(0, 3))
            .map((name, at) => ({ programId: `p${at + 1}`, name, number: hex(random, 9), points: random.int(0, 90_000) })),
      },
    },
    preference: {
      rows: PEOPLE.flatMap(({ id }) => Object.keys(PREFERENCES).map((category) => ({ userId: id, category, name: category }))),
      fields: { value: (row, { random }) => random.pick(PREFERENCES[row.category]) },
    },
    trip: {
      rows: (maker) => Array.from({ length: maker.size }, () => trip(maker)),
      fields: {
        createdAt: (row, maker) => before(row.startDate, maker),
        budget: (row, { random }) => random.int(2, 80) * 50,
        companions: names,
        itinerary: (row, { random }) =>
          random.some(STOPS, random.int(0, 6)).map((title, at) => ({
            itemId: `i${at + 1}`,
            day: day(row.startDate, at),
            title,
            place: row.destination,
            done: row.status === "completed",
          })),
        notes: (row, maker) => maker.text(),
        tags: (row, { random }) => random.some(["beach", "été", "горы", "家人", "عمل", "भोजन", "🚲"], random.int(0, 3)),
      },
    },
    booking: {
      rows: (maker) => {
        const { random } = maker;
        return Array.from({ length: maker.size * 2 }, () => booking({ random, trip: maker.one("trip") }));
      },
      fields: {
        createdAt: (row, maker) => before(row.startAt, maker),
        confirmationCode: code,
        from: (row, { random }) => (["flight", "train", "bus", "ferry"].includes(row.type) ? random.pick(PLACES)[0] : null),
        to: (row) => row.title.split(" · ")[1],
        price: (row, { random }) => random.int(900, 90_000) / 100,
        travellers: names,
        seats: (row, { random }) => (row.type === "flight" ? [`${random.int(1, 38)}${random.pick(["A", "C", "F"])}`] : []),
        notes: (row, maker) => maker.text(),
      },
    },
  },
};
