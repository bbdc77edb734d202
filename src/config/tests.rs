//! What the configuration takes and what it says of mistakes.

use super::*;

const GOOD: &str = "
[listen]
address = '127.0.0.1:0'
certificate = 'some.pem'
key = 'some.pem'
[store]
url = 'sqlite://wagegate.db'
[evidence]
folder = 'evidence'
[keys]
file = 'some.pem'
[people]
ca = 'some.pem'
crl = 'some.pem'
[[bank]]
profile = 'some.pem'
base = 'https://localhost:1'
ca = 'some.pem'
crl = 'some.pem'
certificate = 'some.pem'
key = 'some.pem'
[[principal]]
uri = 'wagegate://user/operator'
role = 'operator'
";

fn read(text: &str) -> (tempfile::TempDir, Result<Config, ConfigError>) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("some.pem"), "").unwrap();
    fs::write(dir.path().join("wagegate.toml"), text).unwrap();
    let config = Config::read(&dir.path().join("wagegate.toml"));
    (dir, config)
}

#[test]
fn paths_are_relative_to_the_file() {
    let (dir, config) = read(GOOD);
    let config = config.unwrap();
    assert_eq!(config.listen.certificate, dir.path().join("some.pem"));
    assert_eq!(config.evidence.local(), dir.path().join("evidence"));
    assert_eq!(
        config.store.url,
        format!("sqlite://{}", dir.path().join("wagegate.db").display())
    );
    assert_eq!((config.banks.len(), config.worker.workers), (1, 4));
}

#[test]
fn a_mistake_is_named_with_file_key_and_remedy() {
    for (right, wrong, expected) in [
        ("folder =", "foldr =", "unknown field `foldr`"),
        (
            "[people]\nca = 'some.pem'",
            "[people]\nca = 'none.pem'",
            "people.ca: there is no file",
        ),
        (
            "profile = 'some.pem'",
            "profile = 'none.toml'",
            "bank[1].profile: there is no file",
        ),
        (
            "sqlite://wagegate.db",
            "mysql://x",
            "store.url: not a database that the gateway knows; write sqlite://",
        ),
        (
            "https://localhost:1",
            "http://localhost:1",
            "bank[1].base: banks are called over mutual TLS only; write https://",
        ),
        (
            "[keys]\nfile = 'some.pem'",
            "[keys]\nfile = 'none.keys'",
            "make one with `wagegate keys new FILE`",
        ),
        (
            "[[bank]]",
            "[worker]\nlease_ms = 5\n[[bank]]",
            "worker.lease_ms: a step needs time to finish; write 1000 or more",
        ),
        (
            "[[bank]]",
            "[approval]\nexpires_days = 0\n[[bank]]",
            "approval.expires_days: outside 1 to 366",
        ),
        (
            "[[bank]]",
            "[approval]\nhold_s = 90000\n[[bank]]",
            "approval.hold_s: longer than a day",
        ),
        (
            "[[bank]]",
            "[listen.limits]\nthreads = 0\n[[bank]]",
            "listen.limits.threads: 0 would refuse everybody",
        ),
        (
            "[[bank]]",
            "[[national]]\nproject = '5309'\nsecret = 'x'\n[[bank]]",
            "unknown field `secret`",
        ),
        (
            "[[bank]]",
            "[[national]]\nproject = '5309'\nsecret_file = 'none.secret'\n[[bank]]",
            "national[1].secret_file: there is no file",
        ),
        (
            "role = 'operator'",
            "role = 'king'",
            "unknown variant `king`",
        ),
    ] {
        assert!(GOOD.contains(right), "{right}");
        let error = read(&GOOD.replacen(right, wrong, 1))
            .1
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(expected) && error.contains("wagegate.toml: "),
            "{wrong}: {error}"
        );
    }
}

/// In place of `folder = 'evidence'`.
const BUCKET: &str = "[evidence.bucket]
endpoint = 'https://s3.example:9000'
bucket = 'wages'
access_key_file = 'some.pem'
secret_key_file = 'some.pem'
spool = 'spool'
";

fn with_bucket(right: &str, wrong: &str) -> (tempfile::TempDir, Result<Config, ConfigError>) {
    assert!(BUCKET.contains(right), "{right}");
    let bucket = BUCKET.replacen(right, wrong, 1);
    read(&GOOD.replace("[evidence]\nfolder = 'evidence'\n", &bucket))
}

#[test]
fn evidence_may_lie_in_a_bucket() {
    let (dir, config) = with_bucket("", "");
    let config = config.unwrap();
    let bucket = config.evidence.bucket.as_ref().unwrap();
    assert_eq!(bucket.spool, dir.path().join("spool"));
    assert_eq!(
        (bucket.region.as_str(), bucket.addressing),
        ("us-east-1", Addressing::Path)
    );
    assert_eq!(config.audit.witness, dir.path().join("audit.witness"));
}

