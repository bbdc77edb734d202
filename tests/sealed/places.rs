//! Every place where something may have been left: each gives its name and its bytes. A new place is one more line in [`all`].

use std::{fs, path::Path, process::Command};

use sqlx::{Connection as _, postgres::PgConnection};

use crate::house::{House, below};

pub(crate) type Place = (String, Vec<u8>);

/// The gateway's folder (database, evidence, keys, logs, temporary files), everything that anybody was told, and PostgreSQL's own files.
pub(crate) async fn all(house: &House) -> Vec<Place> {
    let mut places: Vec<Place> = house.files().iter().map(|file| read(file)).collect();
    places.extend(house.told.lock().unwrap().clone());
    if house.store.starts_with("postgres:") {
        places.extend(of_postgres(&house.store).await);
    }
    places
}

fn read(file: &Path) -> Place {
    (file.display().to_string(), fs::read(file).unwrap())
}

/// Everything as a dump shows it, the files of the database, and the server's log. The log of changes holds the same and is of the whole cluster.
async fn of_postgres(url: &str) -> Vec<Place> {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query("CHECKPOINT")
        .execute(&mut connection)
        .await
        .unwrap();
    let folder: String = sqlx::query_scalar("SHOW data_directory")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let database: String =
        sqlx::query_scalar("SELECT oid::text FROM pg_database WHERE datname = current_database()")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    connection.close().await.unwrap();
    let dump = Command::new("pg_dump")
        .arg(for_libpq(url))
        .output()
        .unwrap();
    assert!(dump.status.success(), "{dump:?}");
    let text = String::from_utf8_lossy(&dump.stdout).into_owned();
    assert!(
        text.contains("COPY public.binding"),
        "every table is in the dump"
    );
    let folder = Path::new(&folder);
    let mut places: Vec<Place> = below(&folder.join("base").join(database))
        .iter()
        .map(|file| read(file))
        .collect();
    // Its own account may be another than this test's: then the server's log is out of reach, and nothing of ours is in it anyway.
    places.extend(
        fs::read(folder.with_file_name("server.log")).map(|log| ("server.log".to_owned(), log)),
    );
    // What is sealed is shown as hexadecimal digits by the dump, as it is.
    places.push(("pg_dump".into(), unhexed(&text)));
    places.push(("pg_dump as printed".into(), dump.stdout));
    places
}

/// The URL without what only this program's driver understands.
fn for_libpq(url: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let known = query.split('&').filter(|term| term.starts_with("host="));
    format!("{base}?{}", known.collect::<Vec<_>>().join("&"))
}

/// A dump with its `\\x…` bytes as bytes.
fn unhexed(dump: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in dump.split("\\\\x") {
        let digits = piece.bytes().take_while(u8::is_ascii_hexdigit).count() / 2 * 2;
        bytes.extend(hex::decode(&piece[..digits]).unwrap_or_default());
        bytes.extend_from_slice(&piece.as_bytes()[digits..]);
        bytes.push(0);
    }
    bytes
}
