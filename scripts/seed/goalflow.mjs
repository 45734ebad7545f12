// Goals, recognitions and check-ins of one company whose people write in their own languages.
import { PEOPLE, fullName } from "./people.mjs";

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

function people() {
  return PEOPLE.map((person, at) => ({
    ...{ id: person.id, name: fullName(person), first_name: person.first, last_name: person.last, role: person.role },
    ...{
      email: `${person.id.slice(2)}@goalflow.example`,
      team: TEAMS[at % TEAMS.length],
      team_id: `team-${(at % TEAMS.length) + 1}`,
    },
    ...{
      title: person.skills[0],
      skill_ids: [`skill-${(at % SKILLS.length) + 1}`],
      job_title: person.skills[0],
      manager_id: at === 2 ? undefined : "u-priya",
    },
  }));
}

function goal(random, now) {
  const [title, description] = random.pick(GOALS);
  const created = random.time(now, -120, -3);
  const status = random.weighted({ active: 55, open: 10, in_progress: 10, completed: 15, done: 3, archived: 6, draft: 4 });
  const progress = /completed|done/.test(status) ? 100 : random.int(0, 19) * 5;
  return {
    ...{
      id: random.uuid(Date.parse(created)),
      title: random.chance(0.5) ? `${title} · ${random.pick(TEAMS)}` : title,
      description,
    },
    ...{
      status,
      progress,
      owner_id: random.chance(0.5) ? PEOPLE[0].id : random.pick(PEOPLE).id,
      team_id: `team-${random.int(1, 5)}`,
    },
    ...{
      priority: random.pick(["low", "medium", "high"]),
      start_date: created.slice(0, 10),
      due_date: random.time(now, 5, 150).slice(0, 10),
    },
    ...{
      created_at: created,
      updated_at: random.time(now, -3, 0),
      tags: random.some(["q4", "people", "quality", "speed", "成长"], 2),
    },
    key_results: random
      .some(STEPS, 3)
      .map((text, at) => ({ id: `kr-${at + 1}`, title: text, target: 100, current: progress, done: false })),
    milestones: random.some(STEPS, 2).map((text, at) => ({ id: `m-${at + 1}`, title: text, done: progress === 100 })),
  };
}

function recognition(random, now) {
  const [from, to] = random.some(PEOPLE, 2);
  const created = random.time(now, -60, 0);
  return {
    ...{ id: random.uuid(Date.parse(created)), sender_id: from.id, recipient_id: to.id, message: random.pick(THANKS) },
    ...{
      value: random.pick(VALUES),
      category: random.pick(VALUES),
      points: random.int(1, 5) * 10,
      created_at: created,
      updated_at: created,
    },
    ...{ visibility: random.pick(["public", "team"]), public: true, badge: random.pick(["⭐", "🛠️", "🤝"]) },
  };
}

function checkIn(random, { now, goals }) {
  const about = random.pick(goals);
  const created = random.time(now, -30, 0);
  return {
    ...{ id: random.uuid(Date.parse(created)), goal_id: about.id, user_id: about.owner_id, author_id: about.owner_id },
    ...{
      note: random.pick(CHECK_INS),
      notes: random.pick(CHECK_INS),
      message: random.pick(CHECK_INS),
      comment: random.pick(CHECK_INS),
    },
    ...{ mood: random.pick(["great", "good", "okay", "bad"]), progress: about.progress, confidence: random.int(1, 5) },
    ...{ created_at: created, updated_at: created, date: created.slice(0, 10) },
  };
}

/** Records by entity; `count` goals, and as many of the rest as belongs to them. */
export function goalflow(random, { now, count }) {
  const goals = Array.from({ length: count }, () => goal(random, now));
  const recognitions = Array.from({ length: count }, () => recognition(random, now));
  const checkIns = Array.from({ length: count * 2 }, () => checkIn(random, { now, goals }));
  const teams = TEAMS.map((name, at) => ({ id: `team-${at + 1}`, name, title: name, lead_id: PEOPLE[at].id, member_ids: [] }));
  const skills = SKILLS.map((name, at) => ({ id: `skill-${at + 1}`, name, category: "craft", description: "" }));
  return { user: people(), skill: skills, team: teams, goal: goals, recognition: recognitions, checkin: checkIns };
}
