//! Asks a bank what became of an instruction, until every payment in it has a final word or the bank answers no more.
//!
//! "We have no record of it" is proof only after all that left must have turned up, and only at a bank that says when that is
//! ([`wagegate_domain::profile::Arrival`]). Until then, and everywhere else, it is a remark.

use backon::{BackoffBuilder as _, FibonacciBuilder};
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date};
use wagegate_domain::{
    adapter::{Answer, Operation},
    attempt::{Event, State},
    fact::BankCode,
    plan::bank_key,
    profile::{BankProfile, Polling},
    reason::Reason,
    sabotage::{self, Switch},
};

use super::{
    StepError,
    build::bytes,
    plan::hold,
    send::{SEND_WITHIN, happening, read_task},
    subject_id,
    talk::{Heard, record_reply, talk},
    wages::released_part,
};
use crate::{
    banks::Bank,
    clock::china_date,
    gateway::Gateway,
    killpoints::{answered, killpoint},
    store::{Claim, Happening, InstructionView, Next, ReadTask},
};

/// Between two queries at most.
const RAREST: SignedDuration = SignedDuration::from_hours(1);
/// How long before a restore the lost database may have sent something.
const LOST: SignedDuration = SignedDuration::from_hours(24 * 60);
/// Where a bank loses the same bytes so often, people look before they go once more.
const SENDS_MAX: u32 = 3;
/// So many later generations of an instruction a lost database may have sent: each takes two people and longer than anything is on its way.
const LATER_MAX: u32 = 3;

pub(super) async fn query(gateway: &Gateway, claim: &Claim) -> Result<(), StepError> {
    let view = gateway.store.instruction(subject_id(claim)?).await?;
    let must_ask = view.ask_first_since.is_some();
    let settled = match view.state {
        State::InDoubt => false,
        State::Accepted => view.open == 0 && !must_ask,
        State::Planned => !must_ask,
        State::Sending | State::Refused => true,
    };
    let bank = gateway.banks.find(&view.bank)?;
    if settled || answers_no_more(gateway, bank, &view) {
        return Ok(gateway.store.finish(claim, Next::Done).await?);
    }
    let (from, to) = days_to_look(sent_between(&view), gateway.clock.now());
    gateway.store.record_query(claim, view.id).await?;
    let ask = Operation::Query {
        bank_key: view.bank_key.clone(),
        from,
        to,
    };
    let heard = talk(gateway, bank, ask, None).await?;
    let next = Next::Again(next_query(
        bank.adapter.profile(),
        &view,
        gateway.clock.now(),
    ));
    let origin = (view.bank.as_str(), "query");
    match heard {
        Heard::Answer { answer, reply } => {
            let answer = document_if_refused_late(answer, view.state);
            let raw = record_reply(
                gateway,
                origin,
                Some(view.id),
                reply.as_ref(),
                read_task(&answer),
            );
            let raw = raw.await?.map(|(raw, _)| raw);
            match view.state {
                State::Planned => asked_first(gateway, claim, (&view, bank), answer, next).await,
                State::Sending | State::InDoubt | State::Accepted | State::Refused => {
                    let told = told(gateway, answer, raw);
                    conclude(gateway, claim, (&view, bank), told, next).await
                }
            }
        }
        Heard::BrokenOff { reply, why } => {
            record_reply(
                gateway,
                origin,
                Some(view.id),
                reply.as_ref(),
                ReadTask::NotWanted,
            )
            .await?;
            unanswered(gateway, claim, &view, &why, next).await
        }
        Heard::Silence { why, .. } => unanswered(gateway, claim, &view, &why, next).await,
        // A bank that cannot be asked reports by itself, or two people find out.
        Heard::Unable => Ok(gateway.store.finish(claim, Next::Done).await?),
    }
}

/// Whether the bank has answered for it as often or as long as it does. What is still open then is on the desk of two people.
fn answers_no_more(gateway: &Gateway, bank: &Bank, view: &InstructionView) -> bool {
    let no_more = is_exhausted(bank.adapter.profile().polling, view, gateway.clock.now());
    if no_more {
        tracing::warn!(instruction = view.id, bank = %view.bank, queries = view.queries, state = view.state.code(), "the bank answers for this instruction no more; people must find out");
    }
    no_more
}

