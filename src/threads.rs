//! Starts the threads of the program; ends it if the system refuses them.

use crate::{
    cli::LogFormat,
    error::{Error, Kind, Result},
    outcome,
};
use std::{panic, process, sync::mpsc, time::Duration};
use tokio::runtime::{Builder, Runtime};

/// Starts the threads for tasks, and one for files and the database.
///
/// If the system refuses a thread, tokio panics and then waits forever for the others, so a panic hook ends the
/// process. The thread for files is started now and kept for a day: tokio would wait forever, and silently, for one
/// that it cannot start later.
///
/// # Errors
/// `Kind::Memory` if the thread for files does not start within ten seconds, or the I/O error of building the
/// runtime.
#[expect(clippy::disallowed_methods, reason = "nobody is left who could return the error")]
pub fn start(format: LogFormat) -> Result<Runtime> {
    const DAY: Duration = Duration::from_secs(86_400);
    let failed = || Error::new(Kind::Memory, "cannot start threads").because("the system gives none");
    panic::set_hook(Box::new(move |_| {
        let code = outcome::exit_code(Kind::Memory);
        format.tell_failure(&failed(), code);
        process::exit(code.into())
    }));
    let runtime = Builder::new_multi_thread().enable_all().thread_keep_alive(DAY).build();
    _ = panic::take_hook();
    let runtime = runtime.map_err(|cause| Error::io("cannot start threads", &cause))?;

    let (started, wait) = mpsc::channel();
    runtime.spawn_blocking(move || started.send(()));
    if wait.recv_timeout(Duration::from_secs(10)).is_err() {
        runtime.shutdown_background();
        return Err(failed());
    }
    Ok(runtime)
}
