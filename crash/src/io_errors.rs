//! A disk that fails now and then, for the gateway's process alone: libfiu stands between it and the C library.

use std::path::Path;

use crate::Failure;

const LIBRARIES: [&str; 2] = [
    "/usr/lib/fiu/fiu_run_preload.so",
    "/usr/lib/fiu/fiu_posix_preload.so",
];
/// Three in a hundred syncs and one in a hundred writes at a place fail.
const FAULTS: &str = "enable_random name=posix/io/sync/*,probability=0.03\nenable_random name=posix/io/rw/pwrite*,probability=0.01\n";

/// The environment that does it; what `fiu-run` would set, without a shell for each life.
///
/// # Errors
/// libfiu is not installed.
pub(crate) fn environment() -> Result<Vec<(String, String)>, Failure> {
    if let Some(missing) = LIBRARIES.iter().find(|path| !Path::new(path).exists()) {
        return Err(
            format!("{missing} is missing: install fiu-utils, as scripts/crash does").into(),
        );
    }
    Ok(vec![
        ("LD_PRELOAD".into(), LIBRARIES.join(" ")),
        ("FIU_ENABLE".into(), FAULTS.into()),
    ])
}
