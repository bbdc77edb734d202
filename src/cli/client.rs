//! Asks a gateway over mutual TLS: one method for reading, one for sending, one place that reads answers.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Body, Certificate, Identity, Method, Response, Url, redirect, retry, tls};
use serde::{Deserialize, de::DeserializeOwned};

use super::{Connection, Failure};
use crate::http::{problem::RowProblem, wire::Page};

/// A gateway, and who asks it.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
}

/// A problem as it comes back.
#[derive(Deserialize)]
struct Told {
    title: String,
    detail: String,
    #[serde(default)]
    rows: Vec<RowProblem>,
}

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
        Ok(Self { http, base })
    }

    /// Reads JSON.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        json(self.open(path, query).await?).await
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
        self.ask(Method::GET, path, query, Body::default()).await
    }

    /// Sends a body, reads JSON.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Result<T, Failure> {
        json(self.ask(Method::POST, path, query, body.into()).await?).await
    }

    /// Sends a body and reads an answer that is still on the wire.
    pub(super) async fn send(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Result<Response, Failure> {
        self.ask(Method::POST, path, query, body.into()).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Body,
    ) -> Result<Response, Failure> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::Here("--server: write https://host:port".into()))?
            .pop_if_empty()
            .push("v1")
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let response = self
            .http
            .request(method, url)
            .body(body)
            .send()
            .await
            .map_err(|error| unanswered(&self.base, &error))?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(refusal(response).await)
        }
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
        // A sheet or a decision goes out once; who gets no answer looks before asking again.
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
    (&["UnknownIssuer", "invalid peer certificate", "NotValidForName"], "its certificate is not vouched for by --ca, or is another machine's; look at --server and --ca"),
    (&["received fatal alert"], "it does not accept the certificate of --cert; ask the operator whether it is known, revoked or has run out"),
];

/// The libraries' own words come last, for who mends networks.
fn unanswered(base: &Url, error: &reqwest::Error) -> Failure {
    let why = causes(error);
    let known = MATTERS
        .iter()
        .find(|(words, _)| words.iter().any(|word| why.contains(word)));
    let plain = known.map_or(
        "the connection broke or the answer did not come; what was sent may have arrived, so look before you send again",
        |(_, plain)| plain,
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
    let status = response.status();
    match json::<Told>(response).await {
        Ok(told) if status.is_server_error() => {
            Failure::Unreachable(format!("{}: {}", told.title, told.detail))
        }
        Ok(Told {
            title,
            detail,
            rows,
        }) => Failure::Refused {
            title,
            detail,
            rows,
        },
        Err(_) => Failure::Unreachable(format!(
            "the answer was {status} without a reason: is this a gateway?"
        )),
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
