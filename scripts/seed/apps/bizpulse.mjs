// A corner shop with two tills: what it sells, to whom, and what is owed.
import { email, nameOf, phone } from "../names.mjs";

/** [name, unit, category, price of the smallest pack] */
const GOODS = [
  ["बासमती चावल · Basmati rice", "pack", "अनाज", 50],
  ["गेहूँ का आटा · Wheat flour", "pack", "अनाज", 42],
  ["तूर दाल · Toor dal", "pack", "अनाज", 88],
  ["सरसों का तेल · Mustard oil", "l", "तेल", 160],
  ["चाय पत्ती · Assam tea", "pack", "पेय", 120],
  ["Crème fraîche", "piece", "crèmerie", 95],
  ["Jalapeños en escabeche", "piece", "conservas", 140],
  ["Müsli, ungesüßt", "pack", "Frühstück", 230],
  ["Гречка", "pack", "крупы", 110],
  ["Квашена капуста", "kg", "соління", 70],
  ["زيت زيتون بكر", "l", "زيوت", 640],
  ["تمر المجهول", "pack", "فواكه", 380],
  ["زعفران", "g", "توابل", 450],
  ["老抽酱油", "piece", "调料", 85],
  ["龙井茶", "g", "茶", 12],
  ["Mint chutney 🌿", "piece", "sauces", 60],
  ["Soap, unscented", "piece", "household", 38],
  ["Candles 🕯️ (6)", "pack", "household", 55],
  ["Smažený hermelín", "piece", "chlazené", 120],
  ["Sữa đặc", "piece", "sữa", 48],
];
const PACKS = ["250 g", "500 g", "1 kg", "2 kg", "5 kg"];
const MAKERS = ["", "Annapurna", "Søstrene", "農家", "البركة"];

const NOTES = [
  "Pays on Fridays.",
  "Deliver to the back door, the bell does not work.",
  "बिना थैली के दें।",
  "Pagó la mitad; el resto el lunes.",
  "Сдачу оставил на счёте.",
  "需要发票，抬头见名片。",
  "يأخذ البضاعة مساءً فقط.",
  "Retour : sachet percé, remplacé.",
  "Kommt mit Hund 🐕",
];

const LONG = [
  "Terms for regular customers, as agreed with the association on the market square:\n\n1. Credit is given by name, never",
  "by household. Whoever signs owes.\n2. उधार महीने के अंत में चुकाया जाए; त्योहार के महीने में दस दिन की छूट।\n3. Goods",
  "that were opened are taken back only if they were bad when opened, on the same day, with the receipt.\n4. Цена",
  "действует на день покупки, а не на день заказа.\n5. 赊账超过额度时，请先结清再取货。 \n6. لا خصم على السلع المدعومة.\n7. Le solde est",
  "relu à voix haute une fois par mois, café compris.\n\nAnything else is decided by whoever stands at the till, and what",
  "they decide holds until the evening. Complaints go into the blue book, not to the boy who carries the bags. 📘",
].join(" ");

const money = (number) => Math.round(number * 100) / 100;

/** A sale of a few lines; its total is what the lines come to. */
function sale(maker) {
  const { random, now } = maker;
  const buyer = random.chance(0.45) ? maker.one("customer") : undefined;
  const items = random.some(maker.all("product"), random.int(1, 6)).map(({ id, name, price }, at) => {
    return { line: at + 1, product_id: id, name, quantity: random.pick([1, 1, 1, 2, 3, 0.5, 12]), price };
  });
  const total_amount = money(items.reduce((sum, { quantity, price }) => sum + quantity * price, 0));
  const sale_date = Date.parse(random.time(now, -60, 0));
  return { customer_id: buyer?.id ?? null, customer_name: buyer?.name ?? null, items, total_amount, sale_date };
}

/** What was paid for a sale, all of it or a part. */
function payment(maker) {
  const { id, customer_id, total_amount, sale_date } = maker.one("sale");
  const amount = maker.random.chance(0.8) ? total_amount : money(total_amount / 2);
  return { sale_id: id, customer_id, amount, paid_at: sale_date + maker.random.int(0, 20) * 3_600_000 };
}

