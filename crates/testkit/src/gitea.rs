//! A real Gitea, built from its Go module, on a private port of the loopback interface, its data in a temporary folder.
//!
//! The module has no pages for people, whose parts are built by other tools: only the API and git over HTTP are of use.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::watched::Watched;
use crate::{port, process};

/// Gitea (MIT) by its path and version in Go's module proxy: the newest of which every dependency is there too.
const MODULE: &str = "code.gitea.io/gitea@v1.26.0";

/// How long it may take to come up.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long to wait before it is looked at again.
const POLL: Duration = Duration::from_millis(50);

/// The administrator, to whom the token belongs.
pub const ADMIN: &str = "root-user";

/// A Gitea without repositories; dropped, it ends and its folder is gone.
#[derive(Debug)]
pub struct Gitea {
    port: u16,
    token: String,
    running: Watched,
    folder: TempDir,
}

impl Gitea {
    /// Builds it below `cache`, unless it is there, and starts it. Building takes minutes.
    ///
    /// # Panics
    /// Without Go 1.26, a C compiler and git, without the network where it is not built, or when it does not come up.
    pub fn start(cache: &Path) -> Self {
        let (program, source) = build(cache);
        let folder = tempfile::Builder::new()
            .prefix("codelupe-gitea-")
            .tempdir()
            .expect("a temporary folder");
        let port = port::unused();
        let config = folder.path().join("app.ini");
        fs::write(&config, settings(folder.path(), &source, port)).expect("a folder of our own");
        let call = |arguments: &[&str]| run(Command::new(&program).arg("--config").arg(&config).args(arguments));
        call(&["migrate"]);
        let user = ["--username", ADMIN];
        let rest = [
            "--email",
            "admin@example.org",
            "--random-password",
            "--admin",
            "--must-change-password=false",
        ];
        call(&[&["admin", "user", "create"], &user[..], &rest[..]].concat());
        let rest = ["--scopes", "all", "--raw"];
        let printed = call(&[&["admin", "user", "generate-access-token"], &user[..], &rest[..]].concat());
        let token = printed.lines().last().expect("a token").to_owned();
        let arguments = ["--config".to_owned(), config.display().to_string(), "web".to_owned()];
        let running = Watched::start(Command::new("sh"), folder.path(), &program, &arguments);
        let server = Self {
            port,
            token,
            running,
            folder,
        };
        server.wait();
        server
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A token of [`ADMIN`] that may do everything.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The folder of a repository's bare git repository, `owner/name`, both in lower case.
    pub fn git_folder(&self, full_name: &str) -> PathBuf {
        self.folder.path().join("repositories").join(format!("{full_name}.git"))
    }

    /// Asks the API for `path`, below `/api/v1/`, as [`ADMIN`], and gives the answer; null where it is empty.
    ///
    /// # Panics
    /// When the answer is no success.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        // An answer by HTTP 1.0 has no chunks.
        let request = format!(
            "{method} /api/v1/{path} HTTP/1.0\r\nhost: 127.0.0.1:{}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.port,
            self.token,
            body.len()
        );
        let mut answer = String::new();
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("Gitea listens");
        stream.write_all(request.as_bytes()).expect("Gitea reads");
        stream.read_to_string(&mut answer).expect("Gitea answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a whole head");
        let is_good = head.split(' ').nth(1).is_some_and(|status| status.starts_with('2'));
        assert!(is_good, "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap_or_default()
    }

    fn wait(&self) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(
                !process::has_ended(self.running.server()),
                "Gitea did not start:\n{}",
                log()
            );
            assert!(Instant::now() < deadline, "Gitea did not come up:\n{}", log());
            sleep(POLL);
        }
    }
}

/// The program below `cache`, and the folder of its source, whose templates and licenses it reads.
fn build(cache: &Path) -> (PathBuf, PathBuf) {
    let folder = cache.join("go").join(MODULE.replace('/', "_"));
    fs::create_dir_all(&folder).expect("the cache is the caller's own");
    let go = |arguments: &[&str]| run(Command::new("go").current_dir(&folder).args(arguments));
    let module: Value = serde_json::from_str(&go(&["mod", "download", "-json", MODULE])).expect("JSON of Go");
    let source = module["Dir"].as_str().expect("the folder of a module").to_owned();
    let program = folder.join("gitea");
    if !program.is_file() {
        // Under another name until it is whole.
        let fresh = folder.join(format!("gitea-{}", std::process::id()));
        let output = fresh.to_str().expect("a path that is text");
        let tags = "sqlite sqlite_unlock_notify";
        go(&["build", "-C", &source, "-trimpath", "-tags", tags, "-o", output, "."]);
        fs::rename(&fresh, &program).expect("the cache is the caller's own");
    }
    (program, PathBuf::from(source))
}

/// What a command printed.
fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", command.get_program().display()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The settings of an instance that is closed to the network and, in a container, may run as root.
fn settings(folder: &Path, source: &Path, port: u16) -> String {
    let (folder, source) = (folder.display(), source.display());
    format!(
        "I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true\nRUN_MODE = prod\nWORK_PATH = {folder}\n\
         [server]\nHTTP_ADDR = 127.0.0.1\nHTTP_PORT = {port}\nROOT_URL = http://127.0.0.1:{port}/\n\
         STATIC_ROOT_PATH = {source}\nOFFLINE_MODE = true\nDISABLE_SSH = true\n\
         [database]\nDB_TYPE = sqlite3\nPATH = {folder}/gitea.db\n\
         [security]\nINSTALL_LOCK = true\n\
         [repository]\nROOT = {folder}/repositories\n\
         [log]\nMODE = console\nLEVEL = warn\n[cron]\nENABLED = false\n"
    )
}