/// The same, without a word about it.
pub(super) fn is_exhausted(polling: Polling, view: &InstructionView, now: Timestamp) -> bool {
    let often = polling.queries_max.is_some_and(|most| view.queries >= most);
    let age = now.duration_since(view.intent_at.unwrap_or(view.planned_at));
    let long = |days: u16| age > SignedDuration::from_hours(24 * i64::from(days));
    often || polling.for_days.is_some_and(long)
}

/// What an answer makes of an instruction that is in doubt or accepted.
async fn conclude(
    gateway: &Gateway,
    claim: &Claim,
    (view, bank): (&InstructionView, &Bank),
    told: Happening,
    next: Next,
) -> Result<(), StepError> {
    let never = told.event == Event::NotKnown
        && view.state == State::InDoubt
        && goes_again(gateway, bank.adapter.profile(), view)
        && may_go(gateway, claim, (view, bank)).await?;
    let (told, next) = if never {
        tracing::warn!(instruction = view.id, bank = %view.bank, "the bank never got it, and pays nothing twice: the same bytes go again");
        let again = Happening {
            event: Event::NeverArrived,
            send_at: Some(told.at),
            ..told
        };
        (again, Next::Done)
    } else {
        (told, next)
    };
    killpoint("before_event");
    let state = gateway
        .store
        .record_event(claim, view.id, &told, next)
        .await?;
    answered(|| format!("event {} {}", view.id, state.code()));
    killpoint("after_event");
    if view.state == State::InDoubt && state != State::InDoubt {
        tracing::info!(instruction = view.id, bank = %view.bank, state = state.code(), "the bank was asked and has cleared the doubt");
    }
    tracing::debug!(instruction = view.id, state = state.code(), event = ?told.event, "a bank was asked");
    Ok(())
}

/// What an answer makes of an instruction that a database which was lost may have sent.
async fn asked_first(
    gateway: &Gateway,
    claim: &Claim,
    (view, bank): (&InstructionView, &Bank),
    answer: Answer,
    next: Next,
) -> Result<(), StepError> {
    let now = gateway.clock.now();
    match answer {
        Answer::Accepted
        | Answer::InProgress
        | Answer::Duplicate
        | Answer::Document { .. }
        | Answer::Refused { .. } => {
            tracing::warn!(instruction = view.id, bank = %view.bank, "the bank has an instruction that this database never sent");
            let released = match released_part(gateway, view).await? {
                Ok(released) => released,
                Err(difference) => return hold(gateway, claim, &view.batch, &difference).await,
            };
            let made = bytes(gateway, &bank.adapter, view, released).await;
            let made = made.map_err(|source| StepError::Build {
                instruction: view.id,
                source,
            })?;
            let content = (made.hash, made.size);
            Ok(gateway
                .store
                .record_found(claim, view.id, content, now, Next::Again(now))
                .await?)
        }
        Answer::NotKnown
            if view.vouched_at.is_some()
                || is_final(bank.adapter.profile(), view.ask_first_since, now) =>
        {
            if !may_go(gateway, claim, (view, bank)).await? {
                return Ok(gateway.store.finish(claim, next).await?);
            }
            tracing::info!(instruction = view.id, bank = %view.bank, "the bank never had it: it may be sent");
            Ok(gateway.store.clear_to_send(claim, view.id, now).await?)
        }
        Answer::NotKnown | Answer::Nothing | Answer::Unclear { .. } => {
            Ok(gateway.store.finish(claim, next).await?)
        }
    }
}

