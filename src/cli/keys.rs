//! `wagegate keys`: the file of keys that people's data is sealed with, and, by asking a gateway, which of them is current and which may go.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    Connection, Failure, Out,
    client::Client,
    table::{Column::Left, Column::Right, Table},
    words,
};
use crate::{
    http::keys::{KeyWire, KeysWire, RemoveWire, RotateWire},
    security::seal::{Algorithm, Vault},
};

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make a new file of random keys, readable by its owner alone; never overwrites one.
    New {
        /// The file.
        file: PathBuf,
        /// With what its sealing key seals.
        #[arg(long, value_enum, default_value = "aes-256-gcm")]
        algorithm: Algorithm,
    },
    /// Add a random sealing key to the file; it seals nothing before `keys rotate`.
    Add {
        /// The file. Copy it to every gateway of the store afterwards.
        file: PathBuf,
        /// With what the new key seals.
        #[arg(long, value_enum, default_value = "aes-256-gcm")]
        algorithm: Algorithm,
    },
    /// Make a key that every gateway has the current one, and have what others sealed sealed anew.
    Rotate {
        /// Its number in the key file; the newest where not given.
        id: Option<u32>,
    },
    /// Show what is sealed with which key, and which may be removed.
    Status,
    /// Take a key that nothing needs out of the file. Asks the gateway first.
    Remove(Remove),
}

#[derive(Debug, Args)]
pub(super) struct Remove {
    /// The file.
    file: PathBuf,
    /// The key's number in it.
    id: u32,
}

pub(super) async fn run(keys: &Keys, connection: &Connection, out: Out) -> Result<(), Failure> {
    match keys {
        Keys::New { file, algorithm } => new(file, *algorithm, out),
        Keys::Add { file, algorithm } => add(file, *algorithm, out),
        Keys::Rotate { id } => {
            let wire = RotateWire { key: *id };
            let body = serde_json::to_string(&wire).map_err(Failure::here)?;
            let client = Client::new(connection)?;
            let status: KeysWire = client.post(&["keys", "rotate"], &[], body).await?;
            out.show(&status, shown)
        }
        Keys::Status => {
            let status: KeysWire = Client::new(connection)?.get(&["keys"], &[]).await?;
            out.show(&status, shown)
        }
        Keys::Remove(what) => remove(&Client::new(connection)?, what, out).await,
    }
}

/// A sealing key that was just made.
#[derive(Serialize)]
struct Made {
    key: u32,
    algorithm: &'static str,
    file: PathBuf,
}

fn new(file: &Path, algorithm: Algorithm, out: Out) -> Result<(), Failure> {
    Vault::create_with(file, algorithm).map_err(Failure::here)?;
    let key = Vault::open(file).map_err(Failure::here)?.current_key().id;
    out.show(&made(key, algorithm, file), |made| {
        format!(
            "{} made. Without it nothing that was sealed can be read again: keep a copy apart from the database's backup.",
            made.file.display()
        )
    })
}

fn add(file: &Path, algorithm: Algorithm, out: Out) -> Result<(), Failure> {
    let id = Vault::add_key(file, algorithm).map_err(Failure::here)?;
    out.show(&made(id, algorithm, file), |made| {
        format!(
            "已添加密钥 {id} added to {}. Copy the file to every gateway and to its backup, then run `wagegate keys rotate {id}`.",
            made.file.display()
        )
    })
}

fn made(key: u32, algorithm: Algorithm, file: &Path) -> Made {
    Made {
        key,
        algorithm: algorithm.code(),
        file: file.to_owned(),
    }
}

/// The gateway says that nothing needs the key and writes it down; only then is it gone.
async fn remove(client: &Client, what: &Remove, out: Out) -> Result<(), Failure> {
    // A slip of the pen shows before anything is written down.
    let known = Vault::open(&what.file).map_err(Failure::here)?.known_keys();
    if !known.iter().any(|key| key.id == what.id) {
        return Err(Failure::Here(format!(
            "{} has no sealing key {}",
            what.file.display(),
            what.id
        )));
    }
    let id = what.id.to_string();
    let removed: RemoveWire = client.post(&["keys", &id, "remove"], &[], "").await?;
    Vault::remove_key(&what.file, what.id, removed.current).map_err(Failure::here)?;
    out.show(&removed, |removed| {
        format!(
            "已移除密钥 {} removed from {}. Copy the file to every gateway; keep the backup of the file with this key as long as any backup \
             of the database or the evidence from before.",
            removed.key,
            what.file.display()
        )
    })
}

fn shown(status: &KeysWire) -> String {
    let columns = [
        Right("密钥 key"),
        Left("状态 state"),
        Right("记录 rows"),
        Right("文件 files"),
        Left("网关 gateways"),
        Left("可移除 removable"),
    ];
    let running = status.gateways.iter().filter(|one| one.running).count();
    let keys = Table::of(columns, &status.keys, |key| {
        let state = if key.id == status.current {
            "现用 current"
        } else {
            "—"
        };
        [
            key.id.to_string(),
            state.into(),
            key.rows.values().sum::<u64>().to_string(),
            key.files.to_string(),
            format!("{} / {running}", key.known_by.len()),
            if key.removable { "可 yes" } else { "否 no" }.into(),
        ]
    });
    let mut text = format!(
        "现用密钥 current key  {} 自 since {}\n",
        status.current,
        words::moment(&status.since)
    );
    if let Some(stands) = &status.resealing {
        text += &format!(
            "重新加密 sealed anew  {} rows, {} files; {} left\n",
            stands.rows, stands.files, stands.left
        );
    }
    text += &format!("\n{keys}");
    for key in &status.keys {
        text += &reasons(key, status);
    }
    if status.unknown > 0 {
        text += &format!(
            "\n未知格式 unknown form: {} values and files",
            status.unknown
        );
    }
    if let Some(fault) = &status.fault {
        text += &format!("\n密钥文件不可用 the key file cannot be used as it is now: {fault}");
    }
    text
}

/// Where a key is still needed, and where it is missing.
fn reasons(key: &KeyWire, status: &KeysWire) -> String {
    let mut text = String::new();
    if key.id != status.current {
        for (place, count) in &key.rows {
            text += &format!("\n密钥 key {}: {count} {place}", key.id);
        }
        if let Some(why) = &key.needed {
            text += &format!("\n密钥 key {}: {why}", key.id);
        }
    }
    for one in status.gateways.iter().filter(|one| one.running) {
        if !one.known.contains(&key.id) {
            text += &format!("\n密钥 key {} 缺于 is missing at {}", key.id, one.gateway);
        }
    }
    text
}
