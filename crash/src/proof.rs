//! The end of a run: everything is worked off, and the banks' own program compares its ledgers with our outcomes.

use std::{fs::File, io::BufWriter, io::Write as _, path::PathBuf};

use banksim::audit::{Report, audit};
use wagegate::{gateway::Gateway, store::Within};
use wagegate_domain::plan::reference;

use crate::{Failure, house::House, memory::Memory};

/// Everything found.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) report: Report,
    pub(crate) batches: u64,
    pub(crate) wages: u64,
    /// What the gateway's own recount finds, suspense, and answered commits that are gone.
    pub(crate) differences: Vec<String>,
    pub(crate) missing: Vec<String>,
}

/// Compares everything with everything.
///
/// # Errors
/// Something could not be asked.
pub(crate) async fn prove(
    house: &House,
    gateway: &Gateway,
    memory: &Memory,
) -> Result<Proof, Failure> {
    let recount = gateway.store.recount().await?;
    let mut differences = recount.differences;
    let suspense = gateway.store.suspense_page(None, 10).await?;
    differences.extend(suspense.iter().map(|one| format!("in suspense: {one:?}")));
    let (outcomes, wages) = export(house, gateway).await?;
    let ledgers: Vec<String> = house
        .banks
        .iter()
        .map(|at| format!("{}={}", at.code, at.ledger.display()))
        .collect();
    Ok(Proof {
        report: audit(&ledgers, &outcomes)?,
        batches: recount.batches,
        wages,
        differences,
        missing: memory.missing(gateway).await?,
    })
}

/// Every attempt as the banks' audit reads it, and how many there are.
async fn export(house: &House, gateway: &Gateway) -> Result<(PathBuf, u64), Failure> {
    let path = house.folder.join("outcomes.csv");
    let mut out = BufWriter::new(File::create(&path)?);
    writeln!(
        out,
        "batch,row,bank,bank_key,sequence,reference,amount_fen,outcome"
    )?;
    let (mut after, mut wages) = (None, 0);
    loop {
        let page = gateway
            .store
            .attempts(&Within::All, None, after, 5_000)
            .await?;
        for (_, item) in &page {
            let reference = reference(&item.bank_key, item.sequence);
            writeln!(
                out,
                "{},{},{},{},{},{reference},{},{}",
                item.batch,
                item.row,
                item.bank,
                item.bank_key,
                item.sequence,
                item.amount.get(),
                item.place.code()
            )?;
            wages += 1;
        }
        match page.last() {
            Some((cursor, _)) => after = Some(*cursor),
            None => break,
        }
    }
    out.flush()?;
    Ok((path, wages))
}
