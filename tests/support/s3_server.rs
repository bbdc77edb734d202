//! An S3 server of one test's own: s3s-fs, which keeps its objects as files, and a line to it that a test can cut.

#![allow(dead_code, reason = "each test program uses its part")]

use std::{
    env, fs,
    io::{self, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

pub(crate) const BUCKET: &str = "evidence";
pub(crate) const ACCESS: &str = "gateway";
pub(crate) const SECRET: &str = "a-secret-of-this-test";

pub(crate) struct Server {
    program: Child,
    root: PathBuf,
    host: String,
    port: u16,
}

impl Server {
    pub(crate) fn start(root: &Path) -> Self {
        fs::create_dir_all(root.join(BUCKET)).unwrap();
        static STARTED: AtomicU64 = AtomicU64::new(1);
        // An address of its own: nobody else gets the port of one that a test has killed.
        let host = format!(
            "127.0.1.{}",
            STARTED.fetch_add(1, Ordering::SeqCst) % 250 + 1
        );
        Self::listen(root, host, 0)
    }

    fn listen(root: &Path, host: String, port: u16) -> Self {
        let named = env::var("WAGEGATE_TEST_S3").unwrap_or_else(|_| "s3s-fs".into());
        let mut program = Command::new(&named)
            .args(["--host", &host, "--port", &port.to_string()])
            .args(["--access-key", ACCESS, "--secret-key", SECRET])
            .arg(root)
            .env("RUST_LOG", "s3s_fs=info")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{named}: {error}: run `scripts/s3 install`, or ./check, which does")
            });
        let mut said = BufReader::new(program.stdout.take().unwrap());
        let port = port_in(&mut said, &host);
        thread::spawn(move || io::copy(&mut said, &mut io::sink()));
        Self {
            program,
            root: root.into(),
            host,
            port,
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}:{}", self.host, self.port)
    }

    /// Where it listens, for a line to it.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(crate) fn id(&self) -> u32 {
        self.program.id()
    }

    pub(crate) fn kill(&mut self) {
        // It may be dead already.
        self.program.kill().ok();
        self.program.wait().unwrap();
    }

    /// The same server again, over the same files.
    pub(crate) fn start_again(&mut self) {
        self.kill();
        *self = Self::listen(&self.root, self.host.clone(), self.port);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn port_in(said: &mut impl io::BufRead, host: &str) -> u16 {
    let before = format!("running at http://{host}:");
    let mut line = String::new();
    while said.read_line(&mut line).unwrap() > 0 {
        if let Some((_, port)) = line.split_once(&before) {
            let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
            return digits.parse().unwrap();
        }
        line.clear();
    }
    panic!("the S3 server did not start");
}

/// A line to a server. Each way counts its bytes over all connections and is asked whether they may pass.
pub(crate) fn line(
    server: String,
    up: impl Fn(u64) -> bool + Send + Sync + 'static,
    down: impl Fn(u64) -> bool + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let ways = [Arc::new(Way::new(up)), Arc::new(Way::new(down))];
    thread::spawn(move || {
        for near in listener.incoming() {
            let near = near.unwrap();
            let Ok(far) = TcpStream::connect(&server) else {
                continue; // dead: whoever called is hung up on
            };
            let ends = [
                (near.try_clone().unwrap(), far.try_clone().unwrap()),
                (far, near),
            ];
            for ((from, to), way) in ends.into_iter().zip(ways.clone()) {
                thread::spawn(move || way.pass(from, to));
            }
        }
    });
    format!("http://127.0.0.1:{port}")
}

struct Way {
    passed: AtomicU64,
    may: Box<dyn Fn(u64) -> bool + Send + Sync>,
}

impl Way {
    fn new(may: impl Fn(u64) -> bool + Send + Sync + 'static) -> Self {
        Self {
            passed: AtomicU64::new(0),
            may: Box::new(may),
        }
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut piece = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            let passed = self.passed.fetch_add(length as u64, Ordering::SeqCst);
            if !(self.may)(passed + length as u64) || to.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        for end in [from, to] {
            // It may be closed already.
            end.shutdown(Shutdown::Both).ok();
        }
    }
}
