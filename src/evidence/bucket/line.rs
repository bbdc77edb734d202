//! The line to the server: our own HTTP client under the library's requests, and threads of its own on which they run.
//!
//! The library's client would turn HTTP/2 on for every client of this program, the banks' too, and bring its own roots of trust. This one follows
//! no redirect, asks no proxy, and leaves repeating to the library, which repeats only what can be repeated.

use std::{future::Future, io, sync::mpsc, time::Duration};

use async_trait::async_trait;
use http_body_util::BodyExt as _;
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
        HttpResponseBody, HttpService,
    },
};
use reqwest::{Body, Certificate, Client, Request, Url, redirect, retry};
use tokio::runtime::{Builder, Runtime};

use super::{BucketAt, fault, unusable};

const CONNECT: Duration = Duration::from_secs(5);
/// The longest silence in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(20);
/// For one request, which moves a few MiB at most.
const WHOLE: Duration = Duration::from_secs(120);

#[derive(Clone, Debug)]
pub(super) struct Line(Client);

impl Line {
    pub(super) fn to(at: &BucketAt) -> io::Result<Self> {
        let mut builder = Client::builder()
            .https_only(!at.endpoint.starts_with("http://"))
            .http1_only()
            .retry(retry::never())
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .timeout(WHOLE);
        if let Some(pem) = &at.ca {
            let roots = Certificate::from_pem_bundle(pem).map_err(|error| {
                unusable(format!("`ca` under [evidence.bucket] is no PEM: {error}"))
            })?;
            if roots.is_empty() {
                let why = "`ca` under [evidence.bucket] holds no PEM certificate";
                return Err(unusable(why.into()));
            }
            builder = builder.tls_certs_only(roots);
        }
        let client = builder
            .build()
            .map_err(|error| unusable(format!("TLS cannot be set up: {error}")))?;
        Ok(Self(client))
    }
}

impl HttpConnector for Line {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Line {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string())
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        let mut request = Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        if body.content_length() > 0 {
            *request.body_mut() = Some(Body::wrap(body));
        }
        let response = self.0.execute(request).await.map_err(broken)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = Body::from(response).map_err(broken);
        let mut answer = HttpResponse::new(HttpResponseBody::new(body));
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }
}

fn broken(error: reqwest::Error) -> HttpError {
    let kind = if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_timeout() {
        HttpErrorKind::Timeout
    } else {
        HttpErrorKind::Interrupted
    };
    HttpError::new(kind, error.without_url())
}

/// Threads on which requests run, so that blocking callers wait for them from wherever they are.
pub(super) struct Runner(Option<Runtime>);

impl Runner {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("evidence")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Waits for an answer. Blocking.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        request: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> io::Result<T> {
        self.wait_or(request, fault)
    }

    /// The same, where a failure may be an answer.
    pub(super) fn wait_or<T: Send + 'static, E: Send + 'static>(
        &self,
        request: impl Future<Output = Result<T, E>> + Send + 'static,
        failed: impl FnOnce(E) -> io::Error,
    ) -> io::Result<T> {
        let (tell, told) = mpsc::sync_channel(1);
        let runtime = self.0.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        runtime.spawn(async move {
            // Whoever asked may be gone.
            tell.send(request.await).ok();
        });
        let answer = told
            .recv()
            .map_err(|_| io::Error::other("a request to the bucket came to a sudden end"))?;
        answer.map_err(failed)
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // The last user may be async, where waiting for threads is not allowed; no request is left, or somebody would be waiting.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
