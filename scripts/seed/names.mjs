// Names of people as they write them, in eight scripts.

const NAMES = [
  {
    given: "José Inês Søren Zuzana Łukasz Çağla Niamh Þórunn Renée Jürgen",
    family: "Núñez Conceição Ødegård Dvořáková Wójcik Yıldız",
  },
  { given: "Amara Chidi Thùy Lan Kwame Aroha", family: "Okafor Nguyễn Mensah Tāmati O’Brien Ibáñez-Goñi" },
  { given: "Ольга Андрій Светлана Борислав", family: "Кравченко Шевчук Соколова Петров" },
  { given: "Ελένη Νίκος", family: "Παπαδοπούλου Γεωργίου" },
  { given: "ليلى أحمد نور يوسف", family: "حداد المصري العلي" },
  { given: "प्रिया अर्जुन सुनीता विकास", family: "शर्मा सिंह पाटिल" },
  { given: "伟 娜 小明 秀英", family: "陈 李 王 欧阳", join: (given, family) => family + given },
  { given: "さくら 健太", family: "佐藤 高橋", join: (given, family) => `${family} ${given}` },
].map(({ given, family, ...rest }) => ({ given: given.split(" "), family: family.split(" "), ...rest }));

/** A person's name. */
export function nameOf(random) {
  const { given, family, join = (first, last) => `${first} ${last}` } = random.pick(NAMES);
  return join(random.pick(given), random.pick(family));
}

/** A telephone number that nobody has. */
export const phone = (random) => `+${random.pick(["1 555", "44 20 7946", "91 22 5550", "420 555"])} ${random.int(1000, 9999)}`;

/** An address for letters that arrives nowhere. */
export const email = (random) => `${random.pick(["info", "office", "a.b", "x+y"])}${random.int(1, 9999)}@example.org`;
