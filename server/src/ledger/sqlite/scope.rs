//! The scope of a user in the SQLite ledger: membership is brought up to date before anything rests on it. This module decides
//! in which transaction that happens; what follows from a change is `authority::follow`'s decision. `sqlite` calls it.

use crate::ledger::Ask;
use crate::ledger::sqlite::{Sqlite, Tx, members, read, write};
use landfall::authority::choose;
use landfall::authority::follow::{Follow, FollowRead, Step};
use landfall::authority::rows::Row;
use landfall::authority::scope::Membership;
use landfall::error::Result;
use landfall::schema::Schema;
use landfall::time::Millis;
use landfall::wire::{Choice, ChoiceReply};

/// Runs `Follow` inside a transaction.
pub async fn follow(tx: &mut Tx, scope: &str, mut follow: Follow<'_>) -> Result<Membership> {
    let (mut asked, mut found) = (FollowRead::default(), Vec::new());
    loop {
        match follow.advance(&asked, found) {
            Step::Done(membership) => return Ok(*membership),
            Step::Read(next) => {
                found = members::around(tx, scope, &next).await?;
                asked = next;
            }
        }
    }
}

/// Writes a change of membership alone; `rows` are those it was worked out from, if they keep their numbers.
async fn write_alone(tx: &mut Tx, scope: &str, mut membership: Membership, rows: &[Row]) -> Result<()> {
    let first = write::take_numbers(tx, scope, membership.beyond(rows)).await?;
    membership.number(rows, first);
    members::apply(tx, scope, &membership).await
}

/// Works membership out anew when the rules are others than it was worked out by.
pub async fn ensure(tx: &mut Tx, scope: &str, schema: &Schema, now: Millis) -> Result<()> {
    let rules = schema.partition_text();
    if !schema.partitioned() || members::rules(tx, scope).await? == rules {
        return Ok(());
    }
    members::forget(tx, scope, &rules).await?;
    let mut after = 0;
    loop {
        let rows = members::part(tx, scope, after).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.number;
        let membership = follow(tx, scope, Follow::changed(schema, &rows, now)).await?;
        write_alone(tx, scope, membership, &rows).await?;
    }
}

impl Sqlite {
    /// What time has moved into or out of these places is written like any other change, before a pull reads them.
    pub(super) async fn age(&self, ask: Ask<'_>, places: &[String]) -> Result<()> {
        let scope = &ask.who.tenant;
        loop {
            let mut tx = self.db.read().await?;
            if members::due(&mut tx, scope, places, ask.now).await?.is_empty() {
                return Ok(());
            }
            drop(tx);
            let mut tx = self.db.write().await?;
            let due = members::due(&mut tx, scope, places, ask.now).await?;
            let keys: Vec<_> = due.iter().map(|one| one.key.clone()).collect();
            let rows = read::rows(&mut tx, scope, &keys).await?;
            let membership = follow(&mut tx, scope, Follow::aged(ask.schema, &due, &rows, ask.now)).await?;
            write_alone(&mut tx, scope, membership, &[]).await?;
            self.commit(tx, ask).await?;
        }
    }

    pub(super) async fn chosen(&self, ask: Ask<'_>, choice: &Choice) -> Result<ChoiceReply> {
        let scope = &ask.who.tenant;
        let mut tx = self.db.write().await?;
        self.begin(&mut tx, ask).await?;
        let known = read::device(&mut tx, scope, &choice.device_id).await?;
        let device = choose::device(ask.schema, ask.who, choice, known)?;
        let before = members::picked(&mut tx, scope, &choose::buckets(ask.schema, device.id.as_str())).await?;
        let (picks, gone) = choose::picks(ask.schema, choice, &before, ask.now);
        let membership = follow(&mut tx, scope, Follow::picked(ask.schema, picks, gone, ask.now)).await?;
        write_alone(&mut tx, scope, membership, &[]).await?;
        write::device(&mut tx, scope, &device).await?;
        self.commit(tx, ask).await?;
        Ok(ChoiceReply { server_time: ask.now.iso() })
    }
}
