//! I5: read-your-writes and monotonic reads in each tab, and across tabs of one origin: a mark that was shown on a device is
//! shown for as long as its op stands. (A loss of power may take back what others wrote: its tabs are gone with it.)

use crate::model::{Model, Sure};
use crate::people::texts;
use landfall::id::OpId;
use serde_json::Value;

/// A record changed; `given_up` are ops that this very transaction took away.
pub fn check(model: &Model, given_up: &[OpId], old: Option<&Value>, new: Option<&Value>) -> Result<(), String> {
    let marks = |row: Option<&'_ Value>| -> Vec<String> {
        row.map(|row| texts(&row["marks"])).unwrap_or_default().into_iter().map(str::to_owned).collect()
    };
    let shown = new.map(|row| texts(&row["marks"])).unwrap_or_default();
    for mark in marks(old) {
        let given_up = model.by_mark.get(&mark).is_some_and(|op| given_up.contains(op));
        if !shown.contains(&mark.as_str()) && model.mark(&mark) == Sure::Yes && !given_up {
            return Err(format!("I5: the mark {mark} was shown and is not any more"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::model::Model;
    use landfall::id::OpId;
    use serde_json::json;

    #[test]
    fn sees_a_mark_that_is_shown_no_more() {
        let mut model = Model::default();
        model.wrote(0, ("tally", "x"), &OpId("a".into()), (0, Some("m".into())));
        let (one, two) = (json!({ "marks": ["m"] }), json!({ "marks": [] }));
        assert!(check(&model, &[], Some(&two), Some(&one)).is_ok());
        assert!(check(&model, &[], Some(&one), Some(&two)).is_err());
        assert!(check(&model, &[], Some(&one), None).is_err());
        assert!(check(&model, &[OpId("a".into())], Some(&one), None).is_ok(), "given up in the same moment");
    }
}
