//! Refusals in Chinese, for the `detail` of a problem: clerks read it first, the English sentence after it says the same.

use wagegate_domain::{attempt::State, batch::BatchState};

use crate::{
    intake::IntakeError,
    registry::forms::FormsError,
    security::access::Denied,
    store::{Conflict, DoubtRefused, Step},
};

/// Both languages in one text, Chinese first.
pub(super) fn both(zh: &str, en: &str) -> String {
    format!("{zh}。 {en}")
}

pub(super) const fn denied(denied: &Denied) -> &'static str {
    match denied {
        Denied::Role => "您的角色不能做这件事",
        Denied::Scope => {
            "您负责的项目、地区或银行范围内没有该对象，请核对编码（`wagegate whoami` 列出您的范围）"
        }
        Denied::Owner => "只有创建人或运维可以这样做",
    }
}

/// What there is none of, by the store's word for it.
pub(super) fn thing(what: &str) -> &str {
    match what {
        "batch" => "批次",
        "instruction" => "银行指令",
        "principal" => "用户",
        "project" => "项目",
        "raw document" => "原始报文",
        "sealing key" => "密钥",
        "special account" => "工资专户",
        "webhook" => "事件订阅",
        "worker" => "工人",
        "card" => "工资卡",
        other => other,
    }
}

/// A rule that stands against a request, and what to do about it.
pub(super) fn conflict(conflict: &Conflict) -> String {
    match conflict {
        Conflict::AlreadyOwed { count, first, .. } => format!(
            "{count} 名工人在本项目本月已有工资，第一处在第 {} 行（已在批次 {} 中）；请从表中删除这些行，或先撤回该批次（wagegate withdraw）",
            first.row, first.other_batch
        ),
        Conflict::RowsDiffer => "保存的行与读取的行不一致；请重新上传".into(),
        Conflict::NotNow(not_now) => format!(
            "批次{}，现在不能这样做；请查看批次，其中写明下一步及由谁办理",
            state(not_now.state)
        ),
        Conflict::SamePerson { had } => format!(
            "本轮中已{}的人不能再做其他步骤；请本项目有该角色的另一人办理",
            step(*had)
        ),
        Conflict::HasInstructions => "该批次已有银行指令，已发出的不能驳回；请运维将数据库与备份、与银行收到的内容核对".into(),
        Conflict::ContentDiffers => {
            "批次内容与您所看到的不一致；请重新查看批次，填写现在显示的内容哈希；如两者相同，说明数据库在系统之外被改动".into()
        }
        Conflict::ProjectsRefused(flaws) => {
            format!("{} 个项目无法导入，未导入任何一个；请改正所列各行后重新提交", flaws.len())
        }
        Conflict::CardOfAnother { count, .. } => {
            format!("{count} 张银行卡已登记在其他工人名下；一张卡只属于一名工人，请核实并先登记对方的另一张卡")
        }
        Conflict::OnSiteElsewhere { count, .. } => format!(
            "{count} 处变更涉及在其他项目在场的工人，其姓名和已核验的工资卡不能由本项目更改；请对方项目或运维办理"
        ),
        Conflict::EvidenceMissing => "该卡曾被银行拒绝，缺少证明其现已可用的材料；请先上传材料并填写其哈希".into(),
        Conflict::ReplacedByHand => "换卡须登记新卡；登记新卡后旧卡随之停用".into(),
        Conflict::AlreadyKnown { .. } => "该用户已存在；请恢复该用户、变更其范围，或换一个名称".into(),
        Conflict::LastOperator => "不能停用最后一名运维；请先增加或恢复另一名运维".into(),
        Conflict::KeyUnknown { id, .. } => {
            format!("有网关没有 {id} 号密钥；请将含新密钥的密钥文件复制到每个网关")
        }
        Conflict::KeyNeeded { id, .. } => {
            format!("{id} 号密钥仍在使用，不能移除；请等到 `wagegate keys status` 显示可以移除")
        }
        Conflict::Doubt(refused) => doubt(refused),
        Conflict::ReferenceReused { .. } => "该参考号已用于另一金额或账户；每笔入账须有自己的参考号，未记账".into(),
    }
}

/// What stands against a word at the desk of two people.
fn doubt(refused: &DoubtRefused) -> String {
    match refused {
        DoubtRefused::NoDoubt { state } => {
            format!("该指令现为{}，无须决定；未作任何改动", instruction(*state))
        }
        DoubtRefused::Changed { state } => format!(
            "该指令现为{}，与提出意见时不同；请就现状再问银行，重新提出",
            instruction(*state)
        ),
        DoubtRefused::Proposed => "已有意见待确认；请先确认或撤回".into(),
        DoubtRefused::NothingProposed => "尚无意见；请先凭银行书面材料提出".into(),
        DoubtRefused::OtherProposal => "与所提意见的结论或材料不同；请查看后按其原样填写".into(),
        DoubtRefused::SamePerson => "提出人不能确认；请本项目另一名审批或财务人员确认".into(),
        DoubtRefused::Preparer => {
            "编制本批次的人不能参与决定；请本项目另一名审批或财务人员办理".into()
        }
        DoubtRefused::UnderWay { until } => {
            format!("已发出的内容在 {until} 之前仍可能到达银行；请届时再确认")
        }
        DoubtRefused::Uncovered { short } => {
            format!("专户余额不足以再次发放这些工资：差 {short} 元；请先补足")
        }
        DoubtRefused::HasWord => "银行已就其中的工资给出结果，说明已收到；以银行结果为准".into(),
        DoubtRefused::StaysHeld => {
            "再发会重复支付，本指令永不发送；请与银行核对，并告知运维".into()
        }
    }
}