export default {
  tenant: "corner-shop",
  size: 1200,
  words: { short: ["✓", "ठीक है", "siehe Buch", "позже", "稍后", "لاحقاً", "déjà payé", "ok"], notes: NOTES, long: LONG },
  id: (entity, at, { random, now }) =>
    entity === "sale" ? `S${String(at + 1).padStart(3, "0")}` : random.uuid(now - random.int(0, 90) * 86_400_000),
  entities: {
    product: {
      rows: ({ size }) =>
        GOODS.flatMap(([name, unit, category, price]) =>
          PACKS.flatMap((pack, at) =>
            MAKERS.map((maker) => ({
              name: `${maker} ${name} ${pack}`.trim(),
              unit,
              category,
              price: money(price * (at + 1) * 0.95),
            })),
          ),
        ).slice(0, Math.max(24, Math.round(size / 3))),
      fields: {
        stock: (row, { random }) => random.int(-2, 400),
        cost: (row) => money(row.price * 0.8),
        reorder_at: (row, { random }) => random.int(0, 30),
        sku: (row, { random }) => `890${random.int(1e9, 9e9)}`,
        description: (row, maker) => maker.text(),
        tags: (row, { random }) => random.some(["bio", "नया", "скидка", "促销", "حلال"], random.int(0, 2)),
      },
    },
    customer: {
      rows: ({ size }) => Math.max(12, Math.round(size / 4)),
      fields: {
        name: (row, { random }) => nameOf(random),
        phone: (row, { random }) => phone(random),
        email: (row, { random }) => email(random),
        address: ["Náměstí Míru 4", "١٢ شارع السوق", "गली नंबर 3, पुराना बाज़ार", "人民路 88 号", "Rua do Comércio, 9 – 2.º esq."],
        balance: (row, { random }) => random.int(-20, 60) * 25,
        credit_limit: (row, { random }) => random.int(0, 20) * 500,
        note: (row, maker) => maker.text(),
        tags: (row, { random }) => random.some(["stálý", "थोक", "VIP ⭐"], random.int(0, 2)),
      },
    },
    sale: {
      rows: (maker) => Array.from({ length: maker.size }, () => sale(maker)),
      fields: {
        payment_method: (row, { random }) =>
          row.customer_id ? random.pick(["credit", "upi", "cash"]) : random.pick(["cash", "card", "upi"]),
        status: (row, { random }) => random.weighted({ paid: 88, open: 8, refunded: 3, void: 1 }),
        sold_by: ["till-1", "till-2"],
        created_at: (row) => new Date(row.sale_date).toISOString(),
      },
    },
    payment: {
      rows: (maker) => Array.from({ length: Math.round(maker.size / 2) }, () => payment(maker)),
      fields: { reference: (row, { random }) => `R-${random.int(10_000, 99_999)}` },
    },
    setting: {
      rows: [
        ["Shop name", "कोने की दुकान – Corner Shop"],
        ["Currency", "INR ₹"],
        ["Tax, in %", 5],
        ["Round to", 0.5],
        ["Receipt footer", "धन्यवाद · Děkujeme · شكراً · 谢谢 🙏"],
        ["Sell below nothing", true],
      ].map(([name, value]) => ({ name, value })),
    },
    report: {
      rows: ({ size }) => Math.round(size / 40),
      fields: {
        name: ["Umsatz der Woche", "Stock below reorder", "कर विवरण", "客户欠款"],
        status: (row, { random }) => random.weighted({ ready: 80, requested: 15, failed: 5 }),
        result: (row, { random }) =>
          row.status === "ready" ? { total: random.int(1000, 99_999), rows: random.int(3, 80) } : null,
      },
    },
    backup: {
      rows: 6,
      fields: { note: ["nightly", "před inventurou"], checksum: null, size: (row, { random }) => random.int(1e5, 9e6) },
    },
    analytics: {
      rows: ({ size }) => Math.round(size / 4),
      fields: {
        event: ["scan", "drawer", "search"],
        properties: (row, { random }) => ({ ms: random.int(3, 900) }),
        at: (row, { random, now }) => Date.parse(random.time(now, -30, 0)),
      },
    },
  },
};
