//! Errors that are met are tracked, listed and told, and telling never disturbs the work.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use codelupe_testkit::postgres;
use serde_json::{Value, json};

use crate::fixture::{Bench, real_code, text, write};

/// Part of every webhook's address here; no output may hold it.
const SECRET: &str = "T0HUSHHUSH";

/// What a webhook does with a request.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// It answers with this status line and headers.
    Say(&'static str),
    /// It never answers.
    Hang,
    /// It closes the connection at once.
    Close,
}

const OK: Answer = Answer::Say("200 OK");

/// An HTTP server on the loopback interface.
struct Webhook {
    url: String,
    bodies: Receiver<String>,
}

impl Webhook {
    fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!(
            "http://{}/services/{SECRET}?key={SECRET}",
            listener.local_addr().unwrap()
        );
        let (sender, bodies) = channel();
        thread::spawn(move || {
            let mut hanging = Vec::new();
            for stream in listener.incoming().map(Result::unwrap) {
                hanging.extend(serve(stream, answer, &sender));
            }
        });
        Self { url, bodies }
    }

    /// The requests that came, each as JSON.
    fn requests(&self) -> Vec<Value> {
        self.bodies
            .try_iter()
            .map(|body| serde_json::from_str(&body).unwrap())
            .collect()
    }
}

/// Answers one request; gives the stream back if it is to stay open.
fn serve(mut stream: TcpStream, answer: Answer, bodies: &Sender<String>) -> Option<TcpStream> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_ascii_lowercase();
        match line.strip_prefix("content-length:") {
            Some(value) => length = value.trim().parse().unwrap(),
            None if line.is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    // The test may be over.
    let _ = bodies.send(text(&body));
    match answer {
        Answer::Say(status) => {
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            .unwrap();
            None
        }
        Answer::Hang => Some(stream),
        Answer::Close => None,
    }
}

/// The program on a bench, in an environment.
struct Program<'a> {
    bench: &'a Bench,
    environment: Vec<(&'static str, String)>,
}

