//! As much of JSON Schema (draft 2020-12) as the published schema uses. It decides whether a value keeps to a schema, and
//! refuses to go on at a keyword it does not know, so that none is silently left out. The tests of the published file use it.

use serde_json::{Map, Value};

/// What is wrong with `value`, each with its path; `root` holds the definitions.
pub fn faults(root: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let Value::Object(rules) = schema else {
        return if schema == &Value::Bool(false) { fault(path, "is not allowed") } else { vec![] };
    };
    rules.iter().flat_map(|(keyword, rule)| one(root, rules, keyword, (rule, value, path))).collect()
}

/// The schema behind a `$ref`.
pub fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(address) => root.pointer(&address[1..]).unwrap_or_else(|| panic!("no {address}")),
        None => schema,
    }
}

fn one(root: &Value, rules: &Map<String, Value>, keyword: &str, (rule, value, path): (&Value, &Value, &str)) -> Vec<String> {
    let number = value.as_f64();
    let text = value.as_str();
    let size = |bound: &Value, size: Option<usize>, fits: fn(usize, usize) -> bool| {
        size.zip(bound.as_u64()).is_none_or(|(size, bound)| fits(size, usize::try_from(bound).unwrap()))
    };
    let fits = match keyword {
        "$schema" | "$defs" | "title" | "description" | "default" => true,
        "$ref" => return faults(root, resolved(root, &serde_json::json!({"$ref": rule})), value, path),
        "type" => is(rule.as_str().unwrap(), value),
        "const" => rule == value,
        "enum" => rule.as_array().unwrap().contains(value),
        "minimum" => number.is_none_or(|number| number >= rule.as_f64().unwrap()),
        "maximum" => number.is_none_or(|number| number <= rule.as_f64().unwrap()),
        "maxLength" => size(rule, text.map(|text| text.chars().count()), |size, bound| size <= bound),
        "minItems" => size(rule, value.as_array().map(Vec::len), |size, bound| size >= bound),
        "maxItems" => size(rule, value.as_array().map(Vec::len), |size, bound| size <= bound),
        "minProperties" => size(rule, value.as_object().map(Map::len), |size, bound| size >= bound),
        "uniqueItems" => value.as_array().is_none_or(|items| (1..items.len()).all(|at| !items[..at].contains(&items[at]))),
        "pattern" => text.is_none_or(|text| matches(rule.as_str().unwrap(), text)),
        "not" => !faults(root, rule, value, path).is_empty(),
        "oneOf" => rule.as_array().unwrap().iter().filter(|one| faults(root, one, value, path).is_empty()).count() == 1,
        "required" => value
            .as_object()
            .is_none_or(|object| rule.as_array().unwrap().iter().all(|name| object.contains_key(name.as_str().unwrap()))),
        "properties" | "additionalProperties" | "propertyNames" | "items" => {
            return inside(root, rules, keyword, (rule, value, path));
        }
        other => panic!("{path}: the evaluator does not know `{other}`"),
    };
    if fits { Vec::new() } else { fault(path, &format!("breaks {keyword} {rule}")) }
}

/// The keywords that look at the parts of a value.
fn inside(root: &Value, rules: &Map<String, Value>, keyword: &str, (rule, value, path): (&Value, &Value, &str)) -> Vec<String> {
    let known = |name: &String| rules.get("properties").is_some_and(|all| all.get(name).is_some());
    match (keyword, value) {
        ("items", Value::Array(items)) => {
            items.iter().enumerate().flat_map(|(at, item)| faults(root, rule, item, &format!("{path}[{at}]"))).collect()
        }
        ("properties", Value::Object(object)) => {
            let both = object.iter().filter_map(|(name, value)| Some((name, value, rule.get(name)?)));
            both.flat_map(|(name, value, rule)| faults(root, rule, value, &format!("{path}.{name}"))).collect()
        }
        ("additionalProperties", Value::Object(object)) => {
            let others = object.iter().filter(|(name, _)| !known(name));
            others.flat_map(|(name, value)| faults(root, rule, value, &format!("{path}.{name}"))).collect()
        }
        ("propertyNames", Value::Object(object)) => {
            object.keys().flat_map(|name| faults(root, rule, &Value::from(name.as_str()), &format!("{path}.{name}"))).collect()
        }
        _ => Vec::new(),
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("no type {other}"),
    }
}

/// The two patterns of the published schema; any other has to be added here before it can be used.
fn matches(pattern: &str, text: &str) -> bool {
    let mut chars = text.chars();
    let first = chars.next();
    match pattern {
        "^[a-z][a-z0-9_-]*$" => {
            first.is_some_and(|c| c.is_ascii_lowercase())
                && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
        }
        "^[A-Za-z_][A-Za-z0-9_]*$" => {
            first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_') && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        }
        other => panic!("the evaluator does not know the pattern {other}"),
    }
}

fn fault(path: &str, what: &str) -> Vec<String> {
    vec![format!("{path} {what}")]
}
