//! What follows each code, as one table (SYN-13): when it answers a whole request, when it answers one op, and what a
//! person is advised to do. It decides that and nothing about when; the sync machine and the store ask it, so that no
//! answer is handled in two ways. An answer that is no problem of ours becomes a code first, in `dialect`.

use crate::error::Code;

/// What a device does when a whole request is answered (or not answered) so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// Waits, then sends the same bytes again; nobody's op is to blame.
    Wait,
    /// Waits likewise, but an op that is met so whenever it is sent alone, by a server that answers otherwise, is to blame.
    Blame,
    /// Sends half as much; alone, the op goes back to its author.
    Halve,
    /// Takes a new incarnation and sends again, once a cycle; then it waits.
    Reborn,
    /// Registers the device and sends again, once a cycle; then it waits.
    Attach,
}

/// What becomes of an op that is answered so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Single {
    /// It waits and goes again, a number of times; then it is `failed`.
    Again,
    /// It goes again under a new id, a few times; where that could count twice, and then, it is `failed`.
    Renamed,
    /// It is `failed` and waits for a person, with all that depends on it.
    Failed,
}

/// What a person is advised to do; js/errors.ts has the same table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: it mends itself, or waits for the network or the server.
    Wait,
    /// Sign in again.
    SignIn,
    /// Choose between two versions.
    Choose,
    /// Correct the entry and send it again, or give it up.
    Correct,
    /// Bring back what is gone, or give the change up.
    Restore,
    /// Ask for the right, then send again.
    Ask,
    /// Free some space.
    FreeSpace,
    /// Update the application, or reload it.
    Update,
    /// Unlock the database.
    Unlock,
    /// Send it again or give it up.
    Confirm,
    /// Reload the page.
    Reload,
    /// Report it: a person cannot mend it.
    Report,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handling {
    /// As the answer to a request.
    pub whole: Whole,
    /// As the answer to an op.
    pub single: Single,
    /// For people.
    pub action: Action,
}

macro_rules! table {
    ($( $code:ident: $whole:ident, $single:ident, $action:ident; )*) => {
        impl Code {
            /// What follows it.
            #[must_use]
            pub const fn handling(self) -> Handling {
                match self { $(
                    Code::$code => Handling { whole: Whole::$whole, single: Single::$single, action: Action::$action }
                ),* }
            }
        }
    };
}

table! {
    //                 whole   single   person
    NetworkError:      Wait,   Again,   Wait;
    AuthError:         Wait,   Again,   SignIn;
    VersionConflict:   Wait,   Failed,  Choose;
    ValidationError:   Halve,  Failed,  Correct;
    NotFound:          Wait,   Failed,  Restore;
    PermissionDenied:  Attach, Failed,  Ask;
    ServerError:       Blame,  Again,   Wait;
    RateLimited:       Wait,   Again,   Wait;
    QuotaExceeded:     Wait,   Again,   FreeSpace;
    SchemaMismatch:    Wait,   Failed,  Update;
    CorruptData:       Wait,   Failed,  Report;
    Locked:            Wait,   Again,   Unlock;
    IdCollision:       Wait,   Failed,  Correct;
    ReferenceMissing:  Wait,   Failed,  Restore;
    UniqueViolation:   Wait,   Failed,  Correct;
    EditExpired:       Wait,   Failed,  Confirm;
    AnswerForgotten:   Wait,   Failed,  Confirm;
    Referenced:        Wait,   Failed,  Restore;
    OpReused:          Wait,   Renamed, Confirm;
    StaleIncarnation:  Reborn, Failed,  Wait;
    PayloadTooLarge:   Halve,  Failed,  Correct;
    ProtocolError:     Halve,  Failed,  Update;
    InvalidSchema:     Wait,   Failed,  Report;
    LockLost:          Wait,   Failed,  Wait;
    DatabaseClosed:    Wait,   Failed,  Reload;
    StorageError:      Wait,   Failed,  FreeSpace;
    ReadOnly:          Wait,   Failed,  Reload;
    EnginePanic:       Wait,   Failed,  Reload;
}
