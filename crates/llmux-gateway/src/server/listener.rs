//! Opening the port and taking connections from it.

use std::{
    io,
    net::{SocketAddr, TcpListener as StdListener, ToSocketAddrs},
    time::Duration,
};

use llmux_core::{Error, ErrorKind, Result};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};

use super::ServerOptions;

/// Connections that the kernel keeps until they are accepted; it may allow fewer.
const BACKLOG: i32 = 4096;
/// Silence after which the kernel asks whether the other end still exists.
const PROBE_AFTER: Duration = Duration::from_secs(60);
/// Pauses after a failed accept double from the first to the second.
const PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// Listens on the first of the host's addresses that can be listened on.
pub(super) fn open(options: &ServerOptions) -> Result<StdListener> {
    let (host, port) = (options.host.as_str(), options.port);
    let fault = |why: &io::Error| {
        let place = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        Error::new(ErrorKind::Internal, format!("cannot listen on {place}: {}", reason(why)))
    };
    let addresses = (host, port).to_socket_addrs().map_err(|error| fault(&error))?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match listen(address, options.reuse_port) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(fault(&last))
}

fn listen(address: SocketAddr, reuse_port: bool) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restarted server must not wait for the connections of its predecessor to time out.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(reuse_port)?;
    #[cfg(not(unix))]
    let _ = reuse_port;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is already in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        io::ErrorKind::PermissionDenied => "not permitted (ports below 1024 need a privilege)".to_owned(),
        _ => error.to_string(),
    }
}

/// Lets the kernel find clients that vanished in the middle of a stream. Accepted sockets inherit the setting
/// on Linux; where they do not, such a client is found at the next write.
pub(super) fn watch_for_dead_peers(listener: &StdListener) {
    let probes = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_AFTER / 4);
    if let Err(error) = SockRef::from(listener).set_tcp_keepalive(&probes) {
        tracing::debug!(%error, "TCP keep-alive cannot be set");
    }
}

/// The next connection. Failures of the machine are waited out, those of a single connection skipped.
pub(super) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut pause = PAUSE.0;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                // Each frame of a stream leaves at once.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY cannot be set");
                }
                return (stream, address);
            }
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, pause = ?pause, "no connection can be accepted");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }
}

/// Whether the client gave up while it waited. Anything else, such as too many open files, would fail again at
/// once.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(error.kind(), Kind::ConnectionAborted | Kind::ConnectionReset | Kind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn accepted_sockets_send_each_frame_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = accept(&listener).await;
        assert!(stream.nodelay().unwrap());
    }

    #[test]
    fn only_a_client_that_gave_up_is_skipped_without_a_pause() {
        assert!(concerns_one_connection(&io::ErrorKind::ConnectionAborted.into()));
        let too_many_open_files = io::Error::from_raw_os_error(24);
        assert!(!concerns_one_connection(&too_many_open_files));
    }
}
