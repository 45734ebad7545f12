//! I17: merging invents no value and puts none where it was not written: every text that a row holds was written by somebody,
//! to this record; and no op takes a mark away, for people only ever set them.

use crate::invariants::Sent;
use crate::model::{Model, Sure, Written};
use crate::people::texts;
use landfall::authority::Row;

pub fn row(model: &Model, row: &Row) -> Result<(), String> {
    for field in ["title", "ask", "marks"] {
        for text in row.data.get(field).into_iter().flat_map(texts) {
            // A copy of a store may bring its new records a second time, under other ids.
            let origin = model.origin(text).map(|origin| match model.has_copies() {
                true => Written { id: String::new(), ..origin.clone() },
                false => origin.clone(),
            });
            written(origin.as_ref(), (&row.entity, &row.id), text)?;
        }
    }
    Ok(())
}

/// Only whoever decided for "mine" over a store that was replaced may take away what came meanwhile.
pub fn takes_nothing(model: &mut Model, op: &Sent) -> Result<(), String> {
    if op.unmarks.is_empty() {
        return Ok(());
    }
    if model.claims.get(&op.op).is_some_and(|claim| claim.sure == Sure::Yes) {
        return Err(format!("I17: op {} takes {:?} away from {}", op.op, op.unmarks, op.id));
    }
    op.unmarks.iter().for_each(|mark| model.unmark(mark));
    Ok(())
}

fn written(origin: Option<&Written>, record: (&str, &str), text: &str) -> Result<(), String> {
    match origin {
        Some(origin) if origin.entity == record.0 && (origin.id.is_empty() || origin.id == record.1) => Ok(()),
        Some(origin) => Err(format!("I17: {} {} holds {text}, which was written to {origin:?}", record.0, record.1)),
        None => Err(format!("I17: {} {} holds {text}, which nobody wrote", record.0, record.1)),
    }
}

#[cfg(test)]
mod tests {
    use super::{takes_nothing, written};
    use crate::invariants::Sent;
    use crate::invariants::i04_order::tests::sent;
    use crate::model::{Model, Written};
    use landfall::id::OpId;

    #[test]
    fn sees_an_op_that_takes_a_mark_away() {
        let mut model = Model::default();
        model.wrote(0, ("tally", "x"), &OpId("a".into()), (0, None));
        assert!(takes_nothing(&mut model, &sent("a", 0, &["m"])).is_ok());
        assert!(takes_nothing(&mut model, &Sent { unmarks: vec!["m".into()], ..sent("a", 0, &[]) }).is_err());
    }

    #[test]
    fn sees_a_text_that_nobody_wrote_there() {
        let origin = Written { entity: "note", id: "x".into() };
        assert!(written(Some(&origin), ("note", "x"), "t0").is_ok());
        assert!(written(Some(&origin), ("note", "y"), "t0").is_err());
        assert!(written(None, ("note", "x"), "t9").is_err());
    }
}
