//! When an instruction may be sent and for which day: the bank's hours on the calendar, by the clock in China.

use jiff::{Timestamp, civil::Date, civil::DateTime};
use wagegate_domain::period::CHINA;

use super::StepError;
use crate::{
    banks::Bank,
    gateway::Gateway,
    store::{Claim, InstructionView, Next},
};

/// The bank's business date of what it takes at `at`.
pub(super) fn value_date(gateway: &Gateway, bank: &Bank, at: Timestamp) -> Date {
    let profile = bank.adapter.profile();
    profile.value_date(gateway.banks.calendar(), CHINA.to_datetime(at))
}

/// When the bank takes instructions again, where it takes none at `at`.
pub(super) fn opening(gateway: &Gateway, bank: &Bank, at: Timestamp) -> Option<Timestamp> {
    let profile = bank.adapter.profile();
    let opening = profile.opening(gateway.banks.calendar(), CHINA.to_datetime(at));
    opening.map(moment)
}

/// The moment that the clock in China shows so; what lies beyond the calendar's end stops there.
pub(crate) fn moment(shown: DateTime) -> Timestamp {
    CHINA.to_timestamp(shown).unwrap_or(Timestamp::MAX)
}

/// The instruction as it may be sent now; `None` where its bank takes none at this moment, and its task was given back until it opens.
///
/// An instruction whose day of payment has passed before any bytes of it were fixed gets the bank's present business date, because a bank may
/// refuse a day that is over. Bytes that were fixed go as they are (docs/adr/0019-bank-calendar.md).
pub(super) async fn timely(
    gateway: &Gateway,
    claim: &Claim,
    view: &InstructionView,
    bank: &Bank,
) -> Result<Option<InstructionView>, StepError> {
    let now = gateway.clock.now();
    if let Some(opening) = opening(gateway, bank, now) {
        tracing::info!(instruction = view.id, bank = %view.bank, %opening, "the bank takes no instructions now; it is waited for");
        let again = Next::Again(opening);
        gateway.store.finish(claim, again).await?;
        return Ok(None);
    }
    let mut view = view.clone();
    if view.bytes.is_none() && view.value_date < CHINA.to_datetime(now).date() {
        view.value_date = value_date(gateway, bank, now);
        gateway
            .store
            .redate(claim, view.id, view.value_date)
            .await?;
        tracing::info!(instruction = view.id, bank = %view.bank, day = %view.value_date, "its day of payment had passed before it could be sent");
    }
    Ok(Some(view))
}
