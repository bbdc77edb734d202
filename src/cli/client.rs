//! Asks a gateway over mutual TLS: one method for reading, one for sending, one place that reads answers.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use reqwest::{
    Certificate, Identity, RequestBuilder, Response, StatusCode, Url, header, redirect, retry, tls,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::sleep;

use super::{Connection, Failure, upload::Sent};
use crate::http::{problem::RowProblem, wire::Page};

/// A gateway, and who asks it.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    /// Begins the `Idempotency-Key` of every POST of this command.
    key: String,
    posts: AtomicU32,
}

/// A problem as it comes back.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) r#type: String,
    pub(super) title: String,
    pub(super) detail: String,
    pub(super) rows: Vec<RowProblem>,
    /// All of it, for scripts.
    pub(super) whole: Value,
}

/// How often a request that is still being done under the same key is asked for again.
const ASKED_AGAIN: u32 = 3;

impl Client {
    pub(super) fn new(connection: &Connection) -> Result<Self, Failure> {
        let file = |path: &Option<PathBuf>, flag: &str| match path {
            Some(path) => read(path),
            None => Err(Failure::Here(format!(
                "give --{flag} FILE or set WAGEGATE_{}",
                flag.to_uppercase()
            ))),
        };
        let server = connection.server.as_deref().ok_or_else(|| {
            Failure::Here("give --server https://host:port or set WAGEGATE_SERVER".into())
        })?;
        let base = Url::parse(server).map_err(|error| {
            Failure::Here(format!(
                "--server {server}: {error}; write https://host:port"
            ))
        })?;
        if base.scheme() != "https" {
            return Err(Failure::Here(format!(
                "--server {server}: a gateway is asked over https only; write https://host:port"
            )));
        }
        let identity = [
            file(&connection.cert, "cert")?,
            b"\n".to_vec(),
            file(&connection.key, "key")?,
        ]
        .concat();
        let http = Certificate::from_pem_bundle(&file(&connection.ca, "ca")?)
            .and_then(|roots| client(roots, &identity))
            .map_err(unusable)?;
        let mut key = [0; 16];
        aws_lc_rs::rand::fill(&mut key).map_err(|_| Failure::here("no random bytes"))?;
        Ok(Self {
            http,
            base,
            key: hex::encode(key),
            posts: AtomicU32::new(0),
        })
    }

    /// Reads JSON.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        json(self.open(path, query).await?).await
    }

    /// Reads JSON that a gateway which cannot serve sends too: how it is.
    pub(super) async fn get_in_need<T: DeserializeOwned>(
        &self,
        path: &[&str],
    ) -> Result<T, Failure> {
        let answer = self.http.get(self.url(path, &[])?).send().await;
        let answer = answer.map_err(|error| unanswered(&self.base, &error))?;
        if answer.status() == StatusCode::SERVICE_UNAVAILABLE && !is_problem(&answer) {
            return json(answer).await;
        }
        json(told(answer).await?).await
    }

    /// Reads a list to its end, page by page.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, Failure> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let next = after.iter().map(|after| ("after", after.as_str()));
            let query: Vec<_> = [("limit", "1000")]
                .into_iter()
                .chain(query.iter().copied())
                .chain(next)
                .collect();
            let page: Page<T> = self.get(path, &query).await?;
            all.extend(page.items);
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// Reads an answer whose body is still on the wire.
    pub(super) async fn open(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Response, Failure> {
        let answer = self.http.get(self.url(path, query)?).send().await;
        told(answer.map_err(|error| unanswered(&self.base, &error))?).await
    }

    /// Sends a body, reads JSON.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        body: impl Into<Sent>,
    ) -> Result<T, Failure> {
        json(self.send(path, query, body).await?).await
    }

    /// Sends a body and reads an answer that is still on the wire. Where the connection broke before there was one, the gateway is asked once more
    /// under the same key: it does the act once.
    pub(super) async fn send(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        body: impl Into<Sent>,
    ) -> Result<Response, Failure> {
        let (url, body) = (self.url(path, query)?, body.into());
        let number = self.posts.fetch_add(1, Ordering::Relaxed);
        let key = format!("{}-{number}", self.key);
        let request = async || -> Result<RequestBuilder, Failure> {
            let post = self.http.post(url.clone()).body(body.body().await?);
            Ok(post.header("idempotency-key", &key))
        };
        match request().await?.send().await {
            Ok(answer) => return told(answer).await,
            Err(error) if !broke(&error) => return Err(unanswered(&self.base, &error)),
            Err(_) => {}
        }
        let mut left = ASKED_AGAIN;
        let mut wait = Duration::from_secs(1);
        loop {
            sleep(wait).await;
            let again = request().await?.send().await;
            let again = again.map_err(|error| unanswered(&self.base, &error))?;
            let running = running(&again);
            let answer = told(again).await;
            match (running, &answer) {
                (Some(seconds), Err(Failure::Refused(told)))
                    if left > 0 && told.r#type == "urn:wagegate:request-in-progress" =>
                {
                    (left, wait) = (left - 1, seconds);
                }
                _ => return answer,
            }
        }
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, Failure> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::Here("--server: write https://host:port".into()))?
            .pop_if_empty()
            .push("v1")
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }
}

