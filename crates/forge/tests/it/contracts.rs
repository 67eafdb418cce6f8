//! What we ask GitHub for, held against what GitHub describes: its OpenAPI description by Prism, and its GraphQL schema by
//! the reference implementation of GraphQL.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use codelupe_core::{HostedRepository, Slice};
use codelupe_forge::{
    Budget, GoneReason, HttpSettings, Known, Lister, Listing, Pace, Query, Refreshed, Site, SiteKind, Token,
};
use codelupe_testkit::forge::{ForgeServer, Kind, generate};
use codelupe_testkit::http::{Server, respond};
use codelupe_testkit::npm;
use codelupe_testkit::prism::{Exchange, Prism};
use serde_json::Value;

use crate::listing::NOW;

/// Where packages are installed once for all.
const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

/// GitHub's schema (MIT, GitHub), and the reference implementation of GraphQL (MIT, its contributors).
const GRAPHQL: [&str; 2] = ["@octokit/graphql-schema@15.26.1", "graphql@16.15.0"];

/// Searches with every qualifier, in every spelling.
const SEARCHES: [&str; 9] = [
    "?language=Jupyter Notebook&stars=>500",
    "?language=c++&stars=10..20&fork=only",
    "?topic=parser&topic=web&fork=false",
    "?license=apache-2.0&archived=false",
    "?created=>=2020-01-01&pushed=2019-01-01..2020-01-01",
    "?size=<1000&forks=>=5&fork=true",
    "?q=parser in:name,description&archived=true",
    "?stars=5&created=2020-01-01",
    "?q=\u{fc}ber \"both words\" c++",
];

fn lister(url: &str, token: Option<&str>) -> Lister {
    let site = Site::new(SiteKind::GitHub, url).unwrap();
    let token = token.map(|token| Token::new(token, &site.api()).unwrap());
    let budget = Budget::new(&site, token.is_some(), Pace::Unspaced);
    Lister::new(site, token, &HttpSettings::default(), budget).unwrap()
}

fn known(id: u64) -> Known {
    Known {
        id,
        node_id: Some(format!("R_{id:08x}")),
        full_name: "octocat/Hello-World".to_owned(),
        etag: Some("\"an etag\"".to_owned()),
    }
}

fn query(lister: &Lister, rest: &str) -> Query {
    format!("github:{}{rest}", lister.site().host()).parse().unwrap()
}

/// The requests since the last call; GitHub's description has nothing against them.
fn accepted(prism: &Prism) -> Vec<Exchange> {
    let exchanges = prism.take_exchanges();
    for exchange in &exchanges {
        let body = String::from_utf8_lossy(&exchange.body);
        assert!(
            exchange.violations.is_empty(),
            "{}: {:?}",
            exchange.request.target,
            exchange.violations
        );
        assert_eq!(exchange.status, 200, "{}: {body}", exchange.request.target);
    }
    exchanges
}

#[tokio::test]
async fn githubs_description_accepts_every_request() {
    let prism = Prism::start(Path::new(CACHE));
    for token in [None, Some("SECRET")] {
        let lister = lister(&prism.url(), token);
        searches(&prism, &lister).await;
        owners_and_single_ones(&prism, &lister).await;
    }
    by_id(&prism).await;
    what_is_wrong_is_found(&prism);
}

async fn searches(prism: &Prism, lister: &Lister) {
    for search in SEARCHES {
        let search = query(lister, search);
        let slice = lister.first_slice(&search, NOW).unwrap();
        for cursor in [None, Some("2"), Some("10")] {
            let page = lister.page(&search, slice, cursor).await.unwrap();
            let Listing::Page {
                repositories,
                skipped,
                total,
                ..
            } = page
            else {
                panic!("{page:?}")
            };
            // Prism gives the example of the description.
            assert_eq!(
                (repositories[0].full_name.as_str(), skipped, total),
                ("dtrupenn/Tetris", 0, Some(40))
            );
        }
        assert_eq!(accepted(prism).len(), 3);
    }
    lister.estimate(&query(lister, SEARCHES[0]), NOW).await.unwrap();
    assert_eq!(accepted(prism).len(), 1);
}

async fn owners_and_single_ones(prism: &Prism, lister: &Lister) {
    for (rest, name) in [
        ("/octocat", "octocat/Hello-World"),
        ("/octocat/Hello-World", "octocat/Hello-World"),
    ] {
        let page = lister.page(&query(lister, rest), Slice::default(), None).await.unwrap();
        let Listing::Page { repositories, .. } = page else {
            panic!("{page:?}")
        };
        assert_eq!(repositories[0].full_name, name);
        assert_eq!(accepted(prism).len(), 1);
    }
}

