//! What the schema demands of a row whoever writes it: references that lead somewhere, values that nobody else holds, states
//! that follow each other. This module decides whether a row may stand and says what is in its way; a record that the user
//! may not see is not named. `write` asks before a row is made.

use crate::authority::decide::Context;
use crate::authority::overlay::Overlay;
use crate::authority::rows::Row;
use crate::authority::terms;
use crate::error::{Code, Error, Result};
use crate::record::Fields;
use crate::schema::{Entity, OnDelete, To};
use crate::wire::Change;
use serde_json::json;

/// No reference of a stored row dangles (I10).
pub(super) fn references(entity: &Entity, data: &Fields, change: &Change, rows: &Overlay<'_>) -> Result<()> {
    for (target, id, path) in entity.referred(data) {
        let itself = target == change.entity_type && id == change.entity_id;
        if !itself && !rows.holds(target, id) {
            let error = Error::new(Code::ReferenceMissing, format!("names a {target} that the server does not have"));
            return Err(error.at(format!("{}.{path}", change.entity_type)).hint("choose another, or send that record first"));
        }
    }
    Ok(())
}

/// Takes away references to records that are deleted, where the schema lets a delete take them away: so a child that comes
/// after its parent's delete is what it had become if it had come before. Tells whether there were any.
pub(super) fn unlink(entity: &Entity, data: &mut Fields, rows: &Overlay<'_>) -> bool {
    entity.rewrite(data, &mut |reference, id| {
        let gone = || rows.get(&reference.entity, id).is_some_and(|row| row.deleted);
        if reference.on_delete == OnDelete::SetNull && gone() { To::Null } else { To::Keep }
    })
}

/// No two live records hold the same unique value.
pub(super) fn unique(context: &Context<'_>, entity: &Entity, op: (&Change, &Fields), rows: &Overlay<'_>) -> Result<()> {
    let (change, fields) = op;
    for one in entity.uniques(fields) {
        let term = terms::holds(&change.entity_type, &one.field, one.value);
        let Some(rival) = rows.found(&term).find(|row| row.id != change.entity_id) else { continue };
        let mut detail = json!({ "field": one.place });
        if may_see(context, rival) {
            detail["rival"] = json!({ "entity_type": rival.entity, "entity_id": rival.id });
        }
        let error = Error::new(Code::UniqueViolation, "another record holds this value already");
        let path = format!("{}.{}", change.entity_type, one.place);
        return Err(error.at(path).hint("choose another value").detail(detail));
    }
    Ok(())
}

/// Whether the user's devices get this row, as far as the row itself tells: rules that ask other records count as no.
pub(super) fn may_see(context: &Context<'_>, row: &Row) -> bool {
    let Some(entity) = context.schema.entities.get(&row.entity) else { return false };
    let takes = |test: &crate::schema::Test| test.holds(&row.data, context.now, context.who.user.as_str());
    entity.partition.is_empty() || entity.partition.iter().any(|rule| !rule.when.is_empty() && rule.when.iter().all(takes))
}

/// A state is followed only by those that the schema lists.
pub(super) fn transitions(entity: &Entity, change: &Change, states: (&Fields, &Fields)) -> Result<()> {
    let text = |fields: &Fields, field: &str| fields.get(field).and_then(|value| value.as_str().map(str::to_owned));
    for rule in &entity.transitions {
        let (Some(from), Some(to)) = (text(states.0, &rule.field), text(states.1, &rule.field)) else { continue };
        let allowed = from == to || rule.allow.get(&from).is_none_or(|next| next.contains(&to));
        if !allowed {
            let error = Error::new(Code::ValidationError, format!("{from} may not be followed by {to}"));
            return Err(error.at(format!("{}.{}", change.entity_type, rule.field)));
        }
    }
    Ok(())
}
