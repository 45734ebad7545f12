//! Queries of applications: which index answers one, what remains to be tested row by row, in which order, and where the
//! next page begins. This module decides the plan and tests rows through a small trait, so that the same code runs over
//! JSON values and over the browser's own objects; it reads nothing itself.

use crate::error::{Code, Error, Result};
use crate::plain::{self, Plain, plain};
use crate::record::order::{self, compare_text};
use crate::record::value::same;
use crate::record::{Fields, domain};
use crate::schema::{Entity, FieldType, Index, Schema};
use crate::store::key::Key;
use crate::store::port::Range;
use serde_json::Value;
use std::cmp::Ordering;

plain! {
    /// What an application asks (STO-2).
    ///
    /// ```
    /// let text = r#"{"entity": "goal", "where": {"status": "open", "progress": {"gte": 50}}, "orderBy": "due", "limit": 20}"#;
    /// let query: landfall::store::query::Query = serde_json::from_str(text).unwrap();
    /// ```
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Query {
        /// Of which kind of record.
        pub entity: String,
        /// By field: a value it equals, or tests on it. A dot steps into an object.
        pub conditions: Fields as "where" = Fields::new(),
        /// Sorted by this field, records without it first; by id if absent.
        pub order_by: Option<String> as "orderBy",
        /// Backwards.
        pub descending: bool = false,
        /// Most records; all if absent.
        pub limit: Option<u32>,
        /// `cursor` of the page before.
        pub cursor: Option<String>,
    }
}

/// A test on one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The field; a dot steps into an object.
    pub field: String,
    /// The test.
    pub test: Test,
}

/// What is tested.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Equal to one of these. Absent equals null.
    In(Vec<Value>),
    /// Not equal to this one.
    Not(Value),
    /// A key between these, `true` if the bound itself is taken.
    Between(Option<(Key, bool)>, Option<(Key, bool)>),
    /// A text that begins so.
    Prefix(String),
    /// A list with this element, or a text with this part (upper and lower case alike).
    Contains(Value),
}

/// How a query is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What to read.
    pub range: Range,
    /// What to test in each row.
    pub residual: Vec<Condition>,
    /// Sort what was read by this field; none: it comes in order.
    pub sort: Option<String>,
    descending: bool,
    limit: usize,
    after: Option<(Value, String)>,
    key: String,
    order: Option<String>,
}

/// A row whose fields can be looked at.
pub trait RowView {
    /// The value at a path; absent if any step is.
    fn at(&self, path: &str) -> Option<Value>;
}

impl RowView for Value {
    fn at(&self, path: &str) -> Option<Value> {
        path.split('.').try_fold(self, |value, step| value.get(step)).cloned()
    }
}

/// One page of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<R> {
    /// The rows.
    pub rows: Vec<R>,
    /// Where the next page begins; none: this was the last.
    pub cursor: Option<String>,
}

impl Query {
    /// The plan of this query.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for an unknown entity or field, a test that is none, a cursor of another query.
    pub fn plan(&self, schema: &Schema) -> Result<Plan> {
        let entity = schema.entity(&self.entity)?;
        let conditions = self.conditions(entity)?;
        if let Some(field) = &self.order_by {
            known(&self.entity, entity, field)?;
        }
        let after = self.cursor.as_deref().map(|text| self.resume(text)).transpose()?;
        let mut range = Range::all(entity.store.clone(), u32::MAX);
        range.reverse = self.descending;
        let mut plan = Plan {
            range,
            residual: conditions,
            sort: None,
            descending: self.descending,
            limit: self.limit.map_or(usize::MAX, |limit| limit as usize),
            after,
            key: entity.key.clone(),
            order: self.order_by.clone(),
        };
        self.choose(entity, &mut plan);
        Ok(plan)
    }

