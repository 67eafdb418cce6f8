//! A server process that ends with the process that started it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

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
pub(crate) struct Watched {
    watcher: Child,
    server: u32,
}

impl Watched {
    /// Starts `program` with `arguments`, its output appended to `folder/log`. `shell` is the command of a POSIX shell, with
    /// the user, the folder and the environment that the server is to have.
    pub(crate) fn start(mut shell: Command, folder: &Path, program: &Path, arguments: &[String]) -> Self {
        shell.arg("-c").arg(WATCH).arg("sh").arg(folder).arg(program);
        shell.args(arguments);
        // Out of the way of the terminal's interrupt, which ends the test and would end the watcher before it has acted.
        shell
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut watcher = shell.spawn().expect("a POSIX shell on the PATH");
        let mut line = String::new();
        let printed = watcher.stdout.take().expect("standard output is piped");
        BufReader::new(printed)
            .read_line(&mut line)
            .expect("the watcher prints the id of the server");
        let server = line.trim().parse().expect("the watcher prints the id of the server");
        Self { watcher, server }
    }

    /// The server's process id.
    pub(crate) fn server(&self) -> u32 {
        self.server
    }

    /// Shuts the server down, which may have ended already, and keeps its folder.
    pub(crate) fn stop(mut self) {
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
