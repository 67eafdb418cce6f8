//! What Linux tells about processes (proc(5)), and signals to them.

use std::fs;
use std::thread::yield_now;

use rustix::process::{Pid, Signal, kill_process};

/// Whether a process ended: it is gone, or waits for its parent to ask how it ended.
pub(crate) fn has_ended(pid: u32) -> bool {
    stat(pid).is_none_or(|stat| matches!(stat.state, 'Z' | 'X'))
}

/// The processes whose parent is `pid`.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("/proc: the testkit needs Linux");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|&child| stat(child).is_some_and(|stat| stat.parent == pid))
        .collect()
}

/// Stops a process from running, and waits until it does not or is gone: the signal may take effect later than it is sent.
pub(crate) fn pause(pid: u32) {
    signal(pid, Signal::STOP);
    while stat(pid).is_some_and(|stat| !matches!(stat.state, 'T' | 'Z' | 'X')) {
        yield_now();
    }
}

/// Sends a signal; a process that is gone does not get it.
pub(crate) fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => panic!("cannot send {signal:?} to process {pid:?}: {error}"),
    }
}

/// The part of `/proc/PID/stat` that is used here.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    /// One letter, `Z` for a zombie, `T` for stopped.
    state: char,
    parent: u32,
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads `PID (NAME) STATE PARENT …`; the name is any text, brackets and spaces included.
fn parse_stat(line: &str) -> Option<Stat> {
    let mut fields = line.rsplit_once(')')?.1.split_whitespace();
    Some(Stat {
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn lines_of_proc_stat() {
        let check = |line: &str, expected: Option<(char, u32)>| {
            let expected = expected.map(|(state, parent)| Stat { state, parent });
            assert_eq!(parse_stat(line), expected, "{line}");
        };
        check("17 (postgres) S 4 17 17 0", Some(('S', 4)));
        check("17 (a) R (b) T 12 17", Some(('T', 12)));
        check("17 (postgres) S", None);
        check("", None);
    }

    #[test]
    fn a_child_is_found_stopped_and_seen_to_end() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        assert!(children(std::process::id()).contains(&pid));
        pause(pid);
        assert_eq!(stat(pid).unwrap().state, 'T');
        assert!(!has_ended(pid));
        signal(pid, Signal::CONT);
        signal(pid, Signal::KILL);
        while !has_ended(pid) {
            yield_now();
        }
        child.wait().unwrap();
        assert!(has_ended(pid));
        signal(pid, Signal::CONT);
    }
}
