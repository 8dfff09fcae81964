//! Engines that tests start, and that end with them.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A server that is stopped when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program on the path; where it has to be there, its absence is a failure.
fn program(name: &str) -> Option<PathBuf> {
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

/// Starts a program that listens on a port of this machine, and waits until it does.
fn start(folder: TempDir, command: impl Fn(u16) -> Command) -> Server {
    let end = Instant::now() + Duration::from_secs(60);
    let mut server: Option<Server> = None;
    let mut folder = Some(folder);
    while Instant::now() < end {
        match &mut server {
            None => {
                let free = TcpListener::bind("127.0.0.1:0").unwrap();
                let port = free.local_addr().unwrap().port();
                drop(free);
                let child = command(port)
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap();
                let folder = folder.take().unwrap();
                server = Some(Server {
                    child,
                    port,
                    folder,
                });
            }
            Some(running) => {
                assert!(running.child.try_wait().unwrap().is_none(), "it has ended");
                if TcpStream::connect(("127.0.0.1", running.port)).is_ok() {
                    return server.unwrap();
                }
                std::thread::sleep(Duration::from_millis(30));
            }
        }
    }
    panic!("the engine does not listen")
}

/// A server of PostgreSQL, superuser `keeper`, no password asked.
pub(crate) fn postgres() -> Option<Server> {
    // Debian keeps them off the path.
    let debian = std::fs::read_dir("/usr/lib/postgresql");
    let debian = debian.into_iter().flatten().flatten();
    let mut bins: Vec<_> = debian.map(|version| version.path().join("bin")).collect();
    bins.retain(|bin| bin.join("initdb").is_file());
    bins.sort();
    let bin = match bins.pop() {
        Some(bin) => bin,
        None => program("initdb")?.parent()?.to_owned(),
    };
    let folder = tempfile::tempdir().unwrap();
    let mut owned = Command::new("chown");
    let owned = owned.arg("postgres").arg(folder.path()).status();
    assert!(!is_root() || owned.is_ok_and(|status| status.success()));
    let data = folder.path().join("data");
    let made = unprivileged(&bin.join("initdb"))
        .arg("-D")
        .arg(&data)
        .args(["-U", "keeper", "-A", "trust", "-E", "UTF8", "--no-sync"])
        .stdout(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let server = start(folder, |port| {
        let mut command = unprivileged(&bin.join("postgres"));
        command.arg("-D").arg(&data);
        command.args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        command.args(["-c", "unix_socket_directories="]);
        command
    });
    // It listens before it takes anybody in.
    let ready = || {
        let mut command = Command::new(bin.join("pg_isready"));
        command.args(["-q", "-h", "127.0.0.1", "-p", &server.port.to_string()]);
        command.status().unwrap().success()
    };
    let end = Instant::now() + Duration::from_secs(60);
    while !ready() {
        assert!(Instant::now() < end, "PostgreSQL takes nobody in");
        std::thread::sleep(Duration::from_millis(30));
    }
    assert!(server.folder.path().exists());
    Some(server)
}

/// The object store and secrets of AWS, as moto stands in for them.
pub(crate) fn moto() -> Option<Server> {
    let moto = program("moto_server")?;
    Some(start(tempfile::tempdir().unwrap(), |port| {
        let mut command = Command::new(&moto);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        command
    }))
}

/// A development server of `OpenBao`: root token `canary-root`, KV v2 at `secret/`.
pub(crate) fn bao() -> Option<Server> {
    let bao = program("bao")?;
    Some(start(tempfile::tempdir().unwrap(), |port| {
        let mut command = Command::new(&bao);
        command.args([
            "server",
            "-dev",
            "-dev-no-store-token",
            "-dev-root-token-id=canary-root",
            &format!("-dev-listen-address=127.0.0.1:{port}"),
        ]);
        command
    }))
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
        .arg(program);
    command
}
