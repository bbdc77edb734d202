//! A bank's free text as it may be kept in clear (invariant 18): what banks say of accounts stays, whatever may be somebody's name or number is
//! left out. The document itself keeps everything, sealed.

/// Stands for what was left out.
const LEFT_OUT: char = '…';
/// A longer run of digits may be a card, an identity number or a telephone number.
const DIGITS_MAX: usize = 6;

/// The characters in which banks speak of accounts, transfers and their causes. Names are written with others: the common surnames are not here.
const CHARACTERS: &str = "户名不符无此账帐号卡已销冻结挂失状态异常类型支持超限额错误有未存在收付款人银行退票原因其它他请联系开网点核实信息\
     交易失败受理拒绝正常止久悬长期睡眠注销作废过度身份证件到资料完善缺少格式参数系统忙稍后重试中心清算通道时间非内外时段日单笔累计\
     余足大于小额等待处理中复核校验签权客柜台面预约取消撤回转入出代发工农民专用公私个二三类级一四五六码与和或的为被由因该本对方金币种\
     跨区地址变更登记律司法质押保留解除批次汇总数量总分相同能可需要经办办理查询确认结果终止完成进行待审批复核暂停服务维护关闭";

/// The words in which banks do so in English, and what stands between them.
const WORDS: &str = "abnormal account accounts allowed amount and bank beneficiary blocked by camt cannot card cause clearing closed code \
     contact creditor currency customer days debtor declined does dormant duplicate error exceeded exceeds failed for format \
     frozen funds group in inconsistent incorrect insufficient invalid is limit lost match mismatch missing name narrative no \
     not number of on or order over paid pain payee payment pending processing reason received reference rejected reported \
     return returned specified status such supported suspended system the this time to transaction transfer type unable \
     unknown unspecified with wrong";

/// The text without what may be a person's.
pub(super) fn without_people(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (run, plain) = if first.is_ascii_digit() {
            let run = run(rest, |c| c.is_ascii_digit());
            (run, run.len() <= DIGITS_MAX)
        } else if first.is_alphabetic() && first.is_ascii() {
            let run = run(rest, |c| c.is_ascii_alphabetic());
            (run, is_word(run))
        } else {
            let run = &rest[..first.len_utf8()];
            (run, is_plain(first))
        };
        match plain {
            true => kept.push_str(run),
            false if kept.ends_with(LEFT_OUT) => {}
            false => kept.push(LEFT_OUT),
        }
        rest = &rest[run.len()..];
    }
    kept
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    &text[..end]
}

/// A code is written in capitals and is short; a name in capitals is longer than two letters or stands beside others.
fn is_word(run: &str) -> bool {
    run.len() <= 2 || WORDS.split(' ').any(|word| word.eq_ignore_ascii_case(run))
}

fn is_plain(c: char) -> bool {
    CHARACTERS.contains(c) || !c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_banks_say_of_accounts_stays_and_people_go() {
        for (said, kept) in [
            ("户名不符", "户名不符"),
            ("账户类型不支持", "账户类型不支持"),
            ("行名行号不符,请核实", "行名行号不符,请核实"),
            ("F001:已销户(2026)", "F001:已销户(2026)"),
            ("Account closed", "Account closed"),
            (
                "AC04 - creditor name does not match",
                "AC04 - creditor name does not match",
            ),
            ("李晓明户名不符", "…户名不符"),
            ("户名:阿依古丽·买买提,卡6225881414207430", "户名:…·…,卡…"),
            ("证件11010519491231002X已注销", "证件…X已注销"),
            ("payee ZHANG WEI unknown", "payee … … unknown"),
            ("", ""),
        ] {
            assert_eq!(without_people(said), kept, "{said}");
        }
    }
}
