//! `wagegate serve` and `wagegate config check`: the running gateway, from its configuration to its last step.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process,
    sync::Arc,
    time::Duration,
};

use actix_web::{dev::ServerHandle, web};
use clap::{Args, Subcommand};
use jiff::SignedDuration;
use serde::Serialize;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{oneshot, watch},
    task::{JoinHandle, JoinSet},
};

use super::{Failure, Out, assemble::Parts, ends, operate, print};
use crate::{
    audit::Witness,
    config::{Config, NationalEntry},
    dispatch::{Mark, Progress, Worker, restored},
    evidence::Evidence,
    gateway::Gateway,
    http::{ask::Api, doors, health::RunsOut, identity::Gate, serve::serve},
    rotation::{self, Duty, RotationError},
    security::{principal::Directory, seal::Vault, webhook::fresh_code},
    store::{Store, StoreError, TaskKind, postgres::PostgresStore, sqlite::SqliteStore},
    telemetry::LogFormat,
    transport::tls::server_config,
};

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The configuration file.
    #[arg(long, default_value = "wagegate.toml")]
    config: PathBuf,
    /// A file that appears, with the address as JSON, once requests are taken.
    #[arg(long)]
    ready_file: Option<PathBuf>,
    /// Form of the log lines on standard error.
    #[arg(long, value_enum, default_value = "text", env = "WAGEGATE_LOG")]
    pub(super) log: LogFormat,
}

#[derive(Debug, Subcommand)]
pub(super) enum Check {
    /// Read the configuration and every file that it names; connect to nothing.
    Check {
        /// The configuration file.
        #[arg(long, default_value = "wagegate.toml")]
        config: PathBuf,
    },
}

/// What a check found.
#[derive(Serialize)]
struct Checked {
    banks: Vec<String>,
    principals: usize,
    runs_out: Vec<RunsOut>,
}

pub(super) fn check(Check::Check { config: file }: &Check, out: Out) -> Result<(), Failure> {
    let config = Config::read(file).map_err(Failure::here)?;
    let parts = Parts::open(&config)?;
    Vault::open(&config.keys.file).map_err(Failure::here)?;
    NationalEntry::secrets(&config.national).map_err(Failure::here)?;
    if let Some(bucket) = &config.evidence.bucket {
        bucket.at().map_err(Failure::here)?;
    }
    let now = parts.clock.now();
    let checked = Checked {
        banks: parts.banks.codes().map(str::to_owned).collect(),
        principals: config.principals.len(),
        runs_out: parts.dated.iter().map(|dated| dated.look(now)).collect(),
    };
    out.show(&checked, |checked| {
        format!(
            "配置可用 {} can be used: banks {}, {} principals\n\n{}",
            file.display(),
            checked.banks.join(", "),
            checked.principals,
            operate::ends(&checked.runs_out)
        )
    })
}

pub(super) async fn run(options: &Options) -> Result<(), Failure> {
    let config = Config::read(&options.config).map_err(Failure::here)?;
    let parts = Parts::open(&config)?;
    let gateway = Arc::new(open(&config, &parts).await?);
    let ended = take_requests(options, &config, parts, &gateway).await;
    // Not before, and however it ended: until here it may have sealed.
    forget(&gateway).await;
    ended
}

/// Takes requests and does the work until it is told to stop, or cannot go on.
async fn take_requests(
    options: &Options,
    config: &Config,
    parts: Parts,
    gateway: &Arc<Gateway>,
) -> Result<(), Failure> {
    introduce(&parts.directory, gateway).await?;
    restored::check(gateway).await.map_err(Failure::here)?;
    let listener = TcpListener::bind(config.listen.address).map_err(|error| {
        Failure::Here(format!("listen.address {}: {error}", config.listen.address))
    })?;
    let address = listener.local_addr().map_err(Failure::here)?;
    let dated = Arc::clone(&parts.dated);
    let (http, server) = listen(listener, config, parts, gateway)?;
    let (stop, stopping) = watch::channel(());
    let mut workers = work(gateway, config, &stopping);
    let (unable, cannot) = oneshot::channel();
    workers.spawn(report_keys(Arc::clone(gateway), stopping.clone(), unable));
    let clock = Arc::clone(&gateway.clock);
    workers.spawn(ends::report(dated, clock, stopping.clone()));
    let witnessing = tokio::spawn(witness(Arc::clone(gateway), config.audit.every(), stopping));
    announce(address, options.ready_file.as_deref())
        .map_err(|error| Failure::Here(format!("--ready-file: {error}")))?;
    tracing::info!(%address, engine = gateway.store.engine(), workers = config.worker.workers, "the gateway takes requests");
    let ended = until_told(server, cannot).await;
    drop(stop);
    finish(workers, &http).await;
    // The last word, when no act can come any more.
    drop(witnessing.await);
    note(gateway).await;
    ended
}