    fn conditions(&self, entity: &Entity) -> Result<Vec<Condition>> {
        let mut out = Vec::new();
        for (field, wanted) in &self.conditions {
            known(&self.entity, entity, field)?;
            let test = match wanted {
                Value::Object(tests) => tests_of(tests).map_err(|error| error.at(format!("where.{field}")))?,
                value => Test::In(vec![value.clone()]),
            };
            out.push(Condition { field: field.clone(), test });
        }
        Ok(out)
    }

    fn resume(&self, text: &str) -> Result<(Value, String)> {
        let wrong = || {
            Error::new(Code::ValidationError, "not a cursor of this query")
                .at("cursor")
                .hint("pass the cursor of the page before, unchanged")
        };
        let parts = domain::parse(text.as_bytes()).ok().and_then(|value| plain::read::<[Value; 3]>(value).ok());
        match parts {
            Some([field, value, Value::String(id)]) if field.as_str() == self.order_by.as_deref() => Ok((value, id)),
            _ => Err(wrong()),
        }
    }

    /// The index that does most: first the order (a sort reads everything), then the longest run of equalities.
    fn choose(&self, entity: &Entity, plan: &mut Plan) {
        let best = entity
            .indexes
            .iter()
            .filter(|index| !index.multi)
            .filter_map(|index| Some((self.score(entity, index, plan)?, index)))
            .max_by_key(|(score, _)| *score);
        let ordered_by_key = self.order_by.as_ref().is_none_or(|field| *field == entity.key);
        match best {
            Some(((orders, equal), index)) if orders || (equal > 0) => self.by_index(entity, plan, index, orders),
            _ if !ordered_by_key => plan.sort.clone_from(&self.order_by),
            _ => plan.range.after = plan.after.as_ref().map(|(_, id)| (id.as_str().into(), id.as_str().into())),
        }
        if plan.sort.is_none() && plan.residual.is_empty() {
            plan.range.limit = u32::try_from(plan.limit.saturating_add(1)).unwrap_or(u32::MAX);
        }
    }

    /// Whether the index brings the order, and how many of its first fields are fixed by equalities.
    fn score(&self, entity: &Entity, index: &Index, plan: &Plan) -> Option<(bool, usize)> {
        let equal = index.fields.iter().take_while(|field| equality(&plan.residual, field).is_some()).count();
        let rest = &index.fields[equal..];
        let complete = rest.iter().all(|field| always_indexed(entity, field) || ranged(&plan.residual, field));
        let orders = match &self.order_by {
            Some(field) => complete && rest.len() == 1 && rest[0] == *field,
            None => complete && rest.is_empty() && equal > 0,
        };
        complete.then_some((orders, equal))
    }

    fn by_index(&self, entity: &Entity, plan: &mut Plan, index: &Index, orders: bool) {
        plan.range.index = Some(index.name.clone().into());
        let mut prefix = Vec::new();
        for field in &index.fields {
            let Some(key) = equality(&plan.residual, field) else { break };
            prefix.push(key);
            plan.residual.retain(|condition| condition.field != *field);
        }
        let next = index.fields.get(prefix.len()).cloned();
        let between = next.and_then(|field| take_between(&mut plan.residual, &field));
        let (lower, upper) = between.unwrap_or((None, None));
        let entry = entry(&prefix, plan.after.as_ref(), index.fields.len());
        (plan.range.lower, plan.range.upper) = bounds(prefix, (lower, upper), index.fields.len());
        let ordered_by_key = self.order_by.as_ref().is_none_or(|field| *field == entity.key);
        let fixed = plan.range.lower.is_some() && plan.range.lower == plan.range.upper;
        if !(orders || ordered_by_key && fixed) {
            plan.sort = Some(self.order_by.clone().unwrap_or_else(|| entity.key.clone()));
        } else if let (Some(entry), Some((_, id))) = (entry, &plan.after) {
            plan.range.after = Some((entry, id.as_str().into()));
        }
    }
}

