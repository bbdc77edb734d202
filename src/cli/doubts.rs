//! The desk of two people on the command line: what lies on it, the first voice, the second, and taking a proposal back.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    Failure, Out,
    client::Client,
    table::{Column::Left, Column::Right, Table, yuan},
    words,
};
use crate::http::doubts::{
    ConfirmWire, ContradictionWire, DoubtStepWire, DoubtWire, ProposeWire, WithdrawWire,
};

#[derive(Debug, Args)]
pub(super) struct Doubts {
    #[command(subcommand)]
    act: Option<Act>,
    /// All columns, however wide the table gets.
    #[arg(long)]
    wide: bool,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// One instruction with all that was said of it.
    Show(Named),
    /// Wages of which a bank has said both paid and failed.
    Wages,
    /// The first voice: what the bank says in writing. Needs the document's hash, as `wagegate evidence FILE --project P` prints it.
    Propose(Propose),
    /// The second voice, of another person: the same verdict on the same document. What was decided is done at once.
    Confirm(Confirm),
    /// Take a proposal back.
    Withdraw(Withdraw),
}

#[derive(Debug, Args)]
struct Named {
    /// The instruction's number, as `doubts` shows it.
    instruction: i64,
}

#[derive(Debug, Args)]
struct Propose {
    /// The instruction's number, as `doubts` shows it.
    instruction: i64,
    /// Whether the bank has it.
    #[arg(long, value_parser = ["arrived", "not_arrived"])]
    verdict: String,
    /// SHA-256 of the document in which the bank says so.
    #[arg(long, value_name = "HASH")]
    evidence: String,
    /// Who at the bank said what, when; no numbers of people.
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
struct Confirm {
    /// The instruction's number, as `doubts` shows it.
    instruction: i64,
    /// As it was proposed.
    #[arg(long, value_parser = ["arrived", "not_arrived"])]
    verdict: String,
    /// SHA-256 of the document that the proposal rests on; look at it with `wagegate document BATCH HASH OUT`.
    #[arg(long, value_name = "HASH")]
    evidence: String,
}

#[derive(Debug, Args)]
struct Withdraw {
    /// The instruction's number, as `doubts` shows it.
    instruction: i64,
    /// Why; no numbers of people.
    #[arg(long)]
    reason: String,
}

pub(super) async fn run(client: &Client, doubts: Doubts, out: Out) -> Result<(), Failure> {
    match doubts.act {
        None => list(client, doubts.wide, out).await,
        Some(Act::Show(named)) => {
            let path = ["doubts", &named.instruction.to_string()];
            let doubt: DoubtWire = client.get(&path, &[]).await?;
            out.show(&doubt, whole)
        }
        Some(Act::Wages) => wages(client, doubts.wide, out).await,
        Some(Act::Propose(propose)) => {
            let word = ProposeWire {
                verdict: propose.verdict,
                evidence: propose.evidence,
                reason: propose.reason,
            };
            say(client, propose.instruction, "propose", &word, out).await
        }
        Some(Act::Confirm(confirm)) => {
            let word = ConfirmWire {
                verdict: confirm.verdict,
                evidence: confirm.evidence,
            };
            say(client, confirm.instruction, "confirm", &word, out).await
        }
        Some(Act::Withdraw(withdraw)) => {
            let word = WithdrawWire {
                reason: withdraw.reason,
            };
            say(client, withdraw.instruction, "withdraw", &word, out).await
        }
    }
}

async fn say(
    client: &Client,
    instruction: i64,
    step: &str,
    word: &impl Serialize,
    out: Out,
) -> Result<(), Failure> {
    let path = ["doubts", &instruction.to_string(), step];
    let word = serde_json::to_vec(word).map_err(Failure::here)?;
    let doubt: DoubtWire = client.post(&path, &[], word).await?;
    out.show(&doubt, whole)
}

async fn list(client: &Client, wide: bool, out: Out) -> Result<(), Failure> {
    let doubts: Vec<DoubtWire> = client.list(&["doubts"], &[]).await?;
    out.show(&doubts, |doubts| {
        let columns = [
            Right("号 no."),
            Left("批次 batch"),
            Right("部分 part"),
            Left("银行 bank"),
            Right("人次 wages"),
            Right("金额 yuan"),
            Left("问题 question"),
            Left("自 since"),
            Right("已问 asked"),
            Left("银行 the bank"),
            Left("待确认 proposed"),
        ];
        let table = Table::of(columns, doubts, |doubt| {
            [
                doubt.instruction.to_string(),
                doubt.batch.clone(),
                doubt.part.to_string(),
                doubt.bank.clone(),
                doubt.rows.to_string(),
                yuan(doubt.total_fen),
                question(doubt),
                words::moment(&doubt.since),
                doubt.queries.to_string(),
                bank_says(&doubt.bank_says),
                doubt.proposal.as_ref().map_or_else(String::new, proposed),
            ]
        });
        table.fitted(wide, &[2, 4, 8, 3, 7])
    })
}

async fn wages(client: &Client, wide: bool, out: Out) -> Result<(), Failure> {
    let wages: Vec<ContradictionWire> = client.list(&["contradictions"], &[]).await?;
    out.show(&wages, |wages| {
        let columns = [
            Left("批次 batch"),
            Right("行 row"),
            Left("银行 bank"),
            Left("指令 key"),
            Right("次 attempt"),
            Right("金额 yuan"),
            Left("自 since"),
        ];
        let table = Table::of(columns, wages, |wage| {
            let later = if wage.latest { "" } else { " ←" };
            [
                wage.batch.clone(),
                wage.row.to_string(),
                wage.bank.clone(),
                wage.bank_key.clone(),
                format!("{}{later}", wage.attempt),
                yuan(wage.amount_fen),
                words::moment(&wage.since),
            ]
        });
        table.fitted(wide, &[2, 6])
    })
}

/// One instruction, with the next command for whoever may give it.
fn whole(doubt: &DoubtWire) -> String {
    let steps = Table::of(
        [
            Right("轮 round"),
            Left("步骤 step"),
            Left("结论 verdict"),
            Left("何人 who"),
            Left("何时 when"),
            Left("材料 evidence"),
            Left("原因 reason"),
        ],
        &doubt.steps,
        |taken: &DoubtStepWire| {
            [
                taken.round.to_string(),
                step(&taken.step),
                verdict(&taken.verdict),
                words::person(&taken.by),
                words::moment(&taken.at),
                taken.evidence.chars().take(12).collect(),
                taken.reason.clone().unwrap_or_default(),
            ]
        },
    );
    let until = doubt.under_way_until.as_deref().map(words::moment);
    let until = until.map_or_else(String::new, |at| format!("\n在途至 under way until  {at}"));
    format!(
        "指令 instruction  {} · {} · {}\n批次 batch        {} · {} · {} yuan\n状态 state        {} · {}\n银行 the bank     {}{until}\n\n{steps}\n下一步 next: {}",
        doubt.instruction,
        doubt.bank,
        doubt.bank_key,
        doubt.batch,
        doubt.rows,
        yuan(doubt.total_fen),
        doubt.state,
        question(doubt),
        bank_says(&doubt.bank_says),
        next(doubt)
    )
}

fn next(doubt: &DoubtWire) -> String {
    let number = doubt.instruction;
    match (&doubt.question, &doubt.proposal) {
        (None, _) => format!("无须决定 nothing to decide: wagegate batch {}", doubt.batch),
        (Some(_), None) => format!(
            "问银行，取得书面答复后由一人提出 ask the bank; with its answer in writing, one person proposes:\n  \
             wagegate evidence FILE --project {}\n  wagegate doubts propose {number} --verdict V --evidence HASH --reason R",
            doubt.project
        ),
        (Some(_), Some(proposal)) => format!(
            "另一人查看材料后确认，或撤回 somebody else looks at the document, and confirms or withdraws:\n  \
             wagegate document {} {} OUT\n  wagegate doubts confirm {number} --verdict {} --evidence {}",
            doubt.batch,
            proposal.evidence.chars().take(12).collect::<String>(),
            proposal.verdict,
            proposal.evidence
        ),
    }
}

fn proposed(proposal: &DoubtStepWire) -> String {
    let who = words::person(&proposal.by);
    format!("{} ({who})", verdict(&proposal.verdict))
}

fn question(doubt: &DoubtWire) -> String {
    let word = match doubt.question.as_deref() {
        Some("in_doubt") => "存疑 in doubt",
        Some("ask_first") => "恢复后待查 after a restore",
        Some("held") => "暂停发送 held",
        Some(newer) => newer,
        None => "—",
    };
    word.to_owned()
}

/// Codes that a newer gateway may send are shown as they are.
fn bank_says(code: &str) -> String {
    let word = match code {
        "asked" => "仍在查询 still asked",
        "no_more" => "不再答复 answers no more",
        "unable" => "无法查询 cannot be asked",
        newer => newer,
    };
    word.to_owned()
}

fn verdict(code: &str) -> String {
    let word = match code {
        "arrived" => "已到达 arrived",
        "not_arrived" => "未到达 not arrived",
        newer => newer,
    };
    word.to_owned()
}

fn step(code: &str) -> String {
    let word = match code {
        "propose" => "提出 propose",
        "confirm" => "确认 confirm",
        "withdraw" => "撤回 withdraw",
        newer => newer,
    };
    word.to_owned()
}
