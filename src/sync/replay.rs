//! After a server was restored from a copy: what it had acknowledged goes again, batch by batch, before anything else does.
//! It decides when that begins and what follows each answer; which ops go, and what their answers mean, is the store's.

use crate::store::note::Fact;
use crate::store::replay::{Replay, comes_again};
use crate::store::settle::Answered;
use crate::store::stage::Staged;
use crate::sync::machine::Machine;
use crate::sync::port::Request;
use crate::wire::{Mark, Processed, PushRequest};

impl Machine {
    /// The server does not know what it once told this device.
    pub(super) fn rolled_back(&mut self) {
        if let Some(running) = &mut self.running {
            running.batch.clear();
            running.page = None;
            running.fetched = false;
        }
        self.note_and_go_on(Fact::RolledBack);
    }

    /// Whether ops are still to be sent again.
    pub(super) fn owes_replay(&self) -> bool {
        self.sync.as_ref().is_some_and(|sync| sync.replay.is_some())
    }

    /// Takes the answers to the last batch and asks for the next.
    pub(super) fn replay(&mut self, answered: (Vec<Answered>, Option<Mark>)) {
        let size = self.batch_size();
        let Some(running) = &mut self.running else { return };
        running.replaying = true;
        running.batch.clear();
        let replay = Replay::new(running.fence, size, answered, self.at.now);
        self.run(replay);
    }

    /// The next batch to send again, or the end of it.
    pub(super) fn replayed(&mut self, staged: Staged) {
        self.sync = Some(staged.sync);
        let Some(running) = &mut self.running else { return };
        running.batch = staged.batch;
        if running.batch.is_empty() {
            running.replaying = false;
            return self.stage();
        }
        let request = PushRequest { pull: false, ..self.push_request() };
        self.send(Request::Push(request));
    }

    /// The answers to a batch that went again. One that is to come again later stops it where it stands.
    pub(super) fn replay_answered(&mut self, answers: Vec<Processed>, mark: Option<Mark>) {
        let later = answers.iter().find(|answer| comes_again(answer)).and_then(|answer| answer.error.clone());
        if let Some(error) = later {
            return self.fail(error);
        }
        let items = self.match_answers(answers);
        // An op left without an answer: the place in the queue moves only over a batch that is answered as a whole.
        match self.running.as_mut().and_then(|running| running.later.take()) {
            Some(error) => self.fail(error),
            None => self.replay((items, mark)),
        }
    }
}