/// True where the request may have arrived and the answer did not: neither was the connection refused, nor does a known cause stand in the way.
fn broke(error: &reqwest::Error) -> bool {
    let why = causes(error);
    !(error.is_connect() || error.is_builder() || error.is_timeout() || matter(&why).is_some())
}

/// How long to wait where the answer says that the first request is still on its way.
fn running(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(header::RETRY_AFTER)?;
    let seconds = seconds.to_str().ok()?.parse::<u64>().ok()?.min(30);
    (answer.status() == StatusCode::CONFLICT).then(|| Duration::from_secs(seconds))
}

fn is_problem(answer: &Response) -> bool {
    let kind = answer.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"))
}

/// An answer that is good, or the refusal in it.
async fn told(response: Response) -> Result<Response, Failure> {
    if response.status().is_success() {
        Ok(response)
    } else {
        Err(refusal(response).await)
    }
}

fn client(roots: Vec<Certificate>, identity: &[u8]) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .tls_certs_only(roots)
        .identity(Identity::from_pem(identity)?)
        .tls_version_min(tls::Version::TLS_1_3)
        .https_only(true)
        .no_proxy()
        .redirect(redirect::Policy::none())
        // A request is repeated by `send` alone, under one key.
        .retry(retry::never())
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(300))
        .build()
}

fn unusable(error: reqwest::Error) -> Failure {
    let why = causes(&error);
    Failure::Here(
        if why.contains("KeyMismatch") || why.contains("keys may not be consistent") {
            "the key of --key does not belong to the certificate of --cert: name the two files of one pair".into()
        } else {
            format!("certificates: {why}; --cert, --key and --ca are PEM files")
        },
    )
}

/// What may be the matter: words of a cause, and what to say to who started the program.
#[rustfmt::skip]
const MATTERS: &[(&[&str], &str)] = &[
    (&["Connection refused"], "nothing listens there; is the gateway running, and is the port right?"),
    (&["dns error", "failed to lookup"], "there is no machine of this name; look at --server"),
    (&["certificate expired"], "its certificate has run out; tell the operator"),
    (&["UnknownIssuer", "invalid peer certificate", "NotValidForName"], "its certificate is not vouched for by --ca, or is another machine's; look at --server and --ca"),
    (&["received fatal alert"], "it does not accept the certificate of --cert; ask the operator whether it is known, revoked or has run out"),
];

fn matter(why: &str) -> Option<&'static str> {
    let known = MATTERS
        .iter()
        .find(|(words, _)| words.iter().any(|word| why.contains(word)));
    known.map(|(_, plain)| *plain)
}

/// The libraries' own words come last, for who mends networks.
fn unanswered(base: &Url, error: &reqwest::Error) -> Failure {
    let why = causes(error);
    let plain = matter(&why).unwrap_or(
        "the connection broke or the answer did not come; what was sent may have arrived, so look before you send again",
    );
    Failure::Unreachable(format!("{base} {plain} ({why})"))
}

async fn json<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    let bytes = response
        .bytes()
        .await
        .map_err(|error| Failure::Unreachable(causes(&error)))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Failure::Unreachable(format!(
            "the answer is not a gateway's of this version: {error}"
        ))
    })
}

async fn refusal(response: Response) -> Failure {
    #[derive(Deserialize)]
    struct Parts {
        r#type: String,
        title: String,
        detail: String,
        #[serde(default)]
        rows: Vec<RowProblem>,
    }
    let status = response.status();
    let parts = json::<Value>(response)
        .await
        .ok()
        .and_then(|whole| Some((Parts::deserialize(&whole).ok()?, whole)));
    let Some((parts, whole)) = parts else {
        return Failure::Unreachable(format!(
            "the answer was {status} without a reason: is this a gateway?"
        ));
    };
    let told = Box::new(Told {
        r#type: parts.r#type,
        title: parts.title,
        detail: parts.detail,
        rows: parts.rows,
        whole,
    });
    if status.is_server_error() {
        Failure::Unable(told)
    } else {
        Failure::Refused(told)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::Here(format!("{}: {error}", path.display())))
}

/// The error with its causes: the library's own text stops at "error sending request".
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
