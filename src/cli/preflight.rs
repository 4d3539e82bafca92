//! Whether there are enough memory and threads, before anything is read or sent. Here both can be asked for, and an
//! error be told; later, the system would end the program where it stands.

use std::io::{self, Write};
use std::sync::RwLock;
use std::thread;

use super::JobError;
use crate::report::counted;

/// What there must be: the most that a run over a file of any size was seen to take (see `docs/performance.md`), what
/// its threads take, and some room.
const MEMORY: usize = 96 << 20;

/// What must be left when all threads are there.
const LEFT: usize = 64 << 20;

/// What a thread takes to start, and more.
const OF_A_THREAD: usize = 4 << 20;

/// Said without taking any memory for it.
const TOO_LITTLE: &[u8] =
    b"error: there is too little memory: headcount needs 96 MiB besides its own code. Raise the \
    limit (ulimit -v, or that of the container); nothing was sent.\n";

/// Whether the program has the memory that it needs. If not, says so.
pub(super) fn has_memory() -> bool {
    let enough = is_free(MEMORY);
    if !enough {
        // Nothing can be done about a terminal that is gone.
        let _ = io::stderr().write_all(TOO_LITTLE);
    }
    enough
}

/// Starts as many threads as a command may need at once, and ends them again.
pub(super) fn threads(needed: usize) -> Result<(), JobError> {
    let gate = RwLock::new(());
    let (started, enough) = thread::scope(|scope| {
        let shut = gate.write();
        // Until the gate is opened all of them are there; `scope` waits for their end.
        let start = |_: &usize| {
            is_free(OF_A_THREAD)
                && thread::Builder::new()
                    .spawn_scoped(scope, || drop(gate.read()))
                    .is_ok()
        };
        let started = (0..needed).take_while(start).count();
        let enough = is_free(LEFT);
        drop(shut);
        (started, enough)
    });
    if started == needed && enough {
        return Ok(());
    }
    let threads = counted(needed as u64, "thread");
    let lack = if started < needed {
        format!("this command needs {threads} besides its first, and the system allows {started}")
    } else {
        format!("there is too little memory for {threads} besides the first")
    };
    Err(JobError::unexpected(format_args!(
        "{lack}. Raise the limit (ulimit -u, ulimit -v, or that of the container); nothing was sent."
    )))
}

/// Whether so many bytes could be had. None of them is used. Without a limit nothing is asked: it would take longer
/// than all the rest, and say little, since the system promises more than it has.
fn is_free(bytes: usize) -> bool {
    !is_limited() || Vec::<u8>::new().try_reserve_exact(bytes).is_ok()
}

/// Whether this process may only have so much memory.
#[cfg(unix)]
fn is_limited() -> bool {
    use rustix::process::{Resource, getrlimit};
    [Resource::As, Resource::Data]
        .into_iter()
        .any(|memory| getrlimit(memory).current.is_some())
}

#[cfg(not(unix))]
fn is_limited() -> bool {
    true
}
