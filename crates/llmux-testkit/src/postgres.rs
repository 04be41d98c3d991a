//! A real PostgreSQL server for tests.
//!
//! It runs the programs of the folder that the environment variable `LLMUX_POSTGRES_BIN` names, or of the newest
//! version where Debian puts them, on a free port of the loopback interface. Without them the tests that need it pass
//! and say that they were skipped. Since the server refuses to run as root, it is run as the user `postgres` then.

use std::{
    env, fs, io,
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

/// The longest that the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks whether it does.
const PAUSE: Duration = Duration::from_millis(20);
/// Servers that are tried until one gets the port that was free a moment before.
const TRIES: usize = 5;

/// One server with an empty database. Dropping it kills it.
pub struct PostgresProcess {
    child: Child,
    programs: PathBuf,
    folder: TempDir,
    port: u16,
}

impl PostgresProcess {
    /// A server; `None`, and a line that says so, where there is none to start.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Option<Self> {
        let programs = programs()?;
        for _ in 0..TRIES {
            let folder = TempDir::new().expect("a folder");
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a folder of ours");
            let data = folder.path().join("data");
            if is_root(&folder) {
                let made = Command::new("install").args(["-d", "-o", "postgres"]).arg(&data).status().await;
                assert!(made.is_ok_and(|made| made.success()), "there is no user postgres");
            }
            let mut init = program(&programs, "initdb", is_root(&folder));
            init.arg("-D").arg(&data).args(["-U", "llmux", "-A", "trust", "--no-sync"]);
            let output = init.output().await.expect("initdb can be started");
            assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
            let port = free_port();
            let child = spawn(&programs, &folder, port);
            let mut server = Self { child, programs: programs.clone(), folder, port };
            if server.is_ready().await {
                return Some(server);
            }
        }
        panic!("postgres does not start");
    }

    /// The address of its database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://llmux@127.0.0.1:{}/postgres", self.port)
    }

    /// Kills it; what was committed stays.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("the server can be killed");
    }

    /// Starts it again after [`kill`](Self::kill), on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&mut self) {
        let _ = fs::remove_file(self.folder.path().join("data/postmaster.pid"));
        self.child = spawn(&self.programs, &self.folder, self.port);
        assert!(self.is_ready().await, "postgres does not start again on port {}", self.port);
    }

    async fn is_ready(&mut self) -> bool {
        let ready = async {
            loop {
                let mut asked = Command::new(self.programs.join("pg_isready"));
                asked.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
                if asked.status().await.is_ok_and(|answer| answer.success()) {
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

/// The folder of the server's programs, if there is one.
fn programs() -> Option<PathBuf> {
    let named = env::var_os("LLMUX_POSTGRES_BIN").map(PathBuf::from);
    let found = named.or_else(|| {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
        let folders = versions.map(|version| version.path().join("bin"));
        folders.filter(|folder| folder.join("initdb").is_file()).max()
    });
    if found.is_none() {
        let missing =
            "there is no postgres: install it, or name the folder of its programs in LLMUX_POSTGRES_BIN";
        // A test's output is shown with `--nocapture`.
        let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("skipped: {missing}\n"));
    }
    found
}

/// Whether we run as root: what we make is root's.
fn is_root(folder: &TempDir) -> bool {
    fs::metadata(folder.path()).is_ok_and(|folder| folder.uid() == 0)
}

fn program(programs: &Path, name: &str, drop_root: bool) -> Command {
    let path = programs.join(name);
    if !drop_root {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path).current_dir("/");
    command
}

fn spawn(programs: &Path, folder: &TempDir, port: u16) -> Child {
    let mut command = program(programs, "postgres", is_root(folder));
    command.arg("-D").arg(folder.path().join("data")).args(["-p", &port.to_string()]);
    for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"] {
        command.args(["-c", setting]);
    }
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.kill_on_drop(true).spawn().expect("postgres can be started")
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}
