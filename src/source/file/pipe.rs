//! A pipe or standard input, read on its own thread: an `open` or `read` that waits for a writer cannot be interrupted.
//!
//! In: a path.  Out: its bytes; [`ErrorKind::WouldBlock`] once the pipe is left, because the program is to end or has
//! waited long enough.
//! Ignored on purpose: the rest of a pipe that is left. The kernel keeps it while the writer holds the pipe open;
//! blocks that the thread has already taken are lost.

use std::{
    fs::File,
    io::{Cursor, ErrorKind, Read, Result},
    os::fd::AsFd,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

const BLOCK_BYTES: usize = 64 << 10;
/// Blocks that are read ahead.
const BLOCKS: usize = 16;
/// How often to look whether the program is to end.
const LOOK: Duration = Duration::from_millis(50);
/// How long data that was already written is still taken after the program is told to end, at most.
const LAST: Duration = Duration::from_millis(300);

/// When a pipe is left before its writer closes it.
#[derive(Debug, Clone, Default)]
pub struct Until {
    /// Set when the program is to end.
    pub told: Arc<AtomicBool>,
    /// How long to wait for data, all waits together; `None`: without a limit.
    pub waited: Option<Duration>,
}

pub struct Pipe {
    blocks: Mutex<Receiver<Result<Vec<u8>>>>,
    block: Cursor<Vec<u8>>,
    until: Until,
    waited: Duration,
    told_at: Option<Instant>,
    is_left: bool,
}

/// Whether an error means that a pipe was left.
pub fn is_left(cause: &std::io::Error) -> bool {
    cause.kind() == ErrorKind::WouldBlock
}

impl Pipe {
    /// Starts to read `path`; `-` is standard input.
    ///
    /// # Errors
    /// When no thread can be started. If the path cannot be opened, the first read says so.
    pub fn open(path: &Path, until: Until) -> Result<Self> {
        let (sender, blocks) = sync_channel(BLOCKS);
        let path = path.to_owned();
        thread::Builder::new().name("pipe".into()).spawn(move || pump(&path, &sender))?;
        let (waited, block) = (Duration::ZERO, Cursor::default());
        Ok(Self { blocks: Mutex::new(blocks), block, until, waited, told_at: None, is_left: false })
    }

    /// Waits for the next block and puts it into `self.block`, which stays empty at the end.
    fn wait(&mut self) -> Result<()> {
        let blocks = self.blocks.get_mut().unwrap_or_else(PoisonError::into_inner);
        loop {
            let is_told = self.until.told.load(Ordering::Relaxed);
            let is_over = is_told && self.told_at.get_or_insert_with(Instant::now).elapsed() > LAST;
            // All waits together: a writer that sends a line now and then is waited for no longer than a silent one.
            self.is_left |= is_over || self.until.waited.is_some_and(|most| self.waited >= most);
            if self.is_left {
                return Err(ErrorKind::WouldBlock.into());
            }
            let since = Instant::now();
            let block = blocks.recv_timeout(LOOK);
            self.waited += since.elapsed();
            match block {
                Ok(block) => {
                    self.block = Cursor::new(block?);
                    return Ok(());
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => self.is_left = is_told,
            }
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        match self.block.read(into)? {
            0 if !into.is_empty() => {
                self.wait()?;
                self.block.read(into)
            }
            n => Ok(n),
        }
    }
}

/// Sends what it reads until the receiver is gone. After an error it tries to read again, so that a caller who met the
/// error while looking ahead meets it again.
fn pump(path: &Path, sender: &SyncSender<Result<Vec<u8>>>) {
    let mut input = match open(path) {
        Ok(input) => input,
        Err(e) => {
            // Sending fails if the receiver is gone.
            _ = sender.send(Err(e));
            return;
        }
    };
    loop {
        let mut block = vec![0; BLOCK_BYTES];
        let read = match input.read(&mut block) {
            Ok(0) => return,
            Ok(n) => {
                block.truncate(n);
                Ok(block)
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            // A process that shares standard input may have made it non-blocking.
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                thread::sleep(LOOK);
                continue;
            }
            Err(e) => Err(e),
        };
        if sender.send(read).is_err() {
            return;
        }
    }
}

fn open(path: &Path) -> Result<File> {
    match path == Path::new("-") {
        true => Ok(File::from(std::io::stdin().as_fd().try_clone_to_owned()?)),
        false => File::open(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Write, process::Command};

    /// A named pipe and its write end, whose opening waits for the reader.
    fn pipe(until: Until) -> (Pipe, File) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let pipe = Pipe::open(&path, until).unwrap();
        (pipe, File::options().write(true).open(&path).unwrap())
    }

    #[test]
    fn a_pipe_is_read_until_its_writer_closes_it() {
        let (mut pipe, mut writer) = pipe(Until::default());
        let text: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let expected = text.clone();
        let writing = thread::spawn(move || writer.write_all(&text).unwrap());
        let mut found = Vec::new();
        pipe.read_to_end(&mut found).unwrap();
        writing.join().unwrap();
        assert!(found == expected);
    }

    #[test]
    fn a_pipe_that_stays_open_is_left_when_the_program_is_to_end_with_what_was_written_before() {
        let until = Until::default();
        let (mut pipe, mut writer) = pipe(until.clone());
        writer.write_all(b"one\n").unwrap();
        until.told.store(true, Ordering::Relaxed);
        let (mut found, since) = (Vec::new(), Instant::now());
        assert_eq!(pipe.read_to_end(&mut found).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(found, b"one\n");
        assert_eq!(pipe.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock, "and stays left");
        assert!(since.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn a_pipe_that_never_ends_is_left_when_the_program_is_to_end() {
        let until = Until::default();
        let (mut pipe, mut writer) = pipe(until.clone());
        thread::spawn(move || while writer.write_all(b"line\n").is_ok() {});
        pipe.read_exact(&mut [0; 10]).unwrap();
        until.told.store(true, Ordering::Relaxed);
        let since = Instant::now();
        assert_eq!(std::io::copy(&mut pipe, &mut std::io::sink()).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(since.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn waiting_for_a_pipe_ends_whether_anybody_writes_or_not() {
        let waited = Some(Duration::from_millis(200));
        let (mut pipe, mut writer) = pipe(Until { waited, ..Until::default() });
        thread::spawn(move || {
            while writer.write_all(b"line\n").is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        });
        let (mut found, since) = (Vec::new(), Instant::now());
        assert_eq!(pipe.read_to_end(&mut found).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(found.len() > 5 && since.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn what_cannot_be_opened_or_read_is_an_error_each_time() {
        let mut pipe = Pipe::open(Path::new("/nonexistent"), Until::default()).unwrap();
        assert_eq!(pipe.read(&mut [0]).unwrap_err().kind(), ErrorKind::NotFound);
        let mut pipe = Pipe::open(Path::new("/"), Until::default()).unwrap();
        for _ in 0..2 {
            assert_eq!(pipe.read(&mut [0]).unwrap_err().kind(), ErrorKind::IsADirectory);
        }
    }
}
