//! Recorded answers, and a server that gives them again.

use std::fs;
use std::path::Path;

use codelupe_testkit::http::{Request, Server, respond};
use codelupe_testkit::npm;
use serde_json::Value;

/// MIT, GitHub.
const PACKAGE: &str = "@octokit/fixtures@23.1.2";

/// The host that answered.
const GITHUB: &str = "https://api.github.com";

/// An answer, and what it was to.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// The scenario and the file.
    from: String,
    pub(super) method: String,
    pub(super) target: String,
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    /// As JSON, or a text.
    pub(super) body: Value,
}

impl Answer {
    fn new(from: &str, stored: &Value) -> Self {
        let text = |name: &str| stored[name].as_str().unwrap().to_owned();
        let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let headers = match (&stored["rawHeaders"], &stored["headers"]) {
            (Value::Array(list), _) => list.chunks(2).map(|pair| (shown(&pair[0]), shown(&pair[1]))).collect(),
            (_, headers) => headers
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| (name.clone(), shown(value)))
                .collect(),
        };
        Self {
            from: from.to_owned(),
            method: text("method").to_uppercase(),
            target: text("path"),
            status: stored["status"].as_u64().unwrap().try_into().unwrap(),
            headers,
            body: stored["response"].clone(),
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Its id, when it is a repository.
    pub(super) fn repository(&self) -> Option<u64> {
        is_repository(&self.body).then(|| self.body["id"].as_u64().unwrap())
    }

    /// The bytes of the body.
    fn bytes(&self) -> Vec<u8> {
        match &self.body {
            Value::String(text) => text.clone().into_bytes(),
            json => json.to_string().into_bytes(),
        }
    }
}

/// GitHub's repositories have both; issues, organizations and labels have not.
pub(super) fn is_repository(value: &Value) -> bool {
    value["id"].is_u64() && value["full_name"].is_string()
}

/// The answers of every scenario, a list for each of its two forms.
pub(super) fn scenarios() -> Vec<Vec<Answer>> {
    let modules = npm::install(Path::new(env!("CARGO_TARGET_TMPDIR")), &[PACKAGE]);
    let folder = modules.join("@octokit/fixtures/scenarios/api.github.com");
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    assert_eq!(names.len(), 22);
    let files = names
        .iter()
        .flat_map(|folder| ["raw-fixture.json", "normalized-fixture.json"].map(|name| folder.join(name)));
    files
        .map(|file| {
            let stored: Vec<Value> = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            let from = file.display().to_string();
            stored.iter().map(|stored| Answer::new(&from, stored)).collect()
        })
        .collect()
}

/// The forms of one scenario.
pub(super) fn scenario(name: &str) -> Vec<Vec<Answer>> {
    let part = format!("/{name}/");
    let found: Vec<_> = scenarios()
        .into_iter()
        .filter(|answers| answers[0].from.contains(&part))
        .collect();
    assert_eq!(found.len(), 2);
    found
}

/// A server that gives the answer that `pick` picks for a request.
pub(super) fn replay(pick: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static) -> Server {
    Server::start(move |request, stream| {
        let Some(answer) = pick(request) else {
            return respond(stream, 500, &[], b"nothing was recorded");
        };
        let here = format!("http://{}/api/v3", request.header("host").unwrap());
        let headers: Vec<_> = answer
            .headers
            .iter()
            .filter(|(name, _)| {
                let name = name.to_ascii_lowercase();
                !matches!(name.as_str(), "connection" | "content-length" | "transfer-encoding")
            })
            .map(|(name, value)| (name.clone(), value.replace(GITHUB, &here)))
            .collect();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        respond(stream, answer.status, &headers, &answer.bytes())
    })
}
