//! The task that seals anew what other keys sealed: one bounded piece of rows or files at a time, from where the last piece ended. It walks over
//! everything until a walk finds nothing to change.

use jiff::Timestamp;

use super::RotationError;
use crate::{
    dispatch::StepError,
    gateway::Gateway,
    store::{
        Claim, CurrentKey, Next, Resealing, RowMark, SEALED, SealedAnew, SealedPlace, SealedValue,
    },
};

/// Rows in one piece: the one writer of SQLite is held for no more.
const ROWS: u32 = 1_000;
/// The last place, after all tables.
pub(super) const EVIDENCE: &str = "evidence";

/// Does a [`crate::store::TaskKind::Reseal`] task.
pub(crate) async fn reseal(gateway: &Gateway, claim: &Claim) -> Result<(), StepError> {
    let current = super::report(gateway).await.map_err(to_step)?;
    let stands = gateway.store.resealing().await?;
    let stands = stands.filter(|stands| stands.key == current.key.id);
    let stands = stands.unwrap_or_else(|| Resealing {
        key: current.key.id,
        place: first(),
        after: RowMark::default(),
        changed: 0,
        rows: 0,
        files: 0,
    });
    match SealedPlace::named(&stands.place) {
        Some(place) => rows(gateway, claim, place, stands).await,
        None => files(gateway, claim, &current, stands).await,
    }
}

async fn rows(
    gateway: &Gateway,
    claim: &Claim,
    place: &'static SealedPlace,
    mut stands: Resealing,
) -> Result<(), StepError> {
    let (store, now) = (&gateway.store, gateway.clock.now());
    let values = store.sealed_after(place, &stands.after, ROWS).await?;
    match values.last() {
        Some(last) => stands.after = last.mark.clone(),
        None => {
            stands.place = following(place);
            stands.after = RowMark::default();
        }
    }
    let values = values.into_iter();
    let anew: Vec<_> = values.filter_map(|old| anew(gateway, place, old)).collect();
    let values = Some((place, anew.as_slice()));
    Ok(store
        .reseal(claim, values, &stands, Next::Again(now))
        .await?)
}

/// What does not open stays as it is and is counted under its key, which then cannot be removed.
fn anew(gateway: &Gateway, place: &SealedPlace, value: SealedValue) -> Option<SealedAnew> {
    match gateway
        .vault
        .reseal(place.purpose, &value.blind, &value.sealed)
    {
        Ok(new) => Some(SealedAnew {
            mark: value.mark,
            old: value.sealed,
            new: new?,
        }),
        Err(error) => {
            tracing::error!(place = place.name, row = value.mark.int, %error, "a value cannot be sealed anew");
            None
        }
    }
}

async fn files(
    gateway: &Gateway,
    claim: &Claim,
    current: &CurrentKey,
    mut stands: Resealing,
) -> Result<(), StepError> {
    let (evidence, after) = (gateway.evidence.clone(), stands.after.text.clone());
    let looked = tokio::task::spawn_blocking(move || evidence.reseal_after(&after)).await??;
    stands.changed += looked.changed;
    stands.files += looked.changed;
    let now = gateway.clock.now();
    let next = match looked.last {
        Some(last) => {
            stands.after.text = last;
            Next::Again(now)
        }
        None => end_of_walk(&mut stands, current.since + gateway.keys.quiet, now),
    };
    Ok(gateway.store.reseal(claim, None, &stands, next).await?)
}

/// A walk that changed nothing is the last, unless something may still be on its way that the key before sealed.
fn end_of_walk(stands: &mut Resealing, quiet: Timestamp, now: Timestamp) -> Next {
    let clean = stands.changed == 0;
    if clean && now >= quiet {
        return Next::Done;
    }
    stands.place = first();
    stands.after = RowMark::default();
    stands.changed = 0;
    Next::Again(if clean { quiet } else { now })
}

fn first() -> String {
    SEALED
        .first()
        .map_or(EVIDENCE, |place| place.name)
        .to_owned()
}

fn following(place: &SealedPlace) -> String {
    let mut places = SEALED.iter().skip_while(|other| other.name != place.name);
    places
        .nth(1)
        .map_or(EVIDENCE, |place| place.name)
        .to_owned()
}

fn to_step(error: RotationError) -> StepError {
    match error {
        RotationError::Store(error) => error.into(),
        RotationError::Evidence(error) => error.into(),
        RotationError::Ended(error) => error.into(),
        error @ (RotationError::Vault(_) | RotationError::OtherBlindKeys) => StepError::Keys(error),
    }
}
