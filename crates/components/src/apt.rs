//! Packages of Debian and Ubuntu.

use std::process::{Command, Stdio};

use crate::machine::Root;

/// Debian's package of PostgreSQL would make a cluster and start it: a service that nobody asked for.
const NO_CLUSTER: &str = "\
    mkdir -p /etc/postgresql-common/createcluster.d\n\
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/no-main-cluster.conf\n";

/// Installs its arguments, and asks nothing.
const INSTALL: &str = "\
    export DEBIAN_FRONTEND=noninteractive\n\
    apt-get update\n\
    exec apt-get install -y --no-install-recommends \"$@\"\n";

/// Installs packages; what `apt-get` prints goes to our own standard error.
///
/// # Errors
/// When it fails, which it then has explained.
pub(crate) fn install(root: Root, packages: &[&str]) -> Result<(), String> {
    let mut command = match root {
        Root::Is => Command::new("sh"),
        Root::BySudo => {
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "sh"]);
            sudo
        }
    };
    command.args(["-ec", &script(packages), "sh"]).args(packages);
    let status = command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .map_err(|error| format!("cannot run {}: {error}", command.get_program().display()))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("apt-get install {}: {status}", packages.join(" ")))
}

fn script(packages: &[&str]) -> String {
    let before = if packages.contains(&"postgresql") {
        NO_CLUSTER
    } else {
        ""
    };
    format!("{before}{INSTALL}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_new_postgresql_is_kept_from_starting() {
        assert!(script(&["git", "postgresql"]).starts_with("mkdir -p /etc/postgresql-common"));
        assert!(script(&["git"]).starts_with("export"));
    }
}