/// Whether what the bank never had may be sent. Two people may have found that before, in a database that was lost since, and a later generation of it may
/// have been sent: so after a restore the bank is asked about those too. Where the bank has one, this one is held.
async fn may_go(
    gateway: &Gateway,
    claim: &Claim,
    (view, bank): (&InstructionView, &Bank),
) -> Result<bool, StepError> {
    if view.ask_first_since.is_none() {
        return Ok(true);
    }
    let batch = gateway.store.batch(&view.batch).await?;
    let rule = bank.adapter.profile().key;
    // The next one may never have arrived either, and the one after it may have.
    for later in 1..=LATER_MAX {
        let key = bank_key(&batch.content, view.part, view.generation + later, rule);
        if !is_unknown(gateway, claim, (view, bank), key).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the bank has no record of a later instruction for the same wages. Where it has one, this one is held.
async fn is_unknown(
    gateway: &Gateway,
    claim: &Claim,
    (view, bank): (&InstructionView, &Bank),
    key: String,
) -> Result<bool, StepError> {
    let (from, to) = days_to_look(sent_between(view), gateway.clock.now());
    let ask = Operation::Query {
        bank_key: key,
        from,
        to,
    };
    let heard = talk(gateway, bank, ask, None).await?;
    let Heard::Answer { answer, reply } = heard else {
        return Ok(false);
    };
    let origin = (view.bank.as_str(), "query");
    record_reply(gateway, origin, None, reply.as_ref(), read_task(&answer)).await?;
    match answer {
        Answer::NotKnown => Ok(true),
        Answer::Nothing | Answer::Unclear { .. } => Ok(false),
        Answer::Accepted
        | Answer::InProgress
        | Answer::Duplicate
        | Answer::Document { .. }
        | Answer::Refused { .. } => {
            tracing::error!(instruction = view.id, bank = %view.bank, "the bank has a later instruction for the same wages, which a lost database sent; this one is held");
            let now = gateway.clock.now();
            gateway.store.hold_doubt(claim, view.id, now).await?;
            Ok(false)
        }
    }
}

/// Whether the same bytes may go once more after "no record of it".
fn goes_again(gateway: &Gateway, profile: &BankProfile, view: &InstructionView) -> bool {
    let refuses = sabotage::on(Switch::GoesAgainAnywhere)
        || profile
            .arrival
            .is_some_and(|arrival| arrival.refuses_duplicates);
    // After a restore a later generation of it may have left until then, and what left must have turned up.
    let sent = view.intent_at.max(view.ask_first_since);
    refuses && view.sends < SENDS_MAX && is_final(profile, sent, gateway.clock.now())
}

/// Whether "no record of it" is the bank's last word on what left at `sent` at the latest.
fn is_final(profile: &BankProfile, sent: Option<Timestamp>, now: Timestamp) -> bool {
    sabotage::on(Switch::FirstWordIsLast) || last_word(profile, sent).is_some_and(|last| now > last)
}

/// When everything that left has turned up at the bank, or never will.
fn last_word(profile: &BankProfile, sent: Option<Timestamp>) -> Option<Timestamp> {
    let within = SignedDuration::from_secs(profile.arrival?.within_s.into());
    sent?
        .checked_add(SEND_WITHIN)
        .ok()?
        .checked_add(within)
        .ok()
}

/// Asking moved no money and no answer came: nothing has changed.
async fn unanswered(
    gateway: &Gateway,
    claim: &Claim,
    view: &InstructionView,
    why: &str,
    next: Next,
) -> Result<(), StepError> {
    tracing::warn!(instruction = view.id, bank = %view.bank, %why, "a bank did not answer a query");
    Ok(gateway.store.finish(claim, next).await?)
}

/// A bank that had accepted may still reject all of it: that is a report about its payments, to be read like any other.
fn document_if_refused_late(answer: Answer, state: State) -> Answer {
    match (answer, state) {
        (Answer::Refused { .. }, State::Accepted) => Answer::Document { next_cursor: None },
        (answer, _) => answer,
    }
}

fn told(gateway: &Gateway, answer: Answer, raw: Option<i64>) -> Happening {
    match answer {
        Answer::Accepted | Answer::InProgress | Answer::Document { .. } => {
            happening(gateway, Event::Known, raw)
        }
        Answer::Refused { reason, bank } if raw.is_some() => Happening {
            refusal: Some((reason, bank)),
            ..happening(gateway, Event::Refused, raw)
        },
        Answer::NotKnown if raw.is_some() && sabotage::on(Switch::NotKnownIsRefused) => Happening {
            refusal: Some((Reason::Format, BankCode::default())),
            ..happening(gateway, Event::Refused, raw)
        },
        Answer::NotKnown => happening(gateway, Event::NotKnown, raw),
        Answer::Refused { .. } | Answer::Duplicate | Answer::Nothing | Answer::Unclear { .. } => {
            happening(gateway, Event::Unclear, raw)
        }
    }
}

/// Between which days a bank shall look that keeps its instructions by day. Our midnight is not the bank's, and what left just before it may have been
/// taken after it: a day before and a day after the sending. A day after tomorrow nothing can have been taken.
fn days_to_look((first, last): (Timestamp, Timestamp), now: Timestamp) -> (Date, Date) {
    let tomorrow = china_date(now).saturating_add(1.day());
    (
        china_date(first).saturating_sub(1.day()).min(tomorrow),
        china_date(last).saturating_add(1.day()).min(tomorrow),
    )
}

/// When it was sent. Where a database that was lost may have done so, nobody knows: at any time within a restore's reach.
fn sent_between(view: &InstructionView) -> (Timestamp, Timestamp) {
    match view.ask_first_since {
        Some(since) => (since.saturating_sub(LOST).unwrap_or(Timestamp::MIN), since),
        None => {
            let sent = view.intent_at.unwrap_or(view.planned_at);
            (sent, sent)
        }
    }
}

/// Asks often at first and ever more rarely, and once more when the bank's "no record of it" becomes its last word.
fn next_query(profile: &BankProfile, view: &InstructionView, now: Timestamp) -> Timestamp {
    let next = now + pause(profile.polling, view.queries);
    let sent = match view.state {
        State::Planned => view.ask_first_since,
        State::Sending | State::InDoubt | State::Accepted | State::Refused => {
            view.intent_at.max(view.ask_first_since)
        }
    };
    match last_word(profile, sent) {
        Some(last) if view.state != State::Accepted && now <= last => {
            next.min(last + SignedDuration::from_secs(1))
        }
        Some(_) | None => next,
    }
}

/// The pause after so many queries.
fn pause(polling: Polling, queries: u32) -> SignedDuration {
    let pace = SignedDuration::from_secs(polling.every_s.into());
    let rarest = RAREST.max(pace);
    FibonacciBuilder::default()
        .with_min_delay(pace.unsigned_abs())
        .with_max_delay(rarest.unsigned_abs())
        .without_max_times()
        .build()
        .nth(queries.try_into().unwrap_or(usize::MAX))
        .and_then(|pause| SignedDuration::try_from(pause).ok())
        .map_or(rarest, |pause| pause.min(rarest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_looks_from_the_day_before_the_sending_to_the_day_after_it() {
        for (sent, now, from, to) in [
            // Ten seconds before midnight in China, asked half a minute later.
            (
                "2026-11-02T15:59:50Z",
                "2026-11-02T16:00:20Z",
                "2026-11-01",
                "2026-11-03",
            ),
            (
                "2026-11-02T16:00:00Z",
                "2026-11-02T16:00:20Z",
                "2026-11-02",
                "2026-11-04",
            ),
            // Asked for the last time weeks later, the days are the same.
            (
                "2026-11-02T15:59:50Z",
                "2026-11-30T01:00:00Z",
                "2026-11-01",
                "2026-11-03",
            ),
            // Over the turn of the year.
            (
                "2026-12-31T15:59:59Z",
                "2026-12-31T16:00:01Z",
                "2026-12-30",
                "2027-01-01",
            ),
            // A clock that was set back: no bank is asked about a day after tomorrow.
            (
                "2026-11-05T01:00:00Z",
                "2026-11-02T01:00:00Z",
                "2026-11-03",
                "2026-11-03",
            ),
        ] {
            let sent_at = sent.parse().unwrap();
            let days = days_to_look((sent_at, sent_at), now.parse().unwrap());
            let days = (days.0.to_string(), days.1.to_string());
            assert_eq!(
                (days.0.as_str(), days.1.as_str()),
                (from, to),
                "{sent} {now}"
            );
        }
    }

    #[test]
    fn a_bank_is_asked_ever_more_rarely_but_never_less_than_hourly() {
        let polling = Polling {
            first_after_s: 5,
            every_s: 30,
            collect_every_s: 60,
            for_days: None,
            queries_max: None,
        };
        for (queries, wait_s) in [
            (0, 30),
            (1, 30),
            (2, 60),
            (3, 90),
            (6, 390),
            (50, 3_600),
            (1_000, 3_600),
        ] {
            assert_eq!(pause(polling, queries).as_secs(), wait_s, "{queries}");
        }
    }
}
