//! Real Redis servers for tests, alone and as a cluster.
//!
//! They run the program `redis-server`, or the one that the environment variable `LLMUX_REDIS_SERVER` names, on free
//! ports of the loopback interface, and end with the value that stands for them. Without the program the tests that
//! need it pass and say that they were skipped; where `CI` is `true` they fail.

use std::{
    env, io,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

/// The longest that a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks whether something has happened.
const PAUSE: Duration = Duration::from_millis(10);
/// Servers that are tried until one gets the port that was free a moment before.
const TRIES: usize = 5;

/// One server. Dropping it kills it.
pub struct RedisProcess {
    child: Child,
    folder: TempDir,
    port: u16,
    bus: Option<u16>,
}

impl RedisProcess {
    /// A server with nothing in it; `None`, and a line that says so, where there is none to start.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Option<Self> {
        Self::launch(false).await
    }

    async fn launch(cluster: bool) -> Option<Self> {
        let program = program()?;
        for _ in 0..TRIES {
            let folder = TempDir::new().expect("a folder");
            let (port, bus) = (free_port(), cluster.then(free_port));
            let child = spawn(&program, &folder, port, bus);
            let mut server = Self { child, folder, port, bus };
            if server.is_ready().await {
                return Some(server);
            }
        }
        panic!("redis-server does not start");
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it; what it knew is lost.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("the server can be killed");
    }

    /// Starts it again after [`kill`](Self::kill), on the same port and with nothing in it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&mut self) {
        let program = program().expect("it was there before");
        self.child = spawn(&program, &self.folder, self.port, self.bus);
        assert!(self.is_ready().await, "redis-server does not start again on port {}", self.port);
    }

    /// Stops it from answering while its connections stay open, until [`resume`](Self::resume).
    pub async fn pause(&self) {
        self.signal("STOP").await;
    }

    /// Lets it answer again.
    pub async fn resume(&self) {
        self.signal("CONT").await;
    }

    async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("the server runs").to_string();
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().await.unwrap();
        assert!(sent.success());
    }

    /// What it answers to a command of words without spaces.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn ask(&self, command: &str) -> String {
        timeout(PATIENCE, ask(self.address(), command)).await.expect("an answer in time").expect("an answer")
    }

    /// Waits until the answer to a command fulfils a condition.
    ///
    /// # Panics
    /// When it does not in half a minute.
    pub async fn wait_for(&self, command: &str, mut done: impl FnMut(&str) -> bool) {
        let waiting = async {
            while !done(&self.ask(command).await) {
                sleep(PAUSE).await;
            }
        };
        timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("{command}: the answer never was as expected"));
    }

    async fn is_ready(&mut self) -> bool {
        let ready = async {
            loop {
                if ask(self.address(), "PING").await.is_ok_and(|answer| answer.starts_with("+PONG")) {
                    return true;
                }
                if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                    return false;
                }
                sleep(PAUSE).await;
            }
        };
        timeout(PATIENCE, ready).await.unwrap_or(false)
    }
}

/// Three masters that are a cluster.
pub struct RedisCluster {
    /// The servers.
    pub nodes: Vec<RedisProcess>,
}

impl RedisCluster {
    /// A cluster with nothing in it; `None`, and a line that says so, where there is no server to start.
    ///
    /// # Panics
    /// When it does not come about.
    pub async fn start() -> Option<Self> {
        const SLOTS: [(u16, u16); 3] = [(0, 5_460), (5_461, 10_922), (10_923, 16_383)];
        let mut nodes = Vec::new();
        for (first, last) in SLOTS {
            let node = RedisProcess::launch(true).await?;
            let answer = node.ask(&format!("CLUSTER ADDSLOTSRANGE {first} {last}")).await;
            assert!(answer.starts_with("+OK"), "{answer}");
            nodes.push(node);
        }
        for node in &nodes[1..] {
            let bus = node.bus.expect("nodes have one");
            let answer = nodes[0].ask(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", node.port)).await;
            assert!(answer.starts_with("+OK"), "{answer}");
        }
        for node in &nodes {
            let known =
                |info: &str| info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3");
            node.wait_for("CLUSTER INFO", known).await;
        }
        Some(Self { nodes })
    }
}

/// The server's program, if there is one.
fn program() -> Option<PathBuf> {
    let named = env::var_os("LLMUX_REDIS_SERVER").map(PathBuf::from);
    let found = named.or_else(|| {
        let folders = env::var_os("PATH")?;
        env::split_paths(&folders).map(|folder| folder.join("redis-server")).find(|path| path.is_file())
    });
    if found.is_none() {
        let missing = "there is no redis-server: install it, or name one in LLMUX_REDIS_SERVER";
        assert!(env::var("CI").as_deref() != Ok("true"), "{missing}");
        // A test's output is shown with `--nocapture`.
        let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("skipped: {missing}\n"));
    }
    found
}

fn spawn(program: &PathBuf, folder: &TempDir, port: u16, bus: Option<u16>) -> Child {
    let mut command = Command::new(program);
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .arg("--dir")
        .arg(folder.path());
    if let Some(bus) = bus {
        command.args(["--cluster-enabled", "yes", "--cluster-port", &bus.to_string()]);
        command.args(["--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no"]);
    }
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.kill_on_drop(true).spawn().expect("redis-server can be started")
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Sends a command as a line and reads one answer.
async fn ask(address: SocketAddr, command: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("{command}\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    while !is_complete(&answer) {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Whether an answer has come to its end: a line, or a text with its length in front.
fn is_complete(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(2).position(|pair| pair == b"\r\n") else { return false };
    let length = answer.strip_prefix(b"$").and_then(|rest| std::str::from_utf8(rest.get(..end - 1)?).ok());
    match length.and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => answer.len() >= end + 2 + length + 2,
        None => true,
    }
}