/// `GET /repositories/ID`, to which GitHub itself redirects, is not in its description: Prism knows no such path.
async fn by_id(prism: &Prism) {
    let lister = lister(&prism.url(), None);
    let refreshed = lister.refresh(&[known(1_296_269)]).await.unwrap();
    assert_eq!(refreshed, [(1_296_269, Refreshed::Gone(GoneReason::NotFound))]);
    let exchanges = prism.take_exchanges();
    assert_eq!(exchanges.len(), 1);
    assert_eq!(exchanges[0].request.target, "/api/v3/repositories/1296269");
    assert!(String::from_utf8_lossy(&exchanges[0].body).contains("NO_PATH_MATCHED_ERROR"));
}

/// An empty search is none that we send; it shows that Prism would say so.
fn what_is_wrong_is_found(prism: &Prism) {
    let address = prism.url();
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    let request = "GET /api/v3/search/repositories?per_page=x HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    let exchange = prism.take_exchanges().remove(0);
    assert_eq!((exchange.status, exchange.violations.len()), (422, 2));
}

/// Reads a request for GraphQL from its input, holds it against the schema, and prints an answer as the schema has it: every
/// list with one entry, every value one of its type.
const EXECUTE: &str = r#"
const fs = require("fs");
const { buildSchema, parse, validate, executeSync, getNamedType, isScalarType } = require("graphql");
const idl = fs.readFileSync("node_modules/@octokit/graphql-schema/schema.graphql", "utf8");
// The schema as GitHub gives it defines two fields twice.
const schema = buildSchema(idl, { assumeValidSDL: true });
const request = JSON.parse(fs.readFileSync(0, "utf8"));
const document = parse(request.query);
const errors = validate(schema, document);
const values = { ID: "R_1", Int: 7, Boolean: true, DateTime: "2020-01-01T00:00:00Z", URI: "https://example.org/" };
const value = (source, variables, context, info) => {
    const type = getNamedType(info.returnType);
    if (info.fieldName === "nameWithOwner") return "owner/name";
    const one = isScalarType(type) ? (values[type.name] ?? "text") : { __typename: "Repository" };
    return String(info.returnType).includes("[") ? [one] : one;
};
const run = () => executeSync({ schema, document, variableValues: request.variables, fieldResolver: value });
console.log(JSON.stringify(errors.length > 0 ? { errors } : run()));
"#;

/// What GitHub's schema makes of a request.
fn execute(request: &str) -> Value {
    let modules = npm::install(Path::new(CACHE), &GRAPHQL);
    let mut node = Command::new("node")
        .args(["-e", EXECUTE])
        .current_dir(modules.parent().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The request for known repositories as it is sent.
async fn graphql_request() -> String {
    let server = ForgeServer::start(Kind::GitHub, generate(2, 60));
    let lister = lister(server.url(), Some("SECRET"));
    lister.refresh(&[known(1), known(2)]).await.unwrap();
    let mut requests = server.take_requests();
    assert_eq!((requests.len(), requests[0].path.as_str()), (1, "/api/graphql"));
    requests.remove(0).body
}

#[tokio::test]
async fn githubs_schema_accepts_the_query_and_its_answer_is_read_whole() {
    let request = graphql_request().await;
    let answer = execute(&request);
    assert_eq!(answer["errors"], Value::Null);
    let body = answer.to_string();
    let server =
        Server::start(move |_, stream| respond(stream, 200, &[("content-type", "application/json")], body.as_bytes()));
    let lister = lister(&server.url(""), Some("SECRET"));
    let refreshed = lister.refresh(&[known(7)]).await.unwrap();
    let Refreshed::Changed { repository: found, .. } = &refreshed[0].1 else {
        panic!("{refreshed:?}")
    };
    let text = Some("text".to_owned());
    let expected = HostedRepository {
        forge: found.forge.clone(),
        id: 7,
        node_id: Some("R_1".to_owned()),
        full_name: "owner/name".to_owned(),
        clone_url: server.url("/owner/name.git"),
        description: text.clone(),
        homepage: Some("https://example.org/".to_owned()),
        topics: vec!["text".to_owned()],
        license: text.clone(),
        language: text.clone(),
        languages: BTreeMap::from([("text".to_owned(), 7)]),
        stars: Some(7),
        forks: Some(7),
        watchers: Some(7),
        open_issues: Some(7),
        size_kib: Some(7),
        fork: true,
        parent: Some(7),
        archived: true,
        disabled: true,
        mirror: true,
        template: true,
        private: true,
        empty: true,
        default_branch: text,
        created_at: Some(1_577_836_800),
        pushed_at: Some(1_577_836_800),
        updated_at: Some(1_577_836_800),
        raw: found.raw.clone(),
    };
    assert_eq!(**found, expected);

    let wrong = execute(&request.replace("isArchived", "isArchive"));
    assert_eq!(wrong["errors"].as_array().unwrap().len(), 1, "{wrong}");
}
