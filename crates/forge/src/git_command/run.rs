//! Running a program that may not end by itself: it and all that it starts are killed when they take too long or too much.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};

/// How often the program is checked, at first and later.
const LOOKS: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(50));

/// The time between two looks at the folder, as a multiple of what a look takes.
const LOOK_SHARE: u32 = 10;

/// The most memory, as addresses, that each process may take, in bytes. With our settings all of redis, its history
/// included, is cloned within it (measured with git 2.39; 384 MiB are too little for that).
const MAX_MEMORY_BYTES: u64 = 1 << 30;

/// What a file takes of the disk beside its bytes, in bytes: many small ones are much too.
const FILE_BYTES: u64 = 4096;

/// With less room on the disk, in bytes, a failure is one of the disk. The room is looked at from time to time while the
/// program runs, since it may remove what it wrote before it ends: so it must be more than is written between two looks.
const LEAST_ROOM: u64 = 16 << 20;

/// Room for what a program says when the disk is full.
const WORDS_BYTES: u64 = 16 << 10;

/// The last bytes that are kept of what a program says when it fails.
const MAX_WORDS: u64 = 500;

/// The files in the folder of a run that it writes to.
const OUTPUT: &str = "stdout";
const WORDS: &str = "stderr";

/// When a program is killed.
pub(super) struct Bounds {
    /// The size in bytes of the files in its folder at which it is stopped.
    pub(super) max_bytes: u64,
    /// At this time.
    pub(super) deadline: Instant,
}

/// How a program ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With success.
    Well,
    /// Without; the end of what it said.
    Badly(String),
    /// Without, and there was no room on the disk; the end of what it said.
    NoRoom(String),
    /// Killed at the deadline.
    TooLate,
    /// Killed for the bytes in its folder.
    TooLarge,
}

/// Runs a program in a process group of its own, without input. What it writes goes to files in `folder`, and counts.
pub(super) fn run(mut command: Command, folder: &Path, bounds: &Bounds) -> io::Result<Ended> {
    let words = File::create(folder.join(WORDS))?;
    reserve(&words)?;
    command
        .stdin(Stdio::null())
        .stdout(File::create(folder.join(OUTPUT))?)
        .stderr(words)
        .process_group(0);
    let mut running = Running::start(&mut command)?;
    // The least room that was seen: a program that fails for lack of room may free it before it ends.
    let mut room = room_in(folder)?;
    let (mut pause, last) = LOOKS;
    let mut next_look = Instant::now();
    loop {
        if let Some(status) = running.ended()? {
            room = room.min(room_in(folder)?);
            return end_of(status, folder, bounds, room);
        }
        let now = Instant::now();
        if now >= bounds.deadline {
            return Ok(Ended::TooLate);
        }
        if now >= next_look {
            room = room.min(room_in(folder)?);
            if size_of(folder)? > bounds.max_bytes {
                return Ok(Ended::TooLarge);
            }
            // The larger the folder, the longer a look takes, and the less often it is done.
            next_look = Instant::now() + now.elapsed() * LOOK_SHARE;
        }
        thread::sleep(pause.min(bounds.deadline - now));
        pause = (pause * 2).min(last);
    }
}

/// The first `limit` bytes of what the last run wrote to its output.
pub(super) fn read_output(folder: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let mut output = Vec::new();
    File::open(folder.join(OUTPUT))?
        .take(limit as u64)
        .read_to_end(&mut output)?;
    Ok(output)
}

fn end_of(status: ExitStatus, folder: &Path, bounds: &Bounds, room: u64) -> io::Result<Ended> {
    if !status.success() {
        let words = words(folder)?;
        let full = room < LEAST_ROOM || tells_of_a_full_disk(&words);
        return Ok(if full {
            Ended::NoRoom(words)
        } else {
            Ended::Badly(words)
        });
    }
    // It may have been too quick to be looked at.
    Ok(if size_of(folder)? > bounds.max_bytes {
        Ended::TooLarge
    } else {
        Ended::Well
    })
}

fn words(folder: &Path) -> io::Result<String> {
    let mut file = File::open(folder.join(WORDS))?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_WORDS)))?;
    let mut words = Vec::new();
    file.take(MAX_WORDS).read_to_end(&mut words)?;
    Ok(String::from_utf8_lossy(&words).trim().to_owned())
}

/// Whether a program says that the disk, or the quota, is full. What a server says through it does not count.
fn tells_of_a_full_disk(words: &str) -> bool {
    // strerror(3) for ENOSPC and EDQUOT in the locale C.
    const ENDS: [&str; 2] = [": No space left on device", ": Disk quota exceeded"];
    let own = words.lines().filter(|line| !line.contains("remote"));
    own.map(str::trim_end)
        .any(|line| ENDS.iter().any(|end| line.ends_with(end)))
}

