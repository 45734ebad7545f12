//! Each planted fault is found, and within a stated number of seeds (README.md has the table). One that is found no more
//! means that the simulation has gone blind to its law.

use crate::plant::Plant;
use crate::run::{config_of, run};
use crate::seeds::schema;

/// Runs seeds until one fails, at most `most`.
fn found(plant: Plant, most: u64) {
    let schema = schema();
    let problem = (0..most).find_map(|seed| Some((seed, run(&schema, seed, &config_of(seed), Some(plant), 0).problem?)));
    match problem {
        Some((seed, problem)) => println!("{plant:?}: seed {seed}: {problem:.160}"),
        None => panic!("{plant:?} is not found in {most} seeds"),
    }
}

macro_rules! planted {
    ($( $name:ident = $plant:ident, $most:literal; )*) => {
        $( #[test] fn $name() { found(Plant::$plant, $most); } )*
    };
}

planted! {
    planted_pull_overwrites_pending = PullOverwritesPending, 50;
    planted_answer_forgotten = AnswerForgotten, 50;
    planted_token_without_slice = TokenWithoutSlice, 50;
    planted_base_overwritten = BaseOverwritten, 50;
    planted_tombstone_dropped = TombstoneDropped, 50;
    planted_cursor_ahead = CursorAhead, 50;
    planted_401_as_refusal = AuthAsRefusal, 50;
    planted_later_as_done = LaterAsDone, 50;
    planted_write_without_op = WriteWithoutOp, 50;
    planted_op_without_record = OpWithoutRecord, 50;
    planted_strict_not_flushed = StrictNotFlushed, 50;
    planted_alarm_forgotten = AlarmForgotten, 50;
    planted_status_lies = StatusLies, 50;
    planted_order_turned = OrderTurned, 50;
    planted_before_forgotten = BeforeForgotten, 50;
    planted_answer_without_effect = AnswerWithoutEffect, 50;
    planted_value_invented = ValueInvented, 50;
    planted_counts_drift = CountsDrift, 50;
}
