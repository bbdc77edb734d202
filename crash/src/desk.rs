//! The two people of the desk, where a bank promises nothing about what it has not got: they look into the bank's own books, and both say what is there.

use jiff::SignedDuration;
use wagegate::{
    dispatch::doubts::means,
    gateway::Gateway,
    store::{DoubtSays, DoubtView, DoubtWord, Finding, Within},
};

use crate::{Failure, house::House};

/// By then nothing that left is still on its way.
pub(crate) const LATER: SignedDuration = SignedDuration::from_hours(3 * 24);
/// The bank's letter; what it says is in its books.
const LETTER: ([u8; 32], u64) = ([5; 32], 700);

/// Decides on everything that no bank ever got; gives the number of decisions.
///
/// # Errors
/// A word was not taken.
pub(crate) async fn decide(house: &House, gateway: &Gateway) -> Result<u32, Failure> {
    let mut decided = 0;
    for doubt in gateway
        .store
        .doubt_page(&Within::All, None, 10_000)
        .await?
    {
        let mut banks = house
            .banks
            .iter()
            .filter(|at| at.code == doubt.instruction.bank);
        if banks.any(|at| at.has_received(&doubt.instruction.bank_key)) {
            continue;
        }
        never_arrived(gateway, &doubt).await?;
        decided += 1;
    }
    Ok(decided)
}

async fn never_arrived(gateway: &Gateway, doubt: &DoubtView) -> Result<(), Failure> {
    let finding = Finding::NotArrived;
    let means = means(gateway, doubt, finding).await?;
    let propose = DoubtSays::Propose {
        finding,
        evidence: LETTER,
        reason: "银行来函：未收到".into(),
    };
    let confirm = DoubtSays::Confirm {
        finding,
        evidence: LETTER,
        means,
    };
    for (by, says) in [
        ("wagegate://user/finance", propose),
        ("wagegate://user/approver", confirm),
    ] {
        let word = DoubtWord {
            instruction: doubt.instruction.id,
            says,
            by: by.into(),
            at: gateway.clock.now(),
        };
        gateway.store.decide_doubt(&word).await?;
    }
    Ok(())
}
