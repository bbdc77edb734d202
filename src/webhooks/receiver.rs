//! One try to deliver: one POST over HTTPS to one receiver, with its certificate checked and its address looked at first. No redirect is
//! followed, nothing is kept open, and of the answer only the beginning is read.

use std::{
    error::Error,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures_util::StreamExt;
use reqwest::{Certificate, Client, ClientBuilder, Response, Url, header, redirect, retry};
use thiserror::Error;
use tokio::{net::lookup_host, time::timeout};

use super::Allowed;

/// How much of an answer is read.
const ANSWER_MAX: usize = 4 * 1024;
/// How much of it is kept.
const KEPT: usize = 200;
/// Longest address taken.
const URL_MAX: usize = 2_000;

/// Where a subscription wants its notices.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub url: String,
    /// Authority of its certificate, PEM; the system's where absent.
    pub ca: Option<String>,
}

/// Why an address or authority cannot be taken.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum UrlFault {
    #[error(
        "url is https://host[:port]/path, at most 2000 characters, without user, password and fragment"
    )]
    Url,
    #[error(
        "url leads to an address that the gateway's operators have not opened (webhooks.allow)"
    )]
    Address,
    #[error("ca is one or more certificates, PEM")]
    Authority,
}

/// Carries notices to their receivers.
#[derive(Clone, Debug)]
pub struct Courier {
    /// Addresses beside the public ones.
    pub allowed: Allowed,
    /// Time to resolve, connect and finish the handshake.
    pub connect: Duration,
    /// Time for the whole try.
    pub whole: Duration,
}

impl Default for Courier {
    fn default() -> Self {
        Self {
            allowed: Allowed::default(),
            connect: Duration::from_secs(5),
            whole: Duration::from_secs(10),
        }
    }
}

/// What came of a try.
#[derive(Debug)]
pub(super) enum Heard {
    Answer { status: u16, beginning: String },
    Silence { why: String },
}

impl Courier {
    /// Whether an endpoint can be taken at all; where its name leads is looked at before each try.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, endpoint: &Endpoint) -> Result<(), UrlFault> {
        let url = url(&endpoint.url)?;
        if ip(&url).is_some_and(|ip| !self.allowed.may(ip)) {
            return Err(UrlFault::Address);
        }
        match endpoint.ca.as_deref().map(authority) {
            Some(None) => Err(UrlFault::Authority),
            Some(Some(_)) | None => Ok(()),
        }
    }

    /// Posts once. A status that came in time is the answer, whether or not its body comes to an end.
    pub(super) async fn post(
        &self,
        to: &Endpoint,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Heard {
        let (mut status, mut read) = (None, Vec::new());
        let all = async {
            let response = self.send(to, headers, body).await?;
            status = Some(response.status().as_u16());
            beginning(response, &mut read).await;
            Ok(())
        };
        let ended: Result<Result<(), String>, _> = timeout(self.whole, all).await;
        match (status, ended) {
            (Some(status), _) => Heard::Answer {
                status,
                beginning: kept(&String::from_utf8_lossy(&read)),
            },
            (None, Ok(Err(why))) => Heard::Silence { why: kept(&why) },
            (None, Ok(Ok(())) | Err(_)) => Heard::Silence {
                why: "out of time".into(),
            },
        }
    }

    async fn send(
        &self,
        to: &Endpoint,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<Response, String> {
        let url = url(&to.url).map_err(|fault| fault.to_string())?;
        let client = self.client(&url, to.ca.as_deref()).await?;
        let request = client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONNECTION, "close");
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, value)
        });
        let response = request.body(body).send().await;
        response.map_err(|error| causes(&error))
    }

    /// A client for one try, which goes to the addresses that were looked at and to no others.
    async fn client(&self, url: &Url, ca: Option<&str>) -> Result<Client, String> {
        let host = url.host_str().unwrap_or_default();
        let addresses = self.addresses(url).await?;
        let builder = Client::builder()
            .https_only(true)
            .http1_only()
            .pool_max_idle_per_host(0)
            .retry(retry::never())
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .user_agent("wagegate")
            .connect_timeout(self.connect)
            .timeout(self.whole)
            .resolve_to_addrs(host, &addresses);
        trusting(builder, ca)?
            .build()
            .map_err(|error| causes(&error))
    }

    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, String> {
        let port = url.port_or_known_default().unwrap_or(443);
        let addresses: Vec<_> = match ip(url) {
            Some(ip) => vec![SocketAddr::new(ip, port)],
            None => {
                let host = url.host_str().unwrap_or_default();
                let looked_up = timeout(self.connect, lookup_host((host, port))).await;
                let found = looked_up.map_err(|_| "its name was not resolved in time")?;
                found
                    .map_err(|error| format!("its name cannot be resolved: {error}"))?
                    .collect()
            }
        };
        if addresses.is_empty() {
            return Err("its name has no address".into());
        }
        let closed = addresses
            .iter()
            .find(|address| !self.allowed.may(address.ip()));
        if let Some(closed) = closed {
            // For operators alone: whoever subscribed does not learn where names inside lead.
            tracing::warn!(host = url.host_str(), address = %closed.ip(), "a webhook is not sent: its address is not open");
            return Err(
                "not sent: its address is not public, and webhooks.allow does not open it".into(),
            );
        }
        Ok(addresses)
    }
}

