// Goals, recognitions and check-ins of one company whose people write in their own languages.
import { phone } from "../names.mjs";
import { PEOPLE, fullName } from "../people.mjs";

const GOALS = [
  [
    "Cut onboarding time from nine days to four",
    "Every new colleague has a working laptop, accounts and a first merged change by the end of day four.",
  ],
  ["Ship the mobile release 🚀", "Offline first. No spinner on the way to an answer that is already on the device."],
  ["Kundenzufriedenheit über 92 %", "Gemessen im Quartal, Freitext ausgewertet, die drei häufigsten Beschwerden abgestellt."],
  [
    "Réduire la dette technique du module facturation",
    "Supprimer les deux générations d’export, garder une seule source de vérité, documenter le reste.",
  ],
  [
    "Formar a 40 personas en seguridad",
    "Taller práctico de medio día; después, simulacro de phishing y conversación, no castigo.",
  ],
  [
    "Повысить долю ответов в первый час до 80 %",
    "Дежурный график, шаблоны, и право поддержки выпускать исправления текста без согласования.",
  ],
  ["Розгорнути резервний вузол у Львові", "Перемикання без втрати даних, перевірене двічі на рік навчанням, а не документом."],
  ["हर टीम में साप्ताहिक समीक्षा शुरू करना", "पंद्रह मिनट, खड़े होकर, एक ही सवाल: क्या रोक रहा है?"],
  ["将报表生成时间缩短到十秒以内", "先测量，再优化：保留每一步的耗时，公开给所有使用者。"],
  ["رفع نسبة التوثيق إلى ٩٥٪", "كل خدمة لها صفحة واحدة: ماذا تفعل، من يملكها، وكيف تُعاد إلى العمل ليلاً."],
  ["Read one book a month 📚", ""],
  [
    "Halve the number of meetings with more than six people",
    "Measured from the calendar. Written notes instead, answered within a day.",
  ],
  ["Zavést párové programování jednou týdně", "Dobrovolně, střídavě, bez kamery u stropu."],
  ["Nâng độ phủ kiểm thử lên 85 %", "Ưu tiên phần thanh toán và đồng bộ."],
];

const STEPS = [
  "Measure where we stand",
  "First draft",
  "Try it with one team",
  "Review 🧐",
  "Roll out",
  "Look back after a month",
];

const THANKS = [
  "Thank you for staying on the call until the customer could work again. 🙏",
  "Ohne deine Checkliste hätten wir das Wochenende verloren.",
  "Gracias por explicar tres veces lo mismo con la misma paciencia 😊",
  "Merci d’avoir relu tout le contrat – et d’avoir trouvé la clause oubliée.",
  "Спасибо за честный разбор ошибки: теперь мы её не повторим.",
  "आपने नए साथियों को जिस तरह सिखाया, वह मिसाल है। 🌟",
  "感谢你周末赶来修复生产环境，还写了清楚的复盘。",
  "شكراً على صبرك مع الفريق الجديد، وعلى الشرح الواضح.",
  "👏👏👏",
  "Děkuji za upřímnost na retrospektivě.",
];

const CHECK_INS = [
  "On track. Two interviews done, one to go.",
  "Stuck: the test data are not anonymised yet, waiting for legal since Tuesday.",
  "Etwas langsamer als geplant, aber die Richtung stimmt.",
  "On a perdu une semaine à cause de la migration ; je propose de décaler la démo.",
  "Прогресс небольшой, зато теперь понятно, что именно измерять.",
  "इस हफ़्ते दो टीमों ने शुरू किया, प्रतिक्रिया अच्छी है।",
  "进度正常，瓶颈已定位到数据库查询。",
  "تم الاتفاق على الخطة، نبدأ يوم الأحد.",
  "🎉 Done a week early!",
];

const TEAMS = ["Platform", "Field service", "Finanzen", "Поддержка", "产品"];
const SKILLS = ["Facilitation", "Rust", "Négociation", "Datenanalyse", "Наставничество", "摄影", "تصميم", "लेखन"];
const VALUES = ["courage", "care", "craft", "candour"];

const LONG = [
  "Why this and not something else: last year we promised nine things and finished four, and of the four two were used.",
  "Nobody was lazy; we began too much at once, and everything waited for somebody.\n\nSo this quarter:\n\n1. Whatever is",
  "begun is finished before the next thing begins.\n2. What is blocked is said aloud on the day it is blocked, not in the",
  "report.\n3. A goal that nobody misses after three weeks is struck off, and that is a success.\n\nВопросы — в общий",
  "канал, не в личные сообщения; ответ пишем там же.\n 问题请发到公共频道，答案也写在那里。\nالأسئلة في القناة العامة، والإجابات",
  "أيضاً.\nप्रश्न सार्वजनिक चैनल में पूछें, उत्तर भी वहीं लिखें।\n Zum Messen: jede Woche dieselbe Zahl, auch wenn sie",
  "schlechter wird. Wer sie schönt, nimmt uns allen die Möglichkeit, rechtzeitig etwas zu ändern. 📉➡️🛠️➡️📈\n\nÀ la fin du",
  "trimestre, nous relisons cette page ensemble, à voix haute.",
].join(" ");

