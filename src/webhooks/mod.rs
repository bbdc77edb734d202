//! Tells others what happened: a notice is put before everybody who subscribed to it, and delivered over HTTPS, signed, until it arrives or is
//! given up. A delivery never holds up a payment: its own workers take these steps, and no step of a bank's waits for them.

mod addresses;
mod receiver;
mod schedule;

pub use addresses::{Allowed, NotARange};
pub use receiver::{Courier, Endpoint, UrlFault};

use jiff::{SignedDuration, Timestamp};

use self::receiver::Heard;

use crate::{
    dispatch::StepError,
    gateway::Gateway,
    security::webhook::Secret,
    store::{Claim, Due, NoticeView, Round, Then, Tried},
};

/// Deliveries of one subscription in one step: then it is another's turn.
const ROUND: u32 = 20;
/// How long a step goes on with receivers that are slow.
const ROUND_TIME: SignedDuration = SignedDuration::from_secs(20);

/// Puts a notice before everybody who subscribed to it.
pub(crate) async fn announce(gateway: &Gateway, claim: &Claim) -> Result<(), StepError> {
    let notice = subject(claim)?;
    gateway
        .store
        .announce(claim, notice, gateway.clock.now())
        .await?;
    Ok(())
}

/// Delivers what waits for one subscription; nothing while it is paused. What becomes of the task is settled against what stands then: somebody
/// may have resumed it meanwhile.
pub(crate) async fn deliver(gateway: &Gateway, claim: &Claim) -> Result<(), StepError> {
    let webhook = subject(claim)?;
    let now = gateway.clock.now();
    let round = gateway.store.due_deliveries(webhook, now, ROUND).await?;
    if !round.subscriber.webhook.paused {
        go_round(gateway, claim, &round, now).await?;
    }
    let now = gateway.clock.now();
    let too_old = now - schedule::LONGEST;
    gateway
        .store
        .end_round(claim, webhook, now, too_old)
        .await?;
    Ok(())
}

/// One delivery after another, until one finds the receiver unwell.
async fn go_round(
    gateway: &Gateway,
    claim: &Claim,
    round: &Round,
    begun: Timestamp,
) -> Result<(), StepError> {
    let secrets = open(gateway, round)?;
    for due in &round.due {
        let tried = attempt(gateway, round, &secrets, due).await;
        gateway
            .store
            .record_try(claim, due.delivery, &tried)
            .await?;
        let unwell = matches!(
            tried.then,
            Then::Again {
                rests_until: Some(_),
                ..
            }
        );
        if unwell || tried.at.duration_since(begun) > ROUND_TIME {
            break;
        }
    }
    Ok(())
}

fn open(gateway: &Gateway, round: &Round) -> Result<Vec<Secret>, StepError> {
    let code = &round.subscriber.webhook.code;
    let open = |sealed: &Vec<u8>| gateway.vault.open_webhook_secret(code, sealed);
    Ok(round.secrets.iter().map(open).collect::<Result<_, _>>()?)
}

/// One try of one delivery.
async fn attempt(gateway: &Gateway, round: &Round, secrets: &[Secret], due: &Due) -> Tried {
    let now = gateway.clock.now();
    if !round.subscriber.sees(&due.notice) {
        return Tried {
            at: now,
            status: None,
            answer: "not sent: whoever subscribed may not see this any more".into(),
            then: Then::GivenUp,
        };
    }
    let webhook = &round.subscriber.webhook;
    let endpoint = Endpoint {
        url: webhook.url.clone(),
        ca: webhook.ca.clone(),
    };
    let body = body(&due.notice);
    let id = format!("msg_{}", due.notice.id);
    let signatures: Vec<_> = secrets
        .iter()
        .map(|secret| secret.sign(&id, now, &body))
        .collect();
    let headers = [
        ("webhook-id", id),
        ("webhook-timestamp", now.as_second().to_string()),
        ("webhook-signature", signatures.join(" ")),
    ];
    let heard = gateway.courier.post(&endpoint, &headers, body).await;
    concluded(gateway, heard, webhook.failures, due.tries)
}

fn concluded(gateway: &Gateway, heard: Heard, failures: u32, tries: u32) -> Tried {
    let now = gateway.clock.now();
    let (status, answer) = match heard {
        Heard::Answer { status, beginning } => (Some(status), beginning),
        Heard::Silence { why } => (None, why),
    };
    let arrived = status.is_some_and(|status| (200..300).contains(&status));
    // It is overloaded or out of order: the next delivery would fare no better.
    let unwell = status.is_none_or(|status| status == 429 || status >= 500);
    let then = match schedule::after(tries) {
        _ if arrived => Then::Delivered,
        Some(wait) => Then::Again {
            at: now + wait,
            rests_until: unwell.then(|| now + schedule::rest(failures)),
        },
        None => Then::GivenUp,
    };
    Tried {
        at: now,
        status,
        answer,
        then,
    }
}

/// What is signed and sent: kind, time and data, as Standard Webhooks has them. The data was written as JSON and goes out as it was written.
fn body(notice: &NoticeView) -> String {
    let (kind, at, data) = (notice.kind.code(), notice.at, &notice.data);
    format!(r#"{{"type":"{kind}","timestamp":"{at}","data":{data}}}"#)
}

fn subject(claim: &Claim) -> Result<i64, StepError> {
    claim
        .subject
        .parse()
        .map_err(|_| StepError::Subject(claim.subject.clone()))
}
