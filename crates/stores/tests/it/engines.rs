//! Engines that tests start, and that end with them; the tests of the program `tokens` use them too.
#![allow(dead_code, reason = "which are started depends on the features")]

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server that is stopped when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program on the path; where it has to be there, its absence is a failure.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os("ACCESS_TOKENS_REQUIRE_ENGINES").is_none(),
            "there is no {name} on the path"
        );
        eprintln!("skipped: no {name} on the path");
    }
    found
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Starts a program that listens on a port of this machine, and waits until it does.
pub(crate) fn start(command: impl Fn(u16) -> Command) -> Server {
    // Somebody else may take the port in between.
    for _ in 0..5 {
        let port = free_port();
        if let Ok(server) = start_at(command(port), port) {
            return server;
        }
    }
    panic!("the engine does not start");
}

/// The same on this port; it may end at once.
pub(crate) fn start_at(mut command: Command, port: u16) -> Result<Server, &'static str> {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut server = Server { child, port };
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        if server.child.try_wait().unwrap().is_some() {
            return Err("it has ended");
        }
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(server);
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    Err("it does not listen")
}

/// A development server of `OpenBao`: in memory, with this root token, KV v2 at `secret/`.
pub(crate) fn bao(root_token: &str) -> Option<Server> {
    let bao = program("bao")?;
    let server = start(|port| {
        let mut command = Command::new(&bao);
        command.args([
            "server",
            "-dev",
            "-dev-no-store-token",
            &format!("-dev-root-token-id={root_token}"),
            &format!("-dev-listen-address=127.0.0.1:{port}"),
        ]);
        command
    });
    Some(server)
}

/// A cluster of PostgreSQL of its own, on a port of this machine; its directory ends with it.
pub(crate) struct Postgres {
    bin: PathBuf,
    directory: tempfile::TempDir,
    server: Option<Server>,
}

impl Postgres {
    pub(crate) fn start() -> Option<Self> {
        let bin = postgres_programs()?;
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        // The server refuses to run as root, and its user has to get at the directory.
        let owned = Command::new("chown")
            .arg("postgres")
            .arg(directory.path())
            .status();
        assert!(!is_root() || owned.is_ok_and(|status| status.success()));
        let made = unprivileged(&bin.join("initdb"))
            .arg("-D")
            .arg(&data)
            .args(["-U", "keeper", "-A", "trust", "-E", "UTF8", "--no-sync"])
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        let mut postgres = Self {
            bin,
            directory,
            server: None,
        };
        postgres.server = Some(start(|port| postgres.command(port)));
        postgres.wait();
        Some(postgres)
    }

    /// It listens before it takes anybody in.
    fn wait(&self) {
        let ready = || {
            let mut command = Command::new(self.bin.join("pg_isready"));
            command.args(["-q", "-h", "127.0.0.1", "-p", &self.port().to_string()]);
            command.status().unwrap().success()
        };
        let end = Instant::now() + Duration::from_secs(60);
        while !ready() {
            assert!(Instant::now() < end, "PostgreSQL takes nobody in");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    fn command(&self, port: u16) -> Command {
        let mut command = unprivileged(&self.bin.join("postgres"));
        command.arg("-D").arg(self.directory.path().join("data"));
        command.args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        command.args([
            "-c",
            "unix_socket_directories=",
            "-c",
            "max_connections=150",
        ]);
        command
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.as_ref().unwrap().port
    }

    pub(crate) fn url(&self) -> String {
        format!(
            "host=127.0.0.1 port={} user=keeper dbname=postgres",
            self.port()
        )
    }

    /// Kills it at once, as a power cut does, and starts it again on the same port.
    pub(crate) fn kill_and_restart(&mut self) {
        let port = self.port();
        self.server = None;
        let end = Instant::now() + Duration::from_secs(60);
        while self.server.is_none() {
            assert!(Instant::now() < end, "PostgreSQL does not start again");
            // Processes of the killed one may still be going.
            self.server = start_at(self.command(port), port).ok();
        }
        self.wait();
    }
}

fn postgres_programs() -> Option<PathBuf> {
    // Debian keeps them off the path.
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let debian = debian.filter_map(|version| Some(version.ok()?.path().join("bin")));
    let mut debian: Vec<_> = debian.filter(|bin| bin.join("initdb").is_file()).collect();
    debian.sort();
    let found = debian.pop();
    found.or_else(|| program("initdb")?.parent().map(ToOwned::to_owned))
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

fn unprivileged(program: &std::path::Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
        .arg(program);
    command
}

/// Azure's blobs, as Azurite stands in for them, in memory.
pub(crate) fn azurite() -> Option<Server> {
    let azurite = program("azurite-blob")?;
    Some(start(|port| {
        let mut command = Command::new(&azurite);
        command.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]);
        command.args(["--inMemoryPersistence", "--silent", "--disableTelemetry"]);
        command
    }))
}

/// The object store and secrets of AWS, as moto stands in for them.
pub(crate) fn moto() -> Option<Server> {
    moto_with(&[])
}

/// The same, one request at a time: moto looks at a condition and writes in two steps, between which
/// another of its threads may write, as the service never does.
pub(crate) fn moto_in_turn() -> Option<Server> {
    const START: &str = "import sys, moto.server as s; run = s.run_simple; \
        s.run_simple = lambda *a, **k: run(*a, **{**k, 'threaded': False}); s.main(sys.argv[1:])";
    let moto = program("moto_server")?;
    Some(start(|port| {
        let mut command = Command::new(moto.with_file_name("python3"));
        command.args(["-c", START, "-H", "127.0.0.1", "-p", &port.to_string()]);
        command
    }))
}

/// The same with variables in its environment.
pub(crate) fn moto_with(variables: &[(&str, &std::ffi::OsStr)]) -> Option<Server> {
    let moto = program("moto_server")?;
    Some(start(|port| {
        let mut command = Command::new(&moto);
        command.envs(variables.iter().copied());
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        command
    }))
}