/// The store with its schema brought up to date, the evidence, the keys.
async fn open(config: &Config, parts: &Parts) -> Result<Gateway, Failure> {
    let vault = Arc::new(Vault::open(&config.keys.file).map_err(Failure::here)?);
    let evidence = open_evidence(config, &vault).await?;
    let witness =
        Witness::open(&config.audit.witness, Arc::clone(&vault)).map_err(Failure::here)?;
    let mark = Mark::open(&config.audit.witness).map_err(Failure::here)?;
    let national = NationalEntry::secrets(&config.national).map_err(Failure::here)?;
    let store = open_store(&config.store.url).await.map_err(Failure::here)?;
    let now = parts.clock.now();
    for code in parts.banks.codes() {
        let bank = parts.banks.find(code).map_err(Failure::here)?;
        let calls_max = bank.adapter.profile().calls_max.get();
        store
            .set_calls_max(code, calls_max)
            .await
            .map_err(Failure::here)?;
        if bank.adapter.profile().paths.collect.is_some() {
            store
                .ensure_task(TaskKind::Collect, code, now)
                .await
                .map_err(Failure::here)?;
        }
    }
    let gateway = Gateway {
        store,
        evidence,
        vault,
        keys: Duty::new(
            name(),
            SignedDuration::from_secs(config.keys.quiet_s.into()),
        ),
        witness,
        mark,
        courier: config.webhooks.courier(),
        banks: Arc::clone(&parts.banks),
        national: Arc::new(national),
        approval: config.approval,
        vitals: Default::default(),
        clock: Arc::clone(&parts.clock),
        work: Default::default(),
    };
    // Before anything is sealed: with the key that is current in the database, or not at all.
    if let Err(error) = rotation::report(&gateway).await {
        forget(&gateway).await;
        return Err(Failure::Here(format!(
            "keys.file {}: {error}",
            config.keys.file.display()
        )));
    }
    Ok(gateway)
}

/// A bucket that cannot be reached now holds nobody up: what needs it waits, and health says so.
async fn open_evidence(config: &Config, vault: &Arc<Vault>) -> Result<Evidence, Failure> {
    let evidence = config
        .evidence
        .open(Arc::clone(vault))
        .map_err(Failure::here)?;
    let asked = evidence.clone();
    let reached = tokio::task::spawn_blocking(move || asked.reach()).await;
    if let Err(error) = reached.map_err(Failure::here)? {
        tracing::error!(%error, "the evidence cannot be reached; the gateway starts and tries again");
    }
    Ok(evidence)
}

/// Names this gateway among those of one store. Containers have one host's name and one process id: the number after them is drawn at each start.
fn name() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = match host.trim() {
        "" => "gateway",
        host => host,
    };
    let drawn = hex::encode(fresh_code());
    format!(
        "{host}:{}:{}",
        process::id(),
        drawn.get(..8).unwrap_or(&drawn)
    )
}

/// Says every few seconds which sealing keys this gateway has, and takes the current one into use. Ends with why it cannot, where that will not mend.
async fn report_keys(
    gateway: Arc<Gateway>,
    mut stopping: watch::Receiver<()>,
    unable: oneshot::Sender<RotationError>,
) {
    loop {
        tokio::select! {
            biased;
            _ = stopping.changed() => return,
            () = tokio::time::sleep(rotation::EVERY) => {}
        }
        match rotation::report(&gateway).await {
            Ok(_) => {}
            Err(error) if error.is_final() => {
                tracing::error!(%error, "the current sealing key cannot be used here: the gateway stops");
                // Nobody hears it where the gateway is stopping anyway.
                drop(unable.send(error));
                return;
            }
            Err(error) => {
                tracing::error!(%error, "it could not be asked which sealing key is current");
            }
        }
    }
}

/// One that stops is not waited for when keys change. One that died is: for a minute before another key is current, for a day before the key it
/// sealed with may go.
async fn forget(gateway: &Gateway) {
    if let Err(error) = gateway.store.forget_gateway(&gateway.keys.name).await {
        tracing::warn!(%error, "the others do not know that this gateway stops");
    }
}

/// Whom the configuration names and the store does not know is admitted; whoever is known stays as the store has them.
async fn introduce(directory: &Directory, gateway: &Gateway) -> Result<(), Failure> {
    let named = directory.principals();
    let new = gateway
        .store
        .admit_unknown(&named, "configuration", gateway.clock.now())
        .await
        .map_err(Failure::here)?;
    if !new.is_empty() {
        tracing::info!(
            count = new.len(),
            "principals of the configuration were admitted"
        );
    }
    Ok(())
}

async fn open_store(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    if url.starts_with("sqlite:") {
        Ok(Arc::new(SqliteStore::open(url).await?))
    } else {
        Ok(Arc::new(PostgresStore::open(url).await?))
    }
}