/// The index entry of the record that ended the page before: the equalities, then its value of the field it is sorted by.
fn entry(prefix: &[Key], after: Option<&(Value, String)>, width: usize) -> Option<Key> {
    let mut keys = prefix.to_vec();
    if keys.len() < width {
        keys.push(Key::of(&after?.0)?);
    }
    if width == 1 { keys.pop() } else { Some(Key::List(keys)) }
}

/// The bounds of an index range: the equalities, then what is known of the next field.
fn bounds(prefix: Vec<Key>, next: Between, width: usize) -> Between {
    if width == 1 {
        return match prefix.into_iter().next() {
            Some(key) => (Some((key.clone(), true)), Some((key, true))),
            None => next,
        };
    }
    let with = |bound: Bound, top: bool| match bound {
        Some((key, taken)) => {
            let mut keys = prefix.clone();
            keys.push(key);
            // More fields may follow the bound one: a taken upper bound takes them all, an untaken lower one none.
            if keys.len() < width && taken == top {
                keys.push(Key::List(vec![Key::List(vec![])]));
            }
            Some((Key::List(keys), taken))
        }
        None if prefix.is_empty() => None,
        None => {
            let mut keys = prefix.clone();
            if top && keys.len() < width {
                keys.push(Key::List(vec![Key::List(vec![])]));
            }
            Some((Key::List(keys), true))
        }
    };
    (with(next.0, false), with(next.1, true))
}

fn equality(conditions: &[Condition], field: &str) -> Option<Key> {
    conditions.iter().find(|condition| condition.field == field).and_then(|condition| match &condition.test {
        Test::In(values) if values.len() == 1 => Key::of(&values[0]),
        _ => None,
    })
}

fn ranged(conditions: &[Condition], field: &str) -> bool {
    conditions.iter().any(|condition| condition.field == field && matches!(condition.test, Test::Between(..)))
}

/// A bound of a range, `true` if the key itself is taken.
type Bound = Option<(Key, bool)>;

/// A lower and an upper bound.
type Between = (Bound, Bound);

fn take_between(conditions: &mut Vec<Condition>, field: &str) -> Option<Between> {
    let at = conditions.iter().position(|condition| condition.field == field && matches!(condition.test, Test::Between(..)))?;
    match conditions.remove(at).test {
        Test::Between(lower, upper) => Some((lower, upper)),
        _ => None,
    }
}

/// Whether every record of the entity has an entry for this field, so that an index on it leaves none out.
fn always_indexed(entity: &Entity, field: &str) -> bool {
    if field == entity.key {
        return true;
    }
    entity.fields.get(field).is_some_and(|field| {
        field.required
            && !field.nullable
            && !matches!(field.kind, FieldType::Boolean | FieldType::Object | FieldType::Json | FieldType::List | FieldType::Set)
    })
}

fn known(name: &str, entity: &Entity, path: &str) -> Result<()> {
    let first = path.split('.').next().unwrap_or(path);
    if first == entity.key || first == super::rows::SYNC || entity.fields.contains_key(first) {
        return Ok(());
    }
    let fields = entity.fields.keys().cloned().collect::<Vec<_>>().join(", ");
    Err(Error::new(Code::ValidationError, "unknown field in a query")
        .at(format!("{name}.{first}"))
        .hint(format!("it has: {fields}")))
}

fn tests_of(tests: &serde_json::Map<String, Value>) -> Result<Test> {
    let wrong = |what: &str| Error::new(Code::ValidationError, what).hint("use in, not, gt, gte, lt, lte, prefix or contains");
    let key = |value: &Value| Key::of(value).ok_or_else(|| wrong("only numbers and texts can be compared"));
    let (mut lower, mut upper) = (None, None);
    for (name, value) in tests {
        match (name.as_str(), value) {
            ("in", Value::Array(values)) if tests.len() == 1 => return Ok(Test::In(values.clone())),
            ("not", value) if tests.len() == 1 => return Ok(Test::Not(value.clone())),
            ("prefix", Value::String(text)) if tests.len() == 1 => return Ok(Test::Prefix(text.clone())),
            ("contains", value) if tests.len() == 1 => return Ok(Test::Contains(value.clone())),
            ("gt", value) => lower = Some((key(value)?, false)),
            ("gte", value) => lower = Some((key(value)?, true)),
            ("lt", value) => upper = Some((key(value)?, false)),
            ("lte", value) => upper = Some((key(value)?, true)),
            _ => return Err(wrong(&format!("unknown or mixed test {name}"))),
        }
    }
    if lower.is_none() && upper.is_none() { Err(wrong("a test without content")) } else { Ok(Test::Between(lower, upper)) }
}

