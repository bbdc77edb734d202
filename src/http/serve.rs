//! Puts the routes behind mutual TLS, the identity check and the limits. It has no routes of its own.

use std::{io, net::TcpListener, sync::Arc, time::Duration};

use actix_web::{App, HttpServer, dev::Server, middleware::from_fn, web};
use rustls::ServerConfig;

use super::{
    frame::frame,
    identity::{Gate, admit, remember_peer},
};

/// What one listener takes on at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Worker threads.
    pub workers: usize,
    /// Open connections for each worker.
    pub connections: usize,
    /// TLS handshakes in progress for each worker.
    pub handshakes: usize,
    /// How long a handshake may take.
    pub handshake: Duration,
    /// How long the head of a request may take to arrive.
    pub request_head: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// How long running requests may finish after a stop.
    pub shutdown: Duration,
    /// Largest body that a handler can take whole, bytes; handlers that stream set their own bound.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            workers: 2,
            connections: 1_000,
            handshakes: 64,
            handshake: Duration::from_secs(3),
            request_head: Duration::from_secs(5),
            keep_alive: Duration::from_secs(30),
            shutdown: Duration::from_secs(10),
            body: 1024 * 1024,
        }
    }
}

/// Serves `routes` on `listener` until the returned server's handle stops it; it takes no signals, those are the program's.
///
/// # Errors
/// The listener could not be taken over.
pub fn serve(
    listener: TcpListener,
    tls: ServerConfig,
    gate: Arc<Gate>,
    limits: Limits,
    routes: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> io::Result<Server> {
    let app = move || {
        App::new()
            .app_data(web::ThinData(Arc::clone(&gate)))
            .app_data(web::PayloadConfig::new(limits.body))
            .wrap(from_fn(admit))
            .wrap(from_fn(frame))
            .configure(routes.clone())
    };
    let server = HttpServer::new(app)
        // Before the listener: set later it would silently note nobody, and everybody would be refused.
        .on_connect(remember_peer)
        .workers(limits.workers)
        .max_connections(limits.connections)
        .max_connection_rate(limits.handshakes)
        .tls_handshake_timeout(limits.handshake)
        .client_request_timeout(limits.request_head)
        .keep_alive(limits.keep_alive)
        .shutdown_timeout(limits.shutdown.as_secs())
        .disable_signals()
        .listen_rustls_0_23(listener, tls)?;
    Ok(server.run())
}