/// Keeps room for what a program says, so that it can say that the disk is full.
fn reserve(words: &File) -> io::Result<()> {
    match fallocate(words, FallocateFlags::KEEP_SIZE, 0, WORDS_BYTES) {
        // Not all file systems can.
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The bytes that are free for us where a folder is.
fn room_in(folder: &Path) -> io::Result<u64> {
    let found = statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// The bytes of all files below a folder. What is gone before it is looked at counts as nothing.
fn size_of(folder: &Path) -> io::Result<u64> {
    let (mut bytes, mut pending) = (0, vec![folder.to_owned()]);
    while let Some(folder) = pending.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries.flatten() {
            // Links are not followed.
            let Ok(found) = entry.metadata() else { continue };
            bytes += found.len() + FILE_BYTES;
            if found.is_dir() {
                pending.push(entry.path());
            }
        }
    }
    Ok(bytes)
}

/// A child that is killed, with its process group, and waited for unless it has ended.
struct Running {
    child: Child,
    ended: bool,
}

impl Running {
    fn start(command: &mut Command) -> io::Result<Self> {
        let running = Self {
            child: command.spawn()?,
            ended: false,
        };
        let memory = Rlimit {
            current: Some(MAX_MEMORY_BYTES),
            maximum: Some(MAX_MEMORY_BYTES),
        };
        match prlimit(Some(Pid::from_child(&running.child)), Resource::As, memory) {
            Ok(_) | Err(Errno::SRCH) => Ok(running),
            Err(error) => Err(error.into()),
        }
    }

    fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        self.ended = status.is_some();
        Ok(status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            // The child has not been waited for, so that its id is still that of its group.
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_shell(script: &str, folder: &Path, bounds: &Bounds) -> Ended {
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(folder);
        run(command, folder, bounds).unwrap()
    }

    fn bounds(milliseconds: u64) -> Bounds {
        Bounds {
            max_bytes: 1 << 20,
            deadline: Instant::now() + Duration::from_millis(milliseconds),
        }
    }

    #[test]
    fn a_program_ends_by_itself_or_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let run = |script, milliseconds| run_shell(script, folder.path(), &bounds(milliseconds));
        assert_eq!(run("echo out", 60_000), Ended::Well);
        assert_eq!(read_output(folder.path(), 3).unwrap(), b"out");
        assert_eq!(run("echo why >&2; exit 3", 60_000), Ended::Badly("why".to_owned()));
        assert_eq!(run("cat; exec cat", 60_000), Ended::Well, "there is no input");
        assert_eq!(run("sleep 600", 100), Ended::TooLate);
        let script = "sleep 600 & echo $! >pid; exec cat /dev/zero >file";
        assert_eq!(run(script, 60_000), Ended::TooLarge);
        let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
        let state = || fs::read_to_string(format!("/proc/{}/stat", pid.trim())).ok();
        let gone = || state().is_none_or(|stat| stat.contains(") Z ") || stat.contains(") X "));
        while !gone() {
            thread::yield_now();
        }
    }

    #[test]
    fn a_program_that_writes_too_much_is_killed_whatever_it_writes_to() {
        for script in [
            "exec cat /dev/zero >file",
            "exec cat /dev/zero",
            "exec cat /dev/zero >&2",
            "mkdir a; i=0; while :; do i=$((i+1)); : >a/$i; done",
            "head -c 2000000 /dev/zero >file",
        ] {
            let folder = tempfile::tempdir().unwrap();
            assert_eq!(
                run_shell(script, folder.path(), &bounds(60_000)),
                Ended::TooLarge,
                "{script}"
            );
        }
    }

    #[test]
    fn a_full_disk_is_told_by_the_program_not_by_a_server() {
        let check = |words: &str, full| assert_eq!(tells_of_a_full_disk(words), full, "{words}");
        check(
            "fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output",
            true,
        );
        check("fatal: unable to write file x: Disk quota exceeded", true);
        check("remote: x: No space left on device", false);
        check("fatal: remote error: x: No space left on device", false);
        check("fatal: expected a list, got 'x: No space left on device'", false);
        check("No space left on device", false);
        let folder = tempfile::tempdir().unwrap();
        let script = "echo 'fatal: write error: No space left on device' >&2; exit 1";
        let ended = run_shell(script, folder.path(), &bounds(60_000));
        assert!(matches!(ended, Ended::NoRoom(_)), "{ended:?}");
    }

    #[test]
    fn a_program_that_takes_too_much_memory_fails() {
        let folder = tempfile::tempdir().unwrap();
        let script = "sleep 0.1; exec dd if=/dev/zero of=/dev/null bs=3G count=1";
        let ended = run_shell(script, folder.path(), &bounds(60_000));
        assert!(matches!(ended, Ended::Badly(_)), "{ended:?}");
    }
}
