//! The threads of the program, or its end where the system gives none.

use crate::{
    cli::LogFormat,
    error::{Error, Kind, Result},
    outcome,
};
use std::{panic, process, sync::mpsc, time::Duration};
use tokio::runtime::{Builder, Runtime};

/// Threads for tasks, and one for files and the database.
///
/// Where the system gives no thread, tokio panics and then waits for ever for those it has: the process ends instead. The
/// thread for files is made now, and kept: tokio would silently wait for one that is never made.
///
/// # Errors
/// Where there are none, for want of memory or by a limit of the system.
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
