//! What runs out, in the log. Where the people's revocation list has run out nobody is let in to ask how the gateway is, so it says so by itself.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{clock::Clock, http::health::Dated};

/// Often enough to be met by whoever opens the log of a gateway that lets nobody in.
const EVERY: Duration = Duration::from_secs(10 * 60);

/// Names whatever runs out soon or has, at the start and then from time to time.
pub(super) async fn report(
    dated: Arc<Vec<Dated>>,
    clock: Arc<dyn Clock>,
    mut stopping: watch::Receiver<()>,
) {
    loop {
        for item in &*dated {
            let seen = item.look(clock.now());
            if !item.is_pressing(&seen) {
                continue;
            }
            let (what, ends, fault) = (seen.what, seen.at, seen.fault);
            match seen.days {
                Some(days) if days < 0 => {
                    tracing::error!(
                        what,
                        ends,
                        fault,
                        "a certificate or revocation list has run out; nobody is let in with it"
                    );
                }
                days => tracing::warn!(
                    what,
                    ends,
                    days,
                    fault,
                    "a certificate or revocation list runs out soon, or its changed file cannot be used"
                ),
            }
        }
        tokio::select! {
            biased;
            _ = stopping.changed() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