const STATES = { active: 60, open: 14, done: 15, archived: 6, draft: 4, cancelled: 1 };
const someone = (row, { random }) => random.pick(PEOPLE).id;
const mine = (row, { random }) => (random.chance(0.5) ? PEOPLE[0].id : random.pick(PEOPLE).id);
const goalOf = (row, maker) => maker.all("goal").find((goal) => goal.id === row.goal_id);
const created =
  (low, high) =>
  (row, { random, now }) =>
    random.time(now, low, high);

function goal({ random }) {
  const [title, description] = random.pick(GOALS);
  return {
    title: random.chance(0.5) ? `${title} · ${random.pick(TEAMS)}` : title,
    description: random.chance(0.06) ? LONG : description,
  };
}

export default {
  tenant: "lumen",
  size: 600,
  words: {
    short: ["👍", "Ok", "später", "позже", "稍后", "لاحقاً", "बाद में", "déjà vu"],
    notes: [...CHECK_INS, ...THANKS],
    long: LONG,
  },
  id: (entity, at, { random, now }) =>
    ({ team: `team-${at + 1}`, skill: `skill-${at + 1}` })[entity] ?? random.uuid(now - random.int(4, 120) * 86_400_000),
  entities: {
    team: {
      rows: TEAMS.map((name, at) => ({
        name,
        manager_id: PEOPLE[at].id,
        member_ids: PEOPLE.slice(at, at + 3).map(({ id }) => id),
      })),
      fields: { parent_id: null },
    },
    skill: { rows: SKILLS.map((name) => ({ name, category: "craft" })) },
    user_profile: {
      rows: PEOPLE.map((person, at) => ({
        ...{ id: person.id, name: fullName(person), email: `${person.id.slice(2)}@lumen.example`, job_title: person.skills[0] },
        ...{ team_id: `team-${(at % TEAMS.length) + 1}`, manager_id: at === 0 ? null : PEOPLE[0].id, avatar_url: null },
      })),
      fields: {
        phone: (row, { random }) => phone(random),
        preferences: (row, { random }) => ({
          theme: random.pick(["light", "dark"]),
          week_starts: random.pick(["mo", "su", "sa"]),
        }),
      },
    },
    goal: {
      rows: (maker) => Array.from({ length: maker.size }, () => goal(maker)),
      fields: {
        status: (row, { random }) => random.weighted(STATES),
        progress: (row, { random }) => (row.status === "done" ? 100 : random.int(0, 19) * 5),
        owner_id: mine,
        created_by: someone,
        created_at: created(-120, -4),
        start_date: (row) => row.created_at.slice(0, 10),
        due_date: (row, { random, now }) => random.time(now, 5, 150).slice(0, 10),
        completed_at: (row, { random, now }) => (row.status === "done" ? random.time(now, -4, 0) : null),
        tags: (row, { random }) => random.some(["q4", "people", "quality", "speed", "成长", "جودة"], random.int(0, 3)),
        key_results: (row, { random }) =>
          random.some(STEPS, random.int(0, 4)).map((title, at) => ({
            id: `kr-${at + 1}`,
            title,
            unit: "%",
            target: 100,
            current: row.progress,
            done: row.progress === 100,
          })),
      },
    },
    goal_history: {
      rows: ({ size }) => size,
      fields: {
        field: "progress",
        old: (row, { random }) => random.int(0, 9) * 5,
        new: (row, { random }) => random.int(10, 19) * 5,
        changed_by: someone,
        changed_at: created(-60, 0),
      },
    },
    recognition: {
      rows: ({ size }) => size,
      fields: {
        message: THANKS,
        sender_id: mine,
        recipient_id: (row, { random }) => random.pick(PEOPLE.filter(({ id }) => id !== row.sender_id)).id,
        value: ["courage", "care", "craft", "candour"],
        points: (row, { random }) => random.int(1, 5) * 10,
        liked_by: (row, { random }) => random.some(PEOPLE, random.int(0, 5)).map(({ id }) => id),
        likes: (row) => row.liked_by.length,
        created_at: created(-120, 0),
      },
    },
    checkin: {
      rows: ({ size }) => size * 2,
      fields: {
        goal_id: (row, maker) => maker.one("goal").id,
        author_id: (row, maker) => goalOf(row, maker).owner_id,
        progress: (row, maker) => goalOf(row, maker).progress,
        notes: CHECK_INS,
        created_at: created(-120, 0),
      },
    },
    alert: {
      rows: ({ size }) => Math.round(size / 20),
      fields: {
        read_by: (row, { random }) => random.some(PEOPLE, random.int(0, 5)).map(({ id }) => id),
        title: ["Login is down", "🔴 Ausfall der Anmeldung", "Вход недоступен", "登录不可用", "تعطّل تسجيل الدخول"],
        created_at: created(-40, 0),
      },
    },
    analytics: {
      rows: ({ size }) => Math.round(size / 2),
      fields: { event: ["open", "search", "cheer"], user_id: someone, properties: () => ({ from: "menu" }), at: created(-60, 0) },
    },
    admin_setting: {
      rows: ["Fiscal year begins", "Invitations", "Maximum points", "Язык по умолчанию", "默认时区"].map((name) => ({ name })),
    },
  },
};