/// Opens the doors. The server runs until its handle stops it.
fn listen(
    listener: TcpListener,
    config: &Config,
    parts: Parts,
    gateway: &Arc<Gateway>,
) -> Result<(ServerHandle, JoinHandle<io::Result<()>>), Failure> {
    let tls =
        server_config(parts.own, parts.trust, Arc::clone(&parts.clock)).map_err(Failure::here)?;
    let gate = Gate::new(
        parts.revocations,
        Arc::clone(&gateway.store),
        Arc::clone(&parts.clock),
    );
    let api = Arc::new(Api {
        gateway: Arc::clone(gateway),
        dated: parts.dated,
        sheet_bytes_max: config.listen.limits.sheet_bytes_max,
        answers_kept_days: config.listen.limits.answers_kept_days,
    });
    let routes = move |routes: &mut web::ServiceConfig| {
        routes.app_data(web::ThinData(Arc::clone(&api)));
        doors::open(routes);
    };
    let server = serve(
        listener,
        tls,
        Arc::new(gate),
        config.listen.limits.limits(),
        routes,
    )
    .map_err(Failure::here)?;
    Ok((server.handle(), tokio::spawn(server)))
}

fn work(gateway: &Arc<Gateway>, config: &Config, stopping: &watch::Receiver<()>) -> JoinSet<()> {
    let lease = Duration::from_millis(config.worker.lease_ms.unsigned_abs());
    let mut workers = JoinSet::new();
    let banks = (0..config.worker.workers).map(|_| (Worker::new(Arc::clone(gateway), lease), true));
    let post =
        (0..config.webhooks.couriers).map(|_| (Worker::courier(Arc::clone(gateway), lease), false));
    for (worker, woken) in banks.chain(post) {
        workers.spawn(steps(
            worker,
            Arc::clone(gateway),
            config.worker.tick(),
            stopping.clone(),
            woken,
        ));
    }
    workers
}

/// One step after another; sleeps only between steps, and where it is `woken`, new work ends its sleep. A step that has begun is ended before the loop stops.
async fn steps(
    worker: Worker,
    gateway: Arc<Gateway>,
    tick: Duration,
    mut stopping: watch::Receiver<()>,
    woken: bool,
) {
    loop {
        let step = worker.clone();
        // A task of its own: a step that panics is a failed step, taken again when its lease runs out, and not the end of this loop.
        let nap = match tokio::spawn(async move { step.step().await }).await {
            Err(panic) => {
                tracing::error!(%panic, "a step came to a sudden end; this is a fault in the program");
                tick
            }
            Ok(Ok(Progress::Did(_))) => Duration::ZERO,
            Ok(Ok(Progress::Idle(due))) => due.map_or(tick, |due| {
                Duration::try_from(due.duration_since(gateway.clock.now()))
                    .unwrap_or_default()
                    .min(tick)
            }),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a step could not be finished");
                tick
            }
        };
        tokio::select! {
            biased;
            _ = stopping.changed() => return,
            () = tokio::time::sleep(nap) => {}
            () = gateway.work.notified(), if woken && !nap.is_zero() => {}
        }
    }
}

/// Witnesses the audit log's head from time to time.
async fn witness(gateway: Arc<Gateway>, every: Duration, mut stopping: watch::Receiver<()>) {
    loop {
        note(&gateway).await;
        tokio::select! {
            biased;
            _ = stopping.changed() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

async fn note(gateway: &Gateway) {
    let noted = gateway
        .witness
        .note(&*gateway.store, gateway.clock.now())
        .await;
    if let Err(error) = noted {
        tracing::error!(%error, "the audit log's head could not be witnessed");
    }
}

/// Prints where requests are taken, and writes it to the ready file in one move.
fn announce(address: SocketAddr, ready_file: Option<&Path>) -> io::Result<()> {
    let line = format!("{{\"address\":\"{address}\"}}\n");
    if let Some(file) = ready_file {
        let part = file.with_extension("part");
        fs::write(&part, &line)?;
        fs::rename(part, file)?;
    }
    print(line.trim_end()).map_err(io::Error::other)
}

/// Waits for SIGTERM or Ctrl-C, for a server that ends by itself, which it should not, or for keys that this gateway cannot go on with.
async fn until_told(
    server: JoinHandle<io::Result<()>>,
    cannot: oneshot::Receiver<RotationError>,
) -> Result<(), Failure> {
    let mut term = signal(SignalKind::terminate()).map_err(Failure::here)?;
    tokio::select! {
        _ = term.recv() => Ok(()),
        told = tokio::signal::ctrl_c() => told.map_err(Failure::here),
        ended = server => Err(Failure::Here(format!("the listener ended by itself: {ended:?}"))),
        Ok(error) = cannot => Err(Failure::Here(format!(
            "stopped, because this gateway could not seal as the others of its database do: {error}"
        ))),
    }
}

/// Lets workers end their steps, then requests end theirs: the listener's threads drive the database connections that workers may hold.
async fn finish(mut workers: JoinSet<()>, http: &ServerHandle) {
    tracing::info!("stopping: steps that have begun are ended first");
    while let Some(ended) = workers.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a worker broke off; what it held is taken again when its lease runs out");
        }
    }
    http.stop(true).await;
    tracing::info!("stopped");
}
