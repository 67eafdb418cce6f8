//! What memory the machine has left, and what this process took.

use std::fs;

/// The value of a line `NAME: N kB` of a file of `/proc`, in bytes; none on systems without.
fn proc_bytes(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim_start_matches(':').split_whitespace().next()?.parse().ok()?;
    Some(kib << 10)
}

/// Bytes of memory that can be used without swapping, of the machine and of the control group; none where it is not told.
pub(crate) fn available_memory() -> Option<u64> {
    let machine = proc_bytes("/proc/meminfo", "MemAvailable");
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let group = number("/sys/fs/cgroup/memory.max")
        .map(|most| most.saturating_sub(number("/sys/fs/cgroup/memory.current").unwrap_or(0)));
    match (machine, group) {
        (Some(machine), Some(group)) => Some(machine.min(group)),
        (one, other) => one.or(other),
    }
}

/// The most memory that this process has had, in bytes; 0 where it is not told.
pub(crate) fn peak_memory() -> u64 {
    proc_bytes("/proc/self/status", "VmHWM").unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_machine_tells_its_memory() {
        assert!(available_memory().unwrap() > 1 << 20);
        assert!(peak_memory() > 1 << 20);
    }
}
