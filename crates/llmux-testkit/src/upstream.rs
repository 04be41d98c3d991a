//! A provider on a real socket that does exactly what a test says.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{
    net::{TcpListener, TcpSocket},
    task::{AbortHandle, JoinSet},
};

use crate::{
    Answer, Recorded,
    script::{Progress, Script},
};

mod connection;
mod request;

/// An HTTP/1.1 server on a free port of 127.0.0.1 that answers by script. Dropping it closes everything.
///
/// Responses are written by hand, so that it can break the rules of HTTP where a fault asks for it.
pub struct ScriptedUpstream {
    address: SocketAddr,
    script: Arc<Script>,
    accepting: AbortHandle,
}

impl ScriptedUpstream {
    /// Starts a provider without a script: it answers 501 until it has one.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("the listener is bound");
        let script = Arc::new(Script::new());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&script))).abort_handle();
        Self { address, script, accepting }
    }

    /// Starts a provider that gives these answers, see [`script`](Self::script).
    pub async fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        let upstream = Self::start().await;
        upstream.script(answers);
        upstream
    }

    /// Its base URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives these answers one after the other to requests of any path; the last one is repeated.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.script.set_any(answers);
    }

    /// As [`script`](Self::script), for requests of one path only (without its query). These come first.
    pub fn script_at(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        self.script.set_at(path, answers);
    }

    /// Lets the test choose each answer; scripts are not looked at any more.
    pub fn answer_with(&self, choose: impl Fn(&Recorded) -> Answer + Send + Sync + 'static) {
        self.script.set_choice(choose);
    }

    /// What was asked so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.script.requests()
    }

    /// How many connections are open.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.script.progress().open
    }

    /// How many connections were opened so far.
    #[must_use]
    pub fn accepted_connections(&self) -> usize {
        self.script.progress().accepted
    }

    /// Waits until `count` requests have come in, bodies included, and gives all there are.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<Recorded> {
        self.wait(&format!("request {count}"), |progress| progress.requests >= count).await;
        self.requests()
    }

    /// Waits until a client has gone away while it was being answered.
    pub async fn wait_for_disconnect(&self) {
        self.wait_for_disconnects(1).await;
    }

    /// Waits until `count` clients have gone away while they were being answered.
    pub async fn wait_for_disconnects(&self, count: usize) {
        self.wait(&format!("disconnect {count}"), |progress| progress.disconnects >= count).await;
    }

    /// Waits until exactly `count` connections are open.
    pub async fn wait_for_open_connections(&self, count: usize) {
        self.wait(&format!("{count} open connections"), |progress| progress.open == count).await;
    }

    async fn wait(&self, what: &str, reached: impl Fn(&Progress) -> bool) {
        self.script.wait(&what, reached).await;
    }
}

impl Drop for ScriptedUpstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A port where nobody listens and nobody else can: connecting to it is refused.
pub struct ClosedPort(TcpSocket);

impl ClosedPort {
    /// Takes a free port.
    #[must_use]
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        Self(socket)
    }

    /// The base URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().expect("the socket is bound"))
    }
}

impl Default for ClosedPort {
    fn default() -> Self {
        Self::new()
    }
}

async fn accept(listener: TcpListener, script: Arc<Script>) {
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        script.note(|progress| {
            progress.open += 1;
            progress.accepted += 1;
        });
        connections.spawn(connection::serve(socket, Arc::clone(&script)));
    }
}
