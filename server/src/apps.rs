//! The applications a server serves. This module decides which files of the folder are declarations and refuses to start
//! over a wrong one; what a declaration says is `landfall::schema`'s. The routes look an application up by its name.

use axum::body::Bytes;
use landfall::error::{Code, Error, Result};
use landfall::schema::Schema;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// One application.
pub struct App {
    /// What it declares.
    pub schema: Arc<Schema>,
    /// The declaration as its author wrote it.
    pub text: Bytes,
}

/// Loads every declaration of the folder, by the application's name.
///
/// # Errors
/// `INVALID_SCHEMA` naming the file, or that there is none.
pub fn load(folder: &Path) -> Result<BTreeMap<String, Arc<App>>> {
    let wrong = |path: &Path, what: String| Error::new(Code::InvalidSchema, what).at(path.display().to_string());
    let mut apps = BTreeMap::new();
    let entries = std::fs::read_dir(folder).map_err(|error| wrong(folder, error.to_string()))?;
    for entry in entries {
        let path = entry.map_err(|error| wrong(folder, error.to_string()))?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(|error| wrong(&path, error.to_string()))?;
        // The folder also holds the JSON Schema of declarations, which is none.
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| wrong(&path, error.to_string()))?;
        if value.get("app").is_none() || value.get("$defs").is_some() {
            continue;
        }
        let schema = Schema::parse(&text).map_err(|error| inside(error, &path))?;
        let name = schema.app.clone();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
            return Err(wrong(&path, format!("the application's name `{name}` cannot stand in an address")));
        }
        if apps.insert(name.clone(), Arc::new(App { schema: Arc::new(schema), text: text.into() })).is_some() {
            return Err(wrong(&path, format!("the application {name} is declared twice")));
        }
    }
    if apps.is_empty() {
        return Err(wrong(folder, "there is no declaration of an application here".to_owned()));
    }
    Ok(apps)
}

fn inside(error: Error, path: &Path) -> Error {
    let place = if error.path.is_empty() { path.display().to_string() } else { format!("{}: {}", path.display(), error.path) };
    error.at(place)
}