const fn instruction(state: State) -> &'static str {
    match state {
        State::Planned => "待发送",
        State::Sending => "发送中",
        State::InDoubt => "存疑",
        State::Accepted => "银行已收到",
        State::Refused => "已被拒绝或已认定未到达",
    }
}

const fn state(state: BatchState) -> &'static str {
    match state {
        BatchState::AwaitingReview => "待复核",
        BatchState::AwaitingRelease => "待发放审批",
        BatchState::AwaitingFunds => "已批准、待专户资金",
        BatchState::Released => "已批准",
        BatchState::Planned => "已编排",
        BatchState::ContentDiffers => "内容不符",
        BatchState::Refused => "已驳回",
        BatchState::Withdrawn => "已撤回",
        BatchState::Expired => "已过期",
    }
}

const fn step(step: Step) -> &'static str {
    match step {
        Step::Prepare => "编制",
        Step::Review => "复核",
        Step::Release => "批准",
        Step::Fund => "资金到位",
        Step::Approve => "审批",
        Step::Refuse => "驳回",
        Step::Withdraw => "撤回",
        Step::Undo => "收回批准",
        Step::Expire => "过期",
        Step::Differ => "内容不符",
    }
}

/// Why a wage sheet was not taken; `None` for what is our own fault.
pub(super) fn sheet(error: &IntakeError) -> Option<String> {
    match error {
        IntakeError::Refused(refused) => Some(format!(
            "工资表有 {} 处问题，一行也未保存；请按所列逐行改正后重新提交",
            refused.total
        )),
        IntakeError::Unreadable(why) => Some(format!("无法作为工资表读取：{}", unreadable(why))),
        IntakeError::TooLarge => {
            Some("文件太大：.xlsx 不超过 64 MiB，不超过 1,000,000 行；请分成几份提交".into())
        }
        IntakeError::Io(_) | IntakeError::Records(_) | IntakeError::Stopped => None,
    }
}

/// Why a roster was not taken; `None` for what is our own fault.
pub(super) fn roster(error: &FormsError) -> Option<String> {
    match error {
        FormsError::Refused(refused) => Some(format!(
            "花名册有 {} 处问题，未登记任何人；请按所列逐行改正后重新提交",
            refused.total
        )),
        FormsError::Unreadable(why) => Some(format!("无法作为花名册读取：{}", unreadable(why))),
        FormsError::TooLarge => Some(
            "文件太大：不超过 200,000 人，.xlsx 或 JSON 不超过 64 MiB，国家平台报文每条不超过 16 MiB；请分成几份提交".into(),
        ),
        FormsError::NoSecret => {
            Some("该项目的数据已加密，而网关没有其密钥；请运维在配置中为本项目增加 [[national]]".into())
        }
        FormsError::Unsigned { line } => {
            Some(format!("第 {line} 行：签名与本项目密钥不符；请按签名时的原样提交，每行一个请求"))
        }
        FormsError::Io(_) | FormsError::Stopped => None,
    }
}

/// What readers of files say, by the words that they have in common; what else may be wrong is in the English sentence.
#[rustfmt::skip]
const UNREADABLE: &[(&str, &str)] = &[
    ("it is empty",                    "文件为空，请选择正确的文件"),
    (".xls workbook",                  "是旧版 .xls 或设有密码的工作簿，请另存为不带密码的 .xlsx"),
    ("neither a workbook",             "既不是 .xlsx，也不是 UTF-8 或 GB18030 文本，请另存为 .xlsx 或 .csv"),
    ("comes twice, or after a later",  "行号重复或倒序，请用表格软件打开后重新保存"),
    ("same name",                      "有两张工作表重名，请改名"),
    ("JSON",                           "JSON 格式不符，位置见后"),
    ("value is longer",                "JSON 中有超长的值，位置见后"),
    ("no workers in it",               "其中没有工人"),
    ("the request",                    "平台请求的字段不符，见后"),
];

fn unreadable(why: &str) -> &'static str {
    let known = UNREADABLE.iter().find(|(said, _)| why.contains(said));
    known.map_or(
        "文件已损坏或格式不符，请用表格软件打开后另存为 .xlsx",
        |(_, zh)| zh,
    )
}
