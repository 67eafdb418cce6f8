//! The environment of the git program: cleared, with our own configuration.
//!
//! Names of settings are those of git-config(1), of variables those of git(1). Settings go through `GIT_CONFIG_COUNT`, which
//! needs git 2.31 and is neither in the arguments, which every user of the machine can read, nor in a file.

use std::env;
use std::path::Path;
use std::process::Command;

use reqwest::header::HeaderValue;
use url::Url;

/// What is the same for every repository.
const SETTINGS: [(&str, &str); 19] = [
    // HTTP alone, of one host alone. Without redirects, alternates of other hosts are not followed either.
    ("protocol.allow", "never"),
    ("protocol.http.allow", "always"),
    ("protocol.https.allow", "always"),
    ("http.followRedirects", "false"),
    ("transfer.bundleURI", "false"),
    // As slow as our own client puts up with.
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "30"),
    // Nothing else is run, and nobody is asked.
    ("credential.helper", ""),
    ("core.askPass", "true"),
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("submodule.recurse", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    // Little memory, whatever is in the pack: it stays one, and large objects pass by.
    ("transfer.unpackLimit", "1"),
    ("pack.threads", "1"),
    ("core.packedGitWindowSize", "32m"),
    ("core.packedGitLimit", "256m"),
    ("core.deltaBaseCacheLimit", "64m"),
];

/// What one run gets.
pub(super) struct Environment<'a> {
    pub(super) user_agent: &'a str,
    pub(super) ca_file: Option<&'a Path>,
    /// Where it runs. No repository is looked for above.
    pub(super) folder: &'a Path,
    pub(super) url: &'a Url,
    pub(super) authorization: Option<&'a HeaderValue>,
    /// Objects of more bytes are not held in memory.
    pub(super) max_object_bytes: usize,
}

impl Environment<'_> {
    /// `git ARGUMENTS`.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(arguments)
            .current_dir(self.folder)
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "true")
            .env("GIT_LFS_SKIP_SMUDGE", "1")
            .env("GIT_CEILING_DIRECTORIES", self.folder.parent().unwrap_or(self.folder));
        let settings = self.settings();
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (number, (key, value)) in settings.into_iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{number}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        command
    }

    fn settings(&self) -> Vec<(String, String)> {
        let mut settings: Vec<(String, String)> =
            SETTINGS.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let mut set = |key: &str, value: &str| settings.push((key.to_owned(), value.to_owned()));
        set("http.userAgent", self.user_agent);
        set("core.bigFileThreshold", &self.max_object_bytes.to_string());
        if let Some(path) = self.ca_file.and_then(Path::to_str) {
            set("http.sslCAInfo", path);
        }
        if let Some(value) = self.authorization.and_then(|value| value.to_str().ok()) {
            let origin = self.url.origin().ascii_serialization();
            set(
                &format!("http.{origin}/.extraHeader"),
                &format!("Authorization: {value}"),
            );
        }
        settings
    }
}
