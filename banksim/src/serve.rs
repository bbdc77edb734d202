//! Runs a bank: settings into parts, two servers, one task that works and pushes, until a signal.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use thiserror::Error;
use tokio::sync::Notify;

use crate::bank::Bank;
use crate::behaviour::{Behaviour, BehaviourError};
use crate::cli::Serve;
use crate::fault::Faults;
use crate::identity::note_caller;
use crate::ledger::Ledger;
use crate::push::{PushError, Pusher};
use crate::service::Shared;
use crate::tls::{TlsError, server_config};
use crate::{control, service};

// Work that takes milliseconds, and pushes that failed, are looked at this often.
const PULSE: Duration = Duration::from_millis(200);
const STOP_SECONDS: u64 = 5;

/// Why a bank cannot run.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The control service has no guard but its address.
    #[error("--control {0} is not a loopback address; use 127.0.0.1 or [::1]")]
    ControlAddress(SocketAddr),
    /// The behaviour file.
    #[error(transparent)]
    Behaviour(#[from] BehaviourError),
    /// Certificates and keys.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The way to the gateway.
    #[error(transparent)]
    Push(#[from] PushError),
    /// Sockets and files.
    #[error("{0}: {1}")]
    Io(String, io::Error),
}

/// Runs the bank until SIGTERM or Ctrl-C.
///
/// # Errors
/// A setting, file or address that cannot be used; names it.
pub async fn run(options: &Serve) -> Result<(), ServeError> {
    if !options.control.ip().is_loopback() {
        return Err(ServeError::ControlAddress(options.control));
    }
    let shared = Data::new(shared(options)?);
    let (bank, listen) = bank_server(options, &shared)?;
    let (control, control_address) = control_server(options, &shared)?;
    announce(options, listen, control_address)?;
    let pulse = actix_web::rt::spawn(pulse(shared.clone()));
    let handles = [bank.handle(), control.handle()];
    let stopping = async {
        let signal = stop_signal().await;
        for handle in &handles {
            handle.stop(true).await;
        }
        signal
    };
    let (bank, control, signal) = tokio::join!(bank, control, stopping);
    pulse.abort();
    bank.and(control)
        .and(signal)
        .map_err(|error| ServeError::Io("while serving".to_owned(), error))
}

fn shared(options: &Serve) -> Result<Shared, ServeError> {
    let behaviour = options
        .behaviour
        .as_deref()
        .map_or_else(|| Ok(Behaviour::default()), Behaviour::load)?;
    let pusher = pusher(options)?;
    let mut bank = Bank::new(
        options.code.clone(),
        options.dialect,
        behaviour,
        options.seed,
        pusher.is_some(),
    );
    if let Some(path) = &options.journal {
        bank.ledger = Ledger::with_journal(path)
            .map_err(|error| ServeError::Io("--journal".to_owned(), error))?;
    }
    Ok(Shared {
        bank: Mutex::new(bank),
        faults: Mutex::new(Faults::default()),
        gateway: options.gateway_identity.clone(),
        wake: Notify::new(),
        received: options.received.clone(),
        pusher: pusher.map(tokio::sync::Mutex::new),
    })
}

fn pusher(options: &Serve) -> Result<Option<Pusher>, ServeError> {
    let (Some(url), Some(ca), Some(cert), Some(key)) = (
        &options.push_url,
        &options.push_ca,
        &options.push_cert,
        &options.push_key,
    ) else {
        return Ok(None);
    };
    Ok(Some(Pusher::new(url, ca, cert, key)?))
}

fn bank_server(options: &Serve, shared: &Data<Shared>) -> Result<(Server, SocketAddr), ServeError> {
    let config = server_config(
        &options.cert,
        &options.key,
        &options.client_ca,
        options.crl.as_deref(),
    )?;
    let (shared, dialect) = (shared.clone(), options.dialect);
    let app = move || {
        App::new()
            .app_data(shared.clone())
            .configure(|config| service::configure(config, dialect))
    };
    let server = HttpServer::new(app)
        .workers(2)
        .disable_signals()
        .shutdown_timeout(STOP_SECONDS)
        .on_connect(note_caller)
        .bind_rustls_0_23(options.listen, config)
        .map_err(|error| ServeError::Io(format!("--listen {}", options.listen), error))?;
    let address = server.addrs().first().copied().unwrap_or(options.listen);
    Ok((server.run(), address))
}

fn control_server(
    options: &Serve,
    shared: &Data<Shared>,
) -> Result<(Server, SocketAddr), ServeError> {
    let shared = shared.clone();
    let app = move || {
        App::new()
            .app_data(shared.clone())
            .app_data(web::JsonConfig::default())
            .configure(control::configure)
    };
    let server = HttpServer::new(app)
        .workers(1)
        .disable_signals()
        .shutdown_timeout(STOP_SECONDS)
        .bind(options.control)
        .map_err(|error| ServeError::Io(format!("--control {}", options.control), error))?;
    let address = server.addrs().first().copied().unwrap_or(options.control);
    Ok((server.run(), address))
}

fn announce(options: &Serve, listen: SocketAddr, control: SocketAddr) -> Result<(), ServeError> {
    println!("banksim {} listens on https://{listen}", options.code);
    println!("banksim {} control on http://{control}", options.code);
    let Some(path) = &options.ready_file else {
        return Ok(());
    };
    let text = serde_json::json!({ "code": options.code, "listen": listen, "control": control })
        .to_string();
    write_whole(path, &text)
        .map_err(|error| ServeError::Io(format!("--ready-file {}", path.display()), error))
}

/// Writes beside the file and moves it there: whoever waits for it never sees half of it.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(beside, path)
}

async fn pulse(shared: Data<Shared>) {
    loop {
        // Either way the bank looks at its work again; the elapsed wait is the ordinary case, not an error.
        let rung = tokio::time::timeout(PULSE, shared.wake.notified())
            .await
            .is_ok();
        shared.bank().execute_ready();
        if let Err(error) = shared.push_waiting().await {
            tracing::debug!(%error, rung, "a push waits");
            tokio::time::sleep(PULSE).await;
        }
    }
}

async fn stop_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
