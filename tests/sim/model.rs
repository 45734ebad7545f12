//! What must be true in the end: every committed local write as a claim, whether or not its promise was heard. A claim ends
//! when the server has answered its op, when a person gave it up, or when its store was lost.

use landfall::id::OpId;
use std::collections::{BTreeMap, BTreeSet};

/// How far an op may be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sure {
    /// It must be answered, and its effect must be what was written.
    Yes,
    /// Its store was replaced or lives twice: it may be answered, by whichever copy sent it first.
    Doubtful,
    /// Given up by a person, undone, part of another, or lost with its store.
    Gone,
}

/// What one op stands for.
#[derive(Clone, Debug)]
pub struct Claim {
    pub device: usize,
    pub entity: String,
    pub id: String,
    /// The order in which ops came to be.
    pub serial: u64,
    pub added: i64,
    pub marks: Vec<String>,
    pub sure: Sure,
}

/// Where a text was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub entity: &'static str,
    pub id: String,
}

#[derive(Default)]
pub struct Model {
    pub claims: BTreeMap<OpId, Claim>,
    /// Which op set a mark.
    pub by_mark: BTreeMap<String, OpId>,
    /// Where each text was written first; its number is in the text.
    pub written: Vec<Written>,
    /// Ops whose store was lost before the server had answered, by device: what a person has to be told of.
    pub lost: BTreeMap<usize, u64>,
    /// Devices whose store was replaced.
    tainted: BTreeSet<usize>,
    serial: u64,
}

impl Model {
    /// A text that nobody has written before.
    pub fn text(&mut self, entity: &'static str) -> String {
        self.written.push(Written { entity, id: String::new() });
        format!("t{}", self.written.len() - 1)
    }

    /// Where a text was written, if it ever was.
    pub fn origin(&self, text: &str) -> Option<&Written> {
        self.written.get(text.strip_prefix('t')?.parse::<usize>().ok()?)
    }

    /// Texts whose record was not known when they were made.
    pub fn place(&mut self, text: &str, id: &str) {
        let at = text.strip_prefix('t').and_then(|number| number.parse::<usize>().ok());
        if let Some(written) = at.and_then(|at| self.written.get_mut(at)) {
            id.clone_into(&mut written.id);
        }
    }

    /// A committed write is part of `op`.
    pub fn wrote(&mut self, device: usize, record: (&str, &str), op: &OpId, part: (i64, Option<String>)) {
        let (added, mark) = part;
        self.serial += 1;
        let serial = self.serial;
        let claim = self.claims.entry(op.clone()).or_insert_with(|| Claim {
            device,
            entity: record.0.to_owned(),
            id: record.1.to_owned(),
            serial,
            added: 0,
            marks: Vec::new(),
            sure: Sure::Yes,
        });
        claim.added += added;
        if let Some(mark) = mark {
            self.by_mark.insert(mark.clone(), op.clone());
            claim.marks.push(mark);
        }
    }

    /// Its author wants it no more. Where another copy may have sent it, that is not for one copy to say.
    pub fn give_up(&mut self, op: &OpId) {
        if let Some(claim) = self.claims.get_mut(op).filter(|claim| claim.sure == Sure::Yes) {
            claim.sure = Sure::Gone;
        }
    }

    /// A person had the lane's changes made anew as one op.
    pub fn renewed(&mut self, device: usize, record: (&str, &str), lane: &[OpId], op: &OpId) {
        let old: Vec<Claim> = lane.iter().filter_map(|op| self.claims.get(op).cloned()).collect();
        self.wrote(device, record, op, (old.iter().map(|claim| claim.added).sum(), None));
        for mark in old.iter().flat_map(|claim| &claim.marks) {
            self.wrote(device, record, op, (0, Some(mark.clone())));
        }
        let doubtful = self.tainted.contains(&device) || old.iter().any(|claim| claim.sure != Sure::Yes);
        if let Some(claim) = self.claims.get_mut(op).filter(|_| doubtful) {
            claim.sure = Sure::Doubtful;
        }
        lane.iter().for_each(|op| self.give_up(op));
    }

    /// The store was replaced by another that holds these ops unfinished: they may be answered with what another copy made of
    /// them, and what is neither there nor answered is lost.
    pub fn doubt(&mut self, device: usize, unfinished: &BTreeSet<OpId>, answered: impl Fn(&OpId) -> bool) {
        let mut lost = 0;
        for (op, claim) in self.claims.iter_mut().filter(|(_, claim)| claim.sure == Sure::Yes) {
            let here = unfinished.contains(op);
            if here || claim.device == device && !answered(op) {
                lost += u64::from(!here);
                claim.sure = Sure::Doubtful;
            }
        }
        *self.lost.entry(device).or_default() += lost;
        self.tainted.insert(device);
    }

    /// A device gave an op a new id, so that it is not taken for another copy's; either may carry the change now.
    pub fn reissued(&mut self, old: &OpId, new: &OpId) {
        let Some(claim) = self.claims.get_mut(old) else { return };
        claim.sure = Sure::Doubtful;
        let claim = claim.clone();
        for mark in &claim.marks {
            self.by_mark.insert(mark.clone(), new.clone());
        }
        self.claims.insert(new.clone(), claim);
    }

    /// Whether any store was replaced or lives twice.
    pub fn has_copies(&self) -> bool {
        !self.tainted.is_empty()
    }

    /// A person took a mark away.
    pub fn unmark(&mut self, mark: &str) {
        if let Some(claim) = self.by_mark.remove(mark).and_then(|op| self.claims.get_mut(&op)) {
            claim.marks.retain(|one| one != mark);
        }
    }

    /// How far a mark can be relied on.
    pub fn mark(&self, mark: &str) -> Sure {
        self.by_mark.get(mark).and_then(|op| self.claims.get(op)).map_or(Sure::Gone, |claim| claim.sure)
    }

    /// Marks of claims that hold, each with its record.
    pub fn sure_marks(&self) -> BTreeSet<(&str, &str)> {
        let sure = self.claims.values().filter(|claim| claim.sure == Sure::Yes);
        sure.flat_map(|claim| claim.marks.iter().map(|mark| (claim.id.as_str(), mark.as_str()))).collect()
    }
}