#[test]
fn a_mistake_about_a_bucket_is_named_with_its_remedy() {
    #[rustfmt::skip]
    let table = [
        ("[evidence.bucket]", "[evidence]\nfolder = 'f'\n[evidence.bucket]", "evidence: names not exactly one place; write either"),
        ("bucket = 'wages'", "buckt = 'wages'", "unknown field `buckt`"),
        ("bucket = 'wages'", "bucket = '../x'", "evidence.bucket.bucket: no name of a bucket"),
        ("bucket = 'wages'", "bucket = 'wages'\nprefix = 'a?b'", "evidence.bucket.prefix: has characters"),
        ("bucket = 'wages'", "bucket = 'wages'\naddressing = 'dns'", "unknown variant `dns`"),
        ("https://s3.example:9000", "s3.example", "evidence.bucket.endpoint: no address of a server"),
        ("https://s3.example:9000", "https://s3.example/wages", "without a path"),
        ("https://s3.example:9000", "http://127.0.0.1:9000", "evidence.bucket.endpoint: a server is spoken to over TLS only"),
        ("'https://s3.example:9000'", "'http://s3.example:9000'\nallow_http = true", "http:// is for this machine alone"),
        ("secret_key_file = 'some.pem'", "secret_key_file = 'none'", "evidence.bucket.secret_key_file: there is no file"),
        ("spool = 'spool'\n", "", "missing field `spool`"),
    ];
    for (right, wrong, expected) in table {
        let error = with_bucket(right, wrong).1.unwrap_err().to_string();
        assert!(error.contains(expected), "{wrong}: {error}");
    }
    let here = "'http://[::1]:9000'\nallow_http = true";
    with_bucket("'https://s3.example:9000'", here).1.unwrap();
}

#[test]
fn an_access_key_that_others_may_read_or_that_is_empty_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let (dir, config) = with_bucket("", "");
    let bucket = config.unwrap().evidence.bucket.unwrap();
    let file = dir.path().join("some.pem");
    let set = |mode, text: &str| {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        bucket.at().map_err(|error| error.to_string())
    };
    for (mode, text, expected) in [
        (
            0o640,
            "word",
            "others may read it (mode 640); `chmod 600` it",
        ),
        (
            0o600,
            " \n",
            "evidence.bucket.access_key_file: is not one word",
        ),
        (0o600, "two words", "is not one word"),
    ] {
        let error = set(mode, text).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let at = set(0o600, "word\n").unwrap();
    assert_eq!(
        (at.key.id.as_str(), at.key.secret.as_str()),
        ("word", "word")
    );
}

#[test]
fn without_a_file_the_access_key_is_looked_for_in_the_environment() {
    let files = "access_key_file = 'some.pem'\nsecret_key_file = 'some.pem'\n";
    let (_dir, config) = with_bucket(files, "");
    let error = config.unwrap().evidence.bucket.unwrap().at().unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("WAGEGATE_S3_ACCESS_KEY is not set"),
        "{error}"
    );
}

#[test]
fn a_missing_file_says_how_to_name_another() {
    let error = Config::read(Path::new("/nowhere/wagegate.toml"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("/nowhere/wagegate.toml") && error.contains("--config"),
        "{error}"
    );
}

#[test]
fn a_database_password_is_not_shown() {
    let (_dir, config) = read(&GOOD.replace("sqlite://wagegate.db", "postgres://u:secret@h/d"));
    assert!(!format!("{:?}", config.unwrap()).contains("secret"));
}

#[test]
fn the_documented_example_is_taken_as_it_stands() {
    let page = include_str!("../../docs/configuration.md");
    let example = page.split("```toml").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let config: Config = toml::from_str(example).unwrap();
    assert_eq!((config.banks.len(), config.principals.len()), (1, 3));
    let bucket = page.split("```toml").nth(2).unwrap();
    let bucket = bucket.split("```").next().unwrap();
    let shared = example.replacen("[evidence]\nfolder", &format!("{bucket}#"), 1);
    let shared: Config = toml::from_str(&shared).unwrap();
    assert!(shared.evidence.folder.is_none() && shared.evidence.bucket.is_some());
    let limits = config.listen.limits;
    assert_eq!(
        format!("{limits:?}"),
        format!("{:?}", LimitsEntry::default())
    );
}

#[test]
fn more_years_are_read_and_a_broken_one_is_named_with_its_line() {
    let year = |number: u16, day: &str| {
        format!(
            "year = {number}\nnotice = 'made up'\n[[holiday]]\nname = '元旦'\nenglish = 'New Year'\nfrom = '{number}-01-01'\nto = '{day}'\n"
        )
    };
    for (first, second, expected) in [
        (year(2027, "2027-01-03"), year(2028, "2028-01-02"), None),
        (
            year(2027, "2027-01-03"),
            year(2028, "2029-01-02"),
            Some("b.toml: line 7: 2029-01-02 is not in 2028"),
        ),
        (
            year(2027, "2027-01-03"),
            year(2027, "2027-01-03"),
            Some("names a file for 2027 already"),
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let years = [("a.toml", first), ("b.toml", second)];
        let years = years.map(|(name, text)| {
            let file = dir.path().join(name);
            fs::write(&file, text).unwrap();
            file
        });
        let entry = CalendarEntry {
            years: years.into(),
        };
        match (entry.calendar(), expected) {
            (Ok(calendar), None) => {
                assert!(calendar.is_known("2028-01-01".parse().unwrap()));
                assert!(calendar.is_known("2026-01-01".parse().unwrap()));
            }
            (Err(error), Some(expected)) => {
                assert!(error.to_string().contains(expected), "{error}");
            }
            (found, expected) => panic!("{found:?} and not {expected:?}"),
        }
    }
    let (_, missing) = read(&format!("{GOOD}\n[calendar]\nyears = ['2027.toml']\n"));
    let missing = missing.unwrap_err().to_string();
    assert!(
        missing.contains("calendar.years[1]: there is no file"),
        "{missing}"
    );
}
