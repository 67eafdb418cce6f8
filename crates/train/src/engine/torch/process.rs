//! A child process with all that it starts: lines of its output, the end of its errors, its end.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// The most bytes of a line that are kept; the rest of a longer one is left out.
const MAX_LINE: u64 = 1 << 20;

/// Lines that wait to be read, before the process has to wait for the reader.
const LINES_WAITING: usize = 64;

/// The bytes of its errors that are kept.
const TAIL_BYTES: usize = 8 << 10;

/// How long the last of its errors are waited for after its end, where a process that it started still holds the pipe.
const LINGER: Duration = Duration::from_secs(1);

/// What a wait for a line came to.
#[derive(Debug)]
pub(super) enum Heard {
    /// A line, without its end.
    Line(String),
    /// Nothing yet.
    Silence,
    /// There will be no more lines.
    Closed,
}

/// A process that leads a group of its own. With the value ends the whole group.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Pid,
    lines: Receiver<String>,
    tail: Arc<Mutex<VecDeque<u8>>>,
    errors: Option<JoinHandle<()>>,
    reaped: bool,
}

impl Process {
    /// Starts a command.
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.process_group(0).spawn()?;
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let (sender, lines) = sync_channel(LINES_WAITING);
        let mut process = Self {
            group: Pid::from_child(&child),
            child,
            lines,
            tail: Arc::default(),
            errors: None,
            reaped: false,
        };
        let tail = Arc::clone(&process.tail);
        thread::Builder::new().spawn(move || output.map(|output| read_lines(output, &sender)))?;
        let keep = move || {
            if let Some(errors) = errors {
                keep_tail(errors, &tail);
            }
        };
        process.errors = Some(thread::Builder::new().spawn(keep)?);
        Ok(process)
    }

    /// Waits for a line.
    pub(super) fn line(&self, wait: Duration) -> Heard {
        match self.lines.recv_timeout(wait) {
            Ok(line) => Heard::Line(line),
            Err(RecvTimeoutError::Timeout) => Heard::Silence,
            Err(RecvTimeoutError::Disconnected) => Heard::Closed,
        }
    }

    /// Asks the group to end.
    pub(super) fn ask_to_stop(&self) {
        // One that has ended already is no trouble.
        let _ = kill_process_group(self.group, Signal::TERM);
    }

    /// Ends the group.
    pub(super) fn kill(&self) {
        let _ = kill_process_group(self.group, Signal::KILL);
    }

    /// Whether the process has ended. Its number stays its own until [`Self::finish`], so that no other group is hit.
    pub(super) fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.group), options).is_ok_and(|status| status.is_some())
    }

    /// Ends what is left of the group: how the process ended, and the end of its errors.
    pub(super) fn finish(mut self) -> io::Result<(ExitStatus, String)> {
        let status = self.reap()?;
        let since = Instant::now();
        let reads = |errors: &JoinHandle<()>| !errors.is_finished();
        while self.errors.as_ref().is_some_and(reads) && since.elapsed() < LINGER {
            thread::sleep(Duration::from_millis(5));
        }
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = tail.iter().copied().collect();
        Ok((status, printable(&String::from_utf8_lossy(&bytes))))
    }

    fn reap(&mut self) -> io::Result<ExitStatus> {
        if !self.reaped {
            self.kill();
            self.reaped = true;
        }
        self.child.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.reap();
    }
}

/// Text without what a terminal would take as commands.
pub(super) fn printable(text: &str) -> String {
    let shown = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
    text.trim().chars().filter(shown).collect()
}

/// Sends lines on until there are no more, or nobody takes them.
fn read_lines(output: impl Read, sender: &SyncSender<String>) {
    let mut reader = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        match reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if line.last() != Some(&b'\n') && reader.skip_until(b'\n').is_err() {
            return;
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if sender.send(text).is_err() {
            return;
        }
    }
}

/// Keeps the last of what is read.
fn keep_tail(mut errors: impl Read, tail: &Mutex<VecDeque<u8>>) {
    let mut part = [0; 4096];
    while let Ok(read @ 1..) = errors.read(&mut part) {
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend(&part[..read]);
        let surplus = tail.len().saturating_sub(TAIL_BYTES);
        tail.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start(command).unwrap()
    }

    fn lines(process: &Process) -> Vec<String> {
        let next = || match process.line(Duration::from_secs(20)) {
            Heard::Line(line) => Some(line),
            Heard::Silence | Heard::Closed => None,
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn lines_are_bounded_and_only_the_end_of_errors_is_kept() {
        let process = shell(
            "head -c 3000000 /dev/zero | tr '\\0' a; echo; echo two; head -c 50000 /dev/zero | tr '\\0' b >&2; echo last >&2",
        );
        let lines = lines(&process);
        assert_eq!((lines.len(), lines[0].len(), lines[1].as_str()), (2, 1 << 20, "two"));
        let (status, tail) = process.finish().unwrap();
        assert!(status.success());
        assert!(tail.len() <= TAIL_BYTES && tail.ends_with("blast"), "{}", tail.len());
    }

    #[test]
    fn what_a_process_started_ends_with_it() {
        let process = shell("sleep 600 & echo $!; exit 3");
        let child: i32 = lines_of_one(&process).parse().unwrap();
        wait_for_end(&process);
        let (status, _) = process.finish().unwrap();
        assert_eq!(status.code(), Some(3));
        let is_there =
            || std::fs::read_to_string(format!("/proc/{child}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
        let since = Instant::now();
        while is_there() && since.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(!is_there());
    }

    fn wait_for_end(process: &Process) {
        let since = Instant::now();
        while !process.has_ended() && since.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn lines_of_one(process: &Process) -> String {
        match process.line(Duration::from_secs(20)) {
            Heard::Line(line) => line,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_end_is_seen_before_it_is_taken() {
        let process = shell("exit 0");
        wait_for_end(&process);
        assert!(process.has_ended() && process.has_ended());
        assert!(process.finish().unwrap().0.success());
    }

    #[test]
    fn commands_to_a_terminal_are_not_shown() {
        assert_eq!(printable("\u{1b}[2Jred\nline\t1\r\n"), "[2Jred\nline\t1");
    }
}