fn url(text: &str) -> Result<Url, UrlFault> {
    let url = Url::parse(text).map_err(|_| UrlFault::Url)?;
    let plain = url.scheme() == "https"
        && url.host_str().is_some()
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && text.len() <= URL_MAX
        && !text.contains(char::is_control);
    plain.then_some(url).ok_or(UrlFault::Url)
}

/// The address, where the URL names one and not a host.
fn ip(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

fn authority(pem: &str) -> Option<Vec<Certificate>> {
    let plain = |c: char| !c.is_control() || c.is_ascii_whitespace();
    let certificates = Certificate::from_pem_bundle(pem.as_bytes()).ok()?;
    (!certificates.is_empty() && pem.chars().all(plain)).then_some(certificates)
}

fn trusting(builder: ClientBuilder, ca: Option<&str>) -> Result<ClientBuilder, String> {
    match ca {
        None => Ok(builder),
        Some(pem) => authority(pem)
            .map(|roots| builder.tls_certs_only(roots))
            .ok_or_else(|| UrlFault::Authority.to_string()),
    }
}

/// Reads the beginning of an answer; a body that breaks off is as much of an answer as one that ends.
async fn beginning(response: Response, read: &mut Vec<u8>) {
    let mut pieces = response.bytes_stream();
    while let Some(Ok(piece)) = pieces.next().await {
        read.extend_from_slice(&piece);
        if read.len() >= ANSWER_MAX {
            break;
        }
    }
}

fn kept(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(KEPT).map(plain).collect()
}

/// The error with its causes, without the URL: a receiver may have put a password into it.
fn causes(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "out of time".to_owned()
    } else {
        "no answer".to_owned()
    };
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_without_secrets_in_the_address_to_open_addresses_is_taken() {
        let courier = Courier::default();
        let check = |url: &str, ca: Option<&str>| {
            courier.check(&Endpoint {
                url: url.into(),
                ca: ca.map(str::to_owned),
            })
        };
        assert_eq!(check("https://hooks.example/wages?x=1", None), Ok(()));
        for url in [
            "http://hooks.example/",
            "https://user:pw@hooks.example/",
            "https://hooks.example/#a",
            "hooks.example",
            "file:///etc/passwd",
            "https://hooks.example/\u{0}",
        ] {
            assert_eq!(check(url, None), Err(UrlFault::Url), "{url}");
        }
        for url in [
            "https://127.0.0.1/",
            "https://[::1]:8443/",
            "https://[::ffff:10.0.0.1]/",
            "https://0x7f000001/",
            "https://2130706433/",
        ] {
            assert_eq!(check(url, None), Err(UrlFault::Address), "{url}");
        }
        assert_eq!(
            check("https://hooks.example/", Some("junk")),
            Err(UrlFault::Authority)
        );
    }
}
