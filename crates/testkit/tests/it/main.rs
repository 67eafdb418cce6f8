//! The testkit on real servers.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

mod postgres;
mod proxy;
mod s3;
#[cfg(feature = "slow")]
mod wheel;

use std::net::{Ipv4Addr, TcpStream};

/// The first packet of a client that asks for TLS (PostgreSQL's protocol 3.0, `SSLRequest`); a server of ours says `N`.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

fn connect(port: u16) -> std::io::Result<TcpStream> {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
}
