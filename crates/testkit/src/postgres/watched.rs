//! A server process that ends with the process that started it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::user::User;

/// Starts the server as a child, prints its process id, and waits for a line on standard input. The line `keep` shuts the
/// server down as usual. The end of the input does it at once and removes the folder: that is what it reads when the test
/// process has ended in whatever way.
///
/// `SIGTERM` comes first because a background child of a shell ignores the two others until it has its own handlers.
const WATCH: &str = r#"
folder=$1
shift
"$@" </dev/null >>"$folder/log" 2>&1 &
server=$!
echo "$server"
exec >&-
read -r order
kill -TERM "$server"
if [ "$order" = keep ]; then
    kill -INT "$server"
    wait "$server"
else
    kill -QUIT "$server"
    kill -CONT "$server"
    wait "$server"
    rm -rf "$folder"
fi
"#;

/// A running server; dropped, it ends and its folder is gone.
#[derive(Debug)]
pub(super) struct Watched {
    watcher: Child,
    server: u32,
}

impl Watched {
    /// Starts `program` with `arguments`, its output appended to `folder/log`.
    pub(super) fn start(folder: &Path, program: &Path, arguments: &[String], user: Option<User>) -> Self {
        let mut command = command(Path::new("sh"), folder, user);
        command.arg("-c").arg(WATCH).arg("sh").arg(folder).arg(program);
        command.args(arguments);
        // Out of the way of the terminal's interrupt, which ends the test and would end the watcher before it has acted.
        command.process_group(0);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut watcher = command.spawn().expect("a POSIX shell on the PATH");
        let mut line = String::new();
        let printed = watcher.stdout.take().expect("standard output is piped");
        BufReader::new(printed)
            .read_line(&mut line)
            .expect("the watcher prints the id of the server");
        let server = line.trim().parse().expect("the watcher prints the id of the server");
        Self { watcher, server }
    }

    /// The server's process id.
    pub(super) fn server(&self) -> u32 {
        self.server
    }

    /// Shuts the server down, which may have ended already, and keeps its folder.
    pub(super) fn stop(mut self) {
        let orders = self.watcher.stdin.as_mut().expect("standard input is piped");
        orders.write_all(b"keep\n").expect("the watcher is there");
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // Closes the watcher's input first. It is our child, so there is nothing to fail.
        drop(self.watcher.wait());
    }
}

/// A command of `user` in `folder`, free of the settings that PostgreSQL's programs take from the environment.
pub(super) fn command(program: &Path, folder: &Path, user: Option<User>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("LC_ALL", "C");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    if let Some(user) = user {
        user.run(&mut command);
    }
    command
}
