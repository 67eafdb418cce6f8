//! Whom PostgreSQL runs as: its programs refuse to run as root.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// The users that run the server when the test runs as root, the first that exists.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// Another user than the one that runs the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct User {
    uid: u32,
    gid: u32,
}

/// The user to change to; none when the test is not run by root.
pub(super) fn other_user() -> Option<User> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").expect("/etc/passwd is readable");
    let user = CANDIDATES.iter().find_map(|name| find(&passwd, name));
    Some(user.expect("root cannot run PostgreSQL, and /etc/passwd has neither `postgres` nor `nobody`"))
}

impl User {
    /// Makes `command` run as this user.
    fn run(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Gives this user a file or a folder.
    pub(super) fn give(self, path: &Path) {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid)).expect("root may give its folder away");
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

/// Looks up a line `NAME:PASSWORD:UID:GID:…` (passwd(5)).
fn find(passwd: &str, name: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let mut fields = line.strip_prefix(name)?.strip_prefix(':')?.split(':').skip(1);
        Some(User {
            uid: fields.next()?.parse().ok()?,
            gid: fields.next()?.parse().ok()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_whole_name() {
        let passwd = "root:x:0:0::/root:/bin/sh\npostgresql:x:7:8::/:\npostgres:x:101:104:a:/:/bin/sh\nodd:x:a:1::/:\n";
        let check = |name, expected: Option<(u32, u32)>| {
            assert_eq!(
                find(passwd, name),
                expected.map(|(uid, gid)| User { uid, gid }),
                "{name}"
            );
        };
        check("postgres", Some((101, 104)));
        check("root", Some((0, 0)));
        check("nobody", None);
        check("odd", None);
    }
}
