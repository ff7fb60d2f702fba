//! A connection to another machine, or to a program on this one.
//! unsolved
use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::time::Duration;

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    for address in ["1.1.1.1:53", "127.0.0.1:22", "169.254.169.254:80"] {
        let address: SocketAddr = address.parse().map_err(io::Error::other)?;
        let connected = TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok();
        // What is sent to the loopback of the sandbox stays there.
        let sent = UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.send_to(b"x", address)).is_ok();
        assert!(!connected && (!sent || address.ip().is_loopback()), "SUCCEEDED: {address}");
    }
    for path in ["/run/docker.sock", "/var/run/docker.sock", "/run/dbus/system_bus_socket"] {
        assert!(UnixStream::connect(path).is_err(), "SUCCEEDED: {path}");
    }
    Ok(None)
}