impl Condition {
    /// Whether a row passes.
    pub fn holds(&self, row: &impl RowView) -> bool {
        let value = row.at(&self.field);
        let value = value.as_ref().unwrap_or(&Value::Null);
        match &self.test {
            Test::In(values) => values.iter().any(|one| same(one, value)),
            Test::Not(other) => !same(other, value),
            Test::Prefix(prefix) => value.as_str().is_some_and(|text| text.starts_with(prefix)),
            Test::Contains(part) => contains(value, part),
            Test::Between(lower, upper) => Key::of(value).is_some_and(|key| inside(&key, lower.as_ref(), upper.as_ref())),
        }
    }
}

fn contains(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (Value::Array(items), part) => items.iter().any(|item| same(item, part)),
        (Value::String(text), Value::String(part)) => text.to_lowercase().contains(&part.to_lowercase()),
        _ => false,
    }
}

/// Whether a key lies between two bounds; bounds of two kinds leave nothing between them.
fn inside(key: &Key, lower: Option<&(Key, bool)>, upper: Option<&(Key, bool)>) -> bool {
    let above = lower.is_none_or(|(bound, taken)| key > bound || (*taken && key == bound));
    above && upper.is_none_or(|(bound, taken)| key < bound || (*taken && key == bound))
}

impl Plan {
    /// Tests, sorts and cuts what `range` brought, and says where the next page begins.
    pub fn page<R: RowView>(&self, rows: Vec<R>) -> Page<R> {
        let mut rows: Vec<R> =
            rows.into_iter().filter(|row| self.residual.iter().all(|condition| condition.holds(row))).collect();
        if let Some(field) = &self.sort {
            let mut keyed: Vec<(Option<Key>, String, R)> =
                rows.into_iter().map(|row| (sort_key(&row, field), self.id(&row), row)).collect();
            order::sort(&mut keyed, |a, b| a.0.cmp(&b.0).then_with(|| compare_text(&a.1, &b.1)));
            if self.descending {
                keyed.reverse();
            }
            rows = keyed.into_iter().map(|(_, _, row)| row).collect();
        }
        if let Some(after) = &self.after {
            rows.retain(|row| self.behind(row, after));
        }
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let cursor = rows.last().filter(|_| more).map(|row| self.cursor(row));
        Page { rows, cursor }
    }

    fn id(&self, row: &impl RowView) -> String {
        row.at(&self.key).and_then(|id| id.as_str().map(str::to_owned)).unwrap_or_default()
    }

    fn cursor(&self, row: &impl RowView) -> String {
        let value = self.order.as_ref().and_then(|field| row.at(field)).unwrap_or(Value::Null);
        plain::text(&Value::Array(vec![self.order.plain(), value, self.id(row).into()]))
    }

    fn behind(&self, row: &impl RowView, after: &(Value, String)) -> bool {
        let by_field = self.order.as_ref().map_or(Ordering::Equal, |field| sort_key(row, field).cmp(&Key::of(&after.0)));
        let order = by_field.then_with(|| compare_text(&self.id(row), &after.1));
        if self.descending { order == Ordering::Less } else { order == Ordering::Greater }
    }
}

fn sort_key(row: &impl RowView, field: &str) -> Option<Key> {
    row.at(field).as_ref().and_then(Key::of)
}
