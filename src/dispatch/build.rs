//! Makes an instruction's bytes from the approved rows, and reads them back against those rows before anything may be sent.
//!
//! Both passes stream pages of sealed payments from the store; people are in clear here only, one row at a time (invariant 18).

use std::{io::Write, sync::Arc, vec};

use thiserror::Error;
use tokio::{sync::mpsc, task::spawn_blocking};
use wagegate_domain::{
    adapter::{Adapter, DecodeError, EncodeError, Order, Payment, ReadBack, ReadBackOrder},
    batch::{Content, ContentHash, ContentHasher},
    ids::BankAccount,
    period::CHINA,
    plan::reference,
};

use super::wages::{PAGE, PAGES_AHEAD, WagesError, opened};
use crate::{
    evidence::{EvidenceError, Kept},
    gateway::Gateway,
    security::seal::{Vault, VaultError},
    store::{InstructionView, SealedPayment, Store, StoreError},
};

/// Why bytes could not be made; nothing was sent.
#[derive(Debug, Error)]
pub enum BuildError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Not a fault to try again: somebody went at the database (invariant 5).
    #[error("the rows are not those that were released: {0}")]
    ContentDiffers(String),
    #[error("the built instruction cannot be read back: {0}")]
    Decode(#[from] DecodeError),
    #[error("the built instruction read back says another thing than the approved rows: {0}")]
    Differs(String),
    #[error("the store holds something that is no {0}")]
    Stored(&'static str),
    #[error("building ended early: {0}")]
    Ended(#[from] tokio::task::JoinError),
}

/// The bytes of an instruction whose rows were released as `released`: made anew, or those of an earlier intent of which nothing left. Those never
/// change, and are looked at all the same: whoever can write to the database can name any bytes that were ever kept.
pub(super) async fn bytes(
    gateway: &Gateway,
    adapter: &Arc<dyn Adapter>,
    view: &InstructionView,
    released: ContentHash,
) -> Result<Kept, BuildError> {
    let Some((hash, size)) = view.bytes else {
        return build(gateway, adapter, view, released).await;
    };
    let kept = Kept { hash, size };
    let read = read_back(gateway, adapter, view, released, order(view)?, &kept).await;
    match read {
        Err(BuildError::Differs(what)) => Err(BuildError::ContentDiffers(format!(
            "the bytes kept for it say another thing: {what}"
        ))),
        Err(BuildError::Decode(_)) => Err(BuildError::ContentDiffers(
            "the bytes kept for it cannot be read back".into(),
        )),
        other => other.map(|()| kept),
    }
}

/// Encodes, keeps and checks the bytes of an instruction.
async fn build(
    gateway: &Gateway,
    adapter: &Arc<dyn Adapter>,
    view: &InstructionView,
    released: ContentHash,
) -> Result<Kept, BuildError> {
    let order = order(view)?;
    let mut payments = Payments::of(gateway, view);
    let writer = gateway.evidence.writer()?;
    let encoder = Arc::clone(adapter);
    let work_order = order.clone();
    let kept = spawn_blocking(move || {
        let (out, content) = encode(&*encoder, &work_order, &mut payments, writer)?;
        // The very rows that were encoded: nothing can come between the look and the bytes.
        must_be(released, &content)?;
        Ok::<_, BuildError>(out.keep()?)
    })
    .await??;
    read_back(gateway, adapter, view, released, order, &kept).await?;
    Ok(kept)
}

fn must_be(released: ContentHash, found: &Content) -> Result<(), BuildError> {
    if released == found.hash {
        return Ok(());
    }
    Err(BuildError::ContentDiffers(format!(
        "part released as {released}, found as {}",
        found.hash
    )))
}

/// The bytes of an order, and what its rows came to. Blocking.
pub(super) fn encode<W: Write>(
    encoder: &dyn Adapter,
    order: &Order,
    payments: &mut Payments,
    mut out: W,
) -> Result<(W, Content), BuildError> {
    let encoded = encoder.encode(order, payments, &mut out);
    // The reason why the rows ended early explains more than the totals that then differ.
    payments.failure()?;
    match encoded {
        Ok(()) => Ok((out, payments.content())),
        Err(EncodeError::Totals { .. }) => Err(BuildError::ContentDiffers(
            "its rows do not add up to its head".into(),
        )),
        Err(error) => Err(error.into()),
    }
}

async fn read_back(
    gateway: &Gateway,
    adapter: &Arc<dyn Adapter>,
    view: &InstructionView,
    released: ContentHash,
    order: Order,
    kept: &Kept,
) -> Result<(), BuildError> {
    let mut payments = Payments::of(gateway, view);
    let mut input = gateway.evidence.open_reader(kept.hash).await?;
    let decoder = Arc::clone(adapter);
    spawn_blocking(move || {
        let mut difference = None;
        let said = decoder.read_back(&mut input, &mut |row| {
            let approved = payments.next();
            if difference.is_none() && !approved.is_some_and(|payment| is_same(&payment, &row)) {
                difference = Some(format!("row {}", row.sequence));
            }
        });
        payments.failure()?;
        let said = said?;
        if let Some(row) = difference {
            return Err(BuildError::Differs(row));
        }
        if payments.next().is_some() || !is_headed(&order, &said) {
            return Err(BuildError::Differs("its key, account, count or sum".into()));
        }
        must_be(released, &payments.content())
    })
    .await?
}

fn is_same(approved: &Payment, row: &ReadBack) -> bool {
    approved.sequence == row.sequence
        && approved.account.clear() == row.account
        && approved.name.clear() == row.name
        && approved.amount == row.amount
}

fn is_headed(order: &Order, said: &ReadBackOrder) -> bool {
    said.bank_key == order.bank_key
        && said.account == order.account.clear()
        && said.count == u64::from(order.count)
        && said.total == order.total
}

pub(super) fn order(view: &InstructionView) -> Result<Order, BuildError> {
    let (account, _) =
        BankAccount::parse(&view.account).map_err(|_| BuildError::Stored("account number"))?;
    Ok(Order {
        bank_key: view.bank_key.clone(),
        // To the day: an order of the same day has the same bytes, which is what an approver was shown.
        created: CHINA.to_datetime(view.planned_at).date().at(0, 0, 0, 0),
        value_date: view.value_date,
        account,
        account_name: view.account_name.clone(),
        count: view.rows,
        total: view.total,
    })
}

/// The payments of one instruction in order, opened one by one. An error ends them and is asked for afterwards.
pub(super) struct Payments {
    pages: mpsc::Receiver<Result<Vec<SealedPayment>, StoreError>>,
    page: vec::IntoIter<SealedPayment>,
    vault: Arc<Vault>,
    bank_key: String,
    remark: String,
    hasher: ContentHasher,
    failure: Option<BuildError>,
}

impl Payments {
    fn of(gateway: &Gateway, view: &InstructionView) -> Self {
        let (to, pages) = mpsc::channel(PAGES_AHEAD);
        tokio::spawn(fetch(Arc::clone(&gateway.store), view.id, to));
        Self::over(gateway, view, pages)
    }

    /// The same over pages from elsewhere.
    pub(super) fn over(
        gateway: &Gateway,
        view: &InstructionView,
        pages: mpsc::Receiver<Result<Vec<SealedPayment>, StoreError>>,
    ) -> Self {
        Self {
            pages,
            page: Vec::new().into_iter(),
            vault: Arc::clone(&gateway.vault),
            bank_key: view.bank_key.clone(),
            remark: format!("{}工资", view.month),
            hasher: ContentHasher::new(&view.project, &view.account, view.month),
            failure: None,
        }
    }

    fn failure(&mut self) -> Result<(), BuildError> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// What the payments so far come to.
    fn content(&self) -> Content {
        self.hasher.clone().finish()
    }

    fn opened(&mut self) -> Result<Option<Payment>, BuildError> {
        let sealed = loop {
            if let Some(sealed) = self.page.next() {
                break sealed;
            }
            match self.pages.blocking_recv() {
                Some(page) => self.page = page?.into_iter(),
                None => return Ok(None),
            }
        };
        if sealed.amount != sealed.row.amount {
            return Err(WagesError::Differs {
                row: sealed.row.row,
            }
            .into());
        }
        let wage = opened(&self.vault, &sealed.row)?;
        self.hasher.add(&wage).ok_or(WagesError::Overflow)?;
        Ok(Some(Payment {
            sequence: sealed.sequence,
            reference: reference(&self.bank_key, sealed.sequence),
            name: wage.name,
            account: wage.account,
            cnaps: wage.cnaps,
            amount: wage.amount,
            remark: self.remark.clone(),
        }))
    }
}

impl From<WagesError> for BuildError {
    fn from(error: WagesError) -> Self {
        match error {
            WagesError::Store(error) => error.into(),
            WagesError::Vault(error) => error.into(),
            WagesError::Differs { .. } | WagesError::Overflow => {
                Self::ContentDiffers(error.to_string())
            }
        }
    }
}

impl Iterator for Payments {
    type Item = Payment;

    fn next(&mut self) -> Option<Payment> {
        if self.failure.is_some() {
            return None;
        }
        self.opened().unwrap_or_else(|error| {
            self.failure = Some(error);
            None
        })
    }
}

async fn fetch(
    store: Arc<dyn Store>,
    instruction: i64,
    to: mpsc::Sender<Result<Vec<SealedPayment>, StoreError>>,
) {
    let mut after = 0;
    loop {
        let page = store.payments(instruction, after, PAGE).await;
        let last = page
            .as_ref()
            .ok()
            .and_then(|rows| rows.last())
            .map(|row| row.sequence);
        // A receiver that is gone wants no more rows: its own error is the one that counts.
        if page.as_ref().is_ok_and(Vec::is_empty) || to.send(page).await.is_err() {
            return;
        }
        match last {
            Some(sequence) => after = sequence,
            None => return,
        }
    }
}
