//! Ports for servers of tests.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

/// Below the ports that Linux gives to outgoing connections (`ip_local_port_range`, 32768 to 60999 unless it was set): a
/// client that connects again and again to a server that is down would, sooner or later, be given the port of that server
/// and be connected to itself, and the server could not come back.
const PORTS: Range<u16> = 15_000..32_000;

/// A port of the loopback interface on which nobody listens now, chosen at random. Another program may still take it first.
pub(crate) fn unused() -> u16 {
    let random = RandomState::new();
    let start = random.hash_one(std::process::id());
    (0..u64::from(u16::MAX))
        .map(|step| in_range(start.wrapping_add(step)))
        .find(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        .expect("a free port of the loopback interface")
}

fn in_range(number: u64) -> u16 {
    let width = u64::from(PORTS.end - PORTS.start);
    PORTS.start + u16::try_from(number % width).expect("less than the width of the range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_free_and_never_one_of_an_outgoing_connection() {
        let port = unused();
        assert!(PORTS.contains(&port));
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        for number in [0, 16_999, 17_000, u64::MAX] {
            assert!(PORTS.contains(&in_range(number)), "{number}");
        }
    }
}