impl<'a> Program<'a> {
    fn new(bench: &'a Bench) -> Self {
        Self {
            bench,
            environment: vec![("NO_PROXY", "127.0.0.1".to_owned())],
        }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        let output = self.bench.command(arguments).envs(environment).output().unwrap();
        let shown = text(&output.stdout) + &text(&output.stderr);
        assert!(!shown.contains(SECRET), "{arguments:?}: {shown}");
        output
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.text(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// Runs the whole way, with everything logged; gives the log.
    fn run(&self) -> String {
        let output = self.output(&["-vv", "run", &format!("repos:{}", self.bench.sources().display())]);
        let log = text(&output.stderr);
        assert!(output.status.success(), "{log}");
        log
    }

    fn errors(&self) -> Vec<Value> {
        self.json(&["errors"])["errors"].as_array().unwrap().clone()
    }

    /// Runs a command that must fail with this status; gives what it says.
    fn fails(&self, arguments: &[&str], status: i32) -> String {
        let output = self.output(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
        said
    }
}

/// A repository that can be read, and one whose objects are gone.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.git_repository("good", &[("verdict.rs", &real_code("core/src/verdict.rs"))]);
    let broken = bench.git_repository("broken", &[("blob.rs", &real_code("core/src/blob.rs"))]);
    fs::remove_dir_all(broken.join(".git/objects")).unwrap();
    fs::create_dir(broken.join(".git/objects")).unwrap();
    bench
}

fn errors_are_folded_listed_shown_and_forgotten(program: &Program) {
    assert_eq!(program.run().matches("repository skipped").count(), 1);
    program.run();
    let errors = program.errors();
    let [error] = errors.as_slice() else {
        panic!("{errors:#?}")
    };
    let expected = [
        ("count", json!(2)),
        ("code", json!("corrupt_input")),
        ("class", json!("permanent")),
        ("category", json!("corrupt_input")),
        ("component", json!("forge")),
        ("context", json!({ "repository": "broken" })),
    ];
    for (field, value) in expected {
        assert_eq!(error[field], value, "{field}: {error:#}");
    }
    assert!(error["last_seen"].as_i64() > error["first_seen"].as_i64(), "{error:#}");

    let fingerprint = error["fingerprint"].as_str().unwrap();
    let listed = program.text(&["errors", "list", "--since", "1h", "--limit", "1"]);
    assert!(
        listed.contains(fingerprint) && listed.contains("corrupt_input"),
        "{listed}"
    );
    assert_eq!(program.text(&["errors", "--since", "1h", "--limit", "1"]), listed);
    let shown = program.text(&["errors", "show", fingerprint]);
    for word in [
        fingerprint,
        "permanent",
        "broken",
        "count      2,",
        "not tried again",
        error["message"].as_str().unwrap(),
    ] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    let shown = program.json(&["errors", "show", fingerprint]);
    assert_eq!(
        (&shown["context"], &shown["count"]),
        (&error["context"], &error["count"])
    );

    assert!(
        program
            .fails(&["errors", "--limit", "1", "show", fingerprint], 64)
            .contains("belong to the list")
    );
    assert!(
        program
            .text(&["errors", "--json", "show", fingerprint])
            .starts_with('{')
    );

    let other = "0123456789abcdef";
    assert!(program.fails(&["errors", "show", other], 66).contains(other));
    assert!(program.fails(&["errors", "forget", other], 66).contains(other));
    assert_eq!(
        program.json(&["errors", "forget", fingerprint]),
        json!({ "forgotten": 1 })
    );
    assert_eq!(program.text(&["errors"]), "No errors.\n");
    program.run();
    assert_eq!(program.text(&["errors", "forget", "--all"]), "1 errors forgotten\n");
    assert!(program.errors().is_empty());
}

#[test]
fn errors_are_tracked_in_the_embedded_catalogue() {
    errors_are_folded_listed_shown_and_forgotten(&Program::new(&bench()));
}

#[test]
fn errors_are_tracked_and_told_in_postgresql() {
    let (bench, url) = (bench(), postgres::shared().database());
    errors_are_folded_listed_shown_and_forgotten(&Program::new(&bench).with("CODELUPE_DB", &url));
    let webhook = Webhook::start(OK);
    Program::new(&bench)
        .with("CODELUPE_DB", &url)
        .with("CODELUPE_ALERT_WEBHOOK", &webhook.url)
        .run();
    let requests = webhook.requests();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    assert_eq!(requests[0]["context"]["repository"], "broken");
}

#[test]
fn a_new_error_is_told_once_as_json() {
    let (bench, webhook) = (bench(), Webhook::start(OK));
    let program = Program::new(&bench).with("CODELUPE_ALERT_WEBHOOK", &webhook.url);
    program.run();
    let error = &program.errors()[0];
    let mut requests = webhook.requests();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    let alert = requests[0].as_object_mut().unwrap();
    assert!(alert.remove("at").unwrap().as_i64() > error["first_seen"].as_i64().map(|at| at - 60_000));
    let expected = json!({
        "version": 1,
        "rule": "new_fingerprint",
        "code": "corrupt_input",
        "class": "permanent",
        "category": "corrupt_input",
        "component": "forge",
        "message": error["message"],
        "context": { "repository": "broken" },
        "fingerprint": error["fingerprint"],
        "count": 1,
    });
    assert_eq!(requests[0], expected);
    program.run();
    assert_eq!(webhook.requests(), [] as [Value; 0]);
}

#[test]
fn a_frequent_error_is_told_as_a_message_for_slack() {
    let (bench, webhook) = (bench(), Webhook::start(OK));
    let file = bench.root().join("codelupe.toml");
    let settings = format!(
        "[alerts]\nwebhook = '{}'\nform = 'slack'\nnew_fingerprint = false\nrate_per_minute = 1\n[process]\nmin_quality = 20\n",
        webhook.url
    );
    fs::write(&file, settings).unwrap();
    let program = Program::new(&bench).with("CODELUPE_CONFIG", file.to_str().unwrap());
    program.run();
    let requests = webhook.requests();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    let said = requests[0]["text"].as_str().unwrap();
    assert!(said.starts_with("Frequent error: corrupt_input in forge: "), "{said}");
    let texts = requests[0]["blocks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| block["text"]["text"].as_str().unwrap());
    let texts: Vec<&str> = texts.collect();
    assert_eq!(texts.len(), 3);
    assert!(
        said.ends_with(texts[1]) && texts[2].contains("repository: broken\n"),
        "{texts:?}"
    );

    // The settings are printed without the webhook, and can be used as they are printed.
    let printed = program.text(&["config"]);
    assert!(
        printed.contains("[alerts]\n# webhook is set") && printed.contains("form = \"slack\""),
        "{printed}"
    );
    assert_eq!(program.json(&["config"])["alerts"]["webhook"], "(set)");
    write(bench.root(), "printed.toml", printed.as_bytes());
    let again = Program::new(&bench).with("CODELUPE_CONFIG", bench.root().join("printed.toml").to_str().unwrap());
    let settings = again.json(&["config"]);
    assert_eq!(
        (&settings["alerts"]["webhook"], &settings["alerts"]["rate_per_minute"]),
        (&Value::Null, &json!(1))
    );
    assert_eq!(settings["process"]["min_quality"], 20);
}

#[test]
fn a_webhook_that_fails_or_hangs_disturbs_nothing() {
    let bench = bench();
    let plain = Program::new(&bench);
    plain.run();
    let funnel = plain.json(&["stats"])["funnel"].clone();
    for answer in [
        Answer::Say("500 Internal Server Error"),
        Answer::Say("404 Not Found"),
        Answer::Say("307 Temporary Redirect\r\nLocation: /T0HUSHHUSH"),
        Answer::Say("nonsense"),
        Answer::Close,
        Answer::Hang,
    ] {
        plain.text(&["errors", "forget", "--all"]);
        let webhook = Webhook::start(answer);
        let told = Program::new(&bench)
            .with("CODELUPE_ALERT_WEBHOOK", &webhook.url)
            .with("RUST_LOG", "trace");
        let log = told.run();
        assert!(log.contains("alerts could not be sent"), "{answer:?}: {log}");
        assert!(!webhook.requests().is_empty(), "{answer:?}");
        assert_eq!(plain.errors().len(), 1, "{answer:?}");
        assert_eq!(plain.json(&["stats"])["funnel"], funnel, "{answer:?}");
    }
}

#[test]
fn a_test_alert_says_whether_it_arrived() {
    let bench = Bench::new();
    let of = |webhook: &str| Program::new(&bench).with("CODELUPE_ALERT_WEBHOOK", webhook);
    let webhook = Webhook::start(OK);
    assert_eq!(
        of(&webhook.url).text(&["errors", "test-alert"]),
        "the test alert has arrived\n"
    );
    let requests = webhook.requests();
    assert_eq!((requests.len(), &requests[0]["rule"]), (1, &json!("test")));

    let check = |answer: Answer, status: i32, word: &str| {
        let webhook = Webhook::start(answer);
        let said = of(&webhook.url).fails(&["errors", "test-alert"], status);
        assert!(
            said.contains("did not arrive") && said.contains(word),
            "{answer:?}: {said}"
        );
        assert_eq!(webhook.requests().len(), 1, "{answer:?}");
    };
    check(Answer::Say("500 Internal Server Error"), 69, "answered 500");
    check(Answer::Say("403 Forbidden"), 77, "answered 403");
    check(
        Answer::Say("302 Found\r\nLocation: /T0HUSHHUSH"),
        64,
        "redirects are not followed",
    );
    check(Answer::Close, 69, "not reached");
    check(Answer::Hang, 75, "in time");
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    assert!(
        of(&format!("http://{closed}/{SECRET}"))
            .fails(&["errors", "test-alert"], 69)
            .contains("not reached")
    );
    assert!(
        of("")
            .fails(&["errors", "test-alert"], 64)
            .contains("no webhook is set")
    );
}

#[test]
fn settings_that_are_not_valid_are_named_and_the_webhook_is_not() {
    let bench = Bench::new();
    let of = |webhook: &str| Program::new(&bench).with("CODELUPE_ALERT_WEBHOOK", webhook);
    for bad in [
        SECRET.to_owned(),
        format!("ftp://{SECRET}"),
        format!("https://{SECRET}:x/"),
    ] {
        assert!(of(&bad).fails(&["stats"], 64).contains("CODELUPE_ALERT_WEBHOOK"));
    }
    let file = bench.root().join("codelupe.toml");
    let check = |settings: String, word: &str| {
        fs::write(&file, settings).unwrap();
        let said = Program::new(&bench).fails(&["--config", file.to_str().unwrap(), "config"], 64);
        assert!(said.contains(word), "{said}");
    };
    check(format!("[alerts]\nwebhook = \"https://{SECRET}"), "line 2");
    check(format!("[alerts]\nwebhook = https://{SECRET}"), "line 2");
    check(format!("[alerts]\nwebhook = '{SECRET}'"), "not valid");
    check(format!("[alerts]\nwebhook = 'https://{SECRET}'\nrate = 1"), "rate");
    check("[alert]\n".to_owned(), "alert");
}
