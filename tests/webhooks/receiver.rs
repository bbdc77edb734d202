//! A receiver of webhooks with its own TLS: keeps what it gets, and answers, redirects or hangs as it is told.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use crate::certificates::Certificates;

/// What the receiver does with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behaviour {
    Answer(u16),
    /// 302 to another path of its own.
    Redirect,
    /// Takes the request and never says a word.
    Hang,
    /// 200 with more than anybody wants to read, with control characters in it.
    Chatter,
    /// 200 with the beginning of a body that never ends.
    Trickle,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        &self.headers[name]
    }
}

pub(crate) struct Receiver {
    pub(crate) port: u16,
    behaviour: Arc<Mutex<Behaviour>>,
    got: Arc<Mutex<Vec<Got>>>,
    news: Mutex<mpsc::Receiver<()>>,
}

type Tls = StreamOwned<ServerConnection, TcpStream>;

impl Receiver {
    pub(crate) fn start(certificates: &Certificates) -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let behaviour = Arc::new(Mutex::new(Behaviour::Answer(204)));
        let got = Arc::default();
        let (how, kept) = (Arc::clone(&behaviour), Arc::clone(&got));
        let tls = tls(certificates);
        let (tell, news) = mpsc::channel();
        thread::spawn(move || {
            let mut hanging = Vec::new();
            for socket in listener.incoming() {
                hanging.extend(serve(&tls, socket.unwrap(), *how.lock().unwrap(), &kept));
                // A test that has ended hears no more.
                tell.send(()).ok();
            }
        });
        Self {
            port,
            behaviour,
            got,
            news: Mutex::new(news),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}/hooks", self.port)
    }

    pub(crate) fn does(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    /// Waits until the next request was answered, for a gateway that runs by itself.
    pub(crate) fn waits(&self) {
        let news = self.news.lock().unwrap();
        news.recv_timeout(Duration::from_secs(60)).unwrap();
    }

    /// What came since the last look.
    pub(crate) fn got(&self) -> Vec<Got> {
        std::mem::take(&mut self.got.lock().unwrap())
    }
}

fn tls(certificates: &Certificates) -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(certificates.file("gateway.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(certificates.file("gateway.key")).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain.collect::<Result<_, _>>().unwrap(), key);
    Arc::new(config.unwrap())
}

/// Answers one request on one connection; gives the connection back where it hangs. A client that does not trust this receiver goes away.
fn serve(
    tls: &Arc<ServerConfig>,
    socket: TcpStream,
    behaviour: Behaviour,
    got: &Mutex<Vec<Got>>,
) -> Option<Tls> {
    let mut tls = StreamOwned::new(ServerConnection::new(Arc::clone(tls)).unwrap(), socket);
    got.lock().unwrap().push(request(&mut tls)?);
    let answer = match behaviour {
        Behaviour::Answer(status) => {
            format!("HTTP/1.1 {status} X\r\ncontent-length: 6\r\n\r\nanswer")
        }
        Behaviour::Redirect => {
            "HTTP/1.1 302 X\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n".into()
        }
        Behaviour::Hang => return Some(tls),
        Behaviour::Trickle => "HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\nso far".into(),
        Behaviour::Chatter => {
            let body = "\u{1b}[31mtoo much\r\n".repeat(100_000);
            format!(
                "HTTP/1.1 200 X\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
        }
    };
    if matches!(behaviour, Behaviour::Trickle) {
        drop(tls.write_all(answer.as_bytes()));
        drop(tls.flush());
        return Some(tls);
    }
    // Whoever has read enough of it may have gone.
    drop(tls.write_all(answer.as_bytes()));
    tls.conn.send_close_notify();
    drop(tls.flush());
    None
}

fn request(tls: &mut Tls) -> Option<Got> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        tls.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    tls.read_exact(&mut body).ok()?;
    Some(Got {
        path,
        headers,
        body: String::from_utf8(body).ok()?,
    })
}
