//! Values and signatures as other implementations make them: `openssl enc -aes-256-cbc` and Python's hashlib.

use std::fs;

use super::*;

const SECRET: &str = "0123456789abcdefGHIJKLMNopqrst+/";

fn secret() -> NationalSecret {
    NationalSecret::parse(SECRET).unwrap()
}

#[test]
fn values_open_and_seal_as_openssl_has_them() {
    for (clear, sealed) in [
        (
            "11010519491231002X",
            "N4xvk49R4cRSzm9zUAFofEUrjk+f+8PtctvdE86O8BQ=",
        ),
        (
            "6225881414207430",
            "0VuIFBUaj7Nmk43PpuvrNXgBMFG2mSjYSbV2uqeCCK0=",
        ),
        ("李明", "a5IGALLi2Uh9x1OGYp0sGA=="),
    ] {
        assert_eq!(*secret().open(sealed).unwrap(), clear);
        assert_eq!(secret().seal(clear), sealed);
    }
}

#[test]
fn what_is_not_sealed_with_this_secret_does_not_open() {
    let other = NationalSecret::parse(&SECRET.replace('0', "9")).unwrap();
    let sealed = other.seal("6225881414207430");
    assert_eq!(secret().open(&sealed).unwrap_err(), NationalError::Sealed);
    for (text, expected) in [
        ("", NationalError::Sealed),
        ("6225881414207430", NationalError::Sealed),
        ("Not Base64!", NationalError::Form),
        (&"A".repeat(SEALED_MAX + 4), NationalError::Form),
    ] {
        assert_eq!(secret().open(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn a_request_is_signed_as_hashlib_signs_it() {
    let nonce = format!("{}A", "0".repeat(31));
    let fields = BTreeMap::from([
        ("appid", "530902202610001"),
        ("data", r#"{"projectCode":"530902202610001"}"#),
        ("format", "json"),
        ("method", "ProjectWorker.Add"),
        ("nonce", &nonce),
        ("timestamp", "20261103080000"),
        ("version", "1.0"),
    ]);
    assert_eq!(
        secret().signature(&fields),
        "ef9e83fb98d739bdba5f660326757d496ed25308175a49b442cb3c94351cc4af"
    );
}

#[test]
fn secrets_are_read_from_files_that_are_their_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str, mode| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let good = write("good", &format!("{SECRET}\n"), 0o600);
    let exposed = write("exposed", SECRET, 0o640);
    let short = write("short", &SECRET[1..], 0o600);
    let missing = dir.path().join("missing");
    let open = |files: &[(&str, &PathBuf)]| {
        NationalSecrets::open(files.iter().map(|(code, path)| (*code, path.as_path())))
    };
    let secrets = open(&[("5309", &good)]).unwrap();
    assert!(secrets.of("5309").is_some() && secrets.of("5301").is_none());
    assert!(!format!("{secrets:?}").contains("0123"));
    for (path, expected) in [
        (&exposed, "others may read it (mode 640)"),
        (&short, "a secret has 32 characters"),
        (&missing, "missing: No such file"),
    ] {
        let error = open(&[("5309", path)]).unwrap_err().to_string();
        assert!(
            error.contains(expected) && !error.contains("1234"),
            "{error}"
        );
    }
    let twice = open(&[("5309", &good), ("5309", &good)]).unwrap_err();
    assert!(matches!(twice, NationalSecretsError::Twice(project) if project == "5309"));
}
