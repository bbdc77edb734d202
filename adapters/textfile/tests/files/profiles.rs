//! A profile that cannot work is refused when it is loaded, with what is wrong.

use crate::common::{BISHUI, CANGLING, LANHE, banks};
use wagegate_textfile::Textfile;

/// Profile, what stands there, what stands there instead, and a part of what is said about it.
const MISTAKES: &[(&str, &str, &str, &str)] = &[
    (
        BISHUI,
        "family = \"textfile\"",
        "family = \"iso20022\"",
        "unknown variant",
    ),
    (
        BISHUI,
        "[text]",
        "[text]\nquote = \"'\"",
        "unknown field `quote`",
    ),
    (
        BISHUI,
        "{ from = \"remark\" }",
        "{ from = \"remarks\" }",
        "unknown variant `remarks`",
    ),
    (
        BISHUI,
        "{ from = \"remark\" }",
        "{ from = \"remark\", length = 5 }",
        "unknown field `length`",
    ),
    (
        BISHUI,
        "kind = \"delimited\"",
        "kind = \"delimited\", quote = true",
        "unknown field `quote`",
    ),
    (
        BISHUI,
        "charset = \"gb18030\"",
        "charset = \"big5\"",
        "unknown variant `big5`",
    ),
    (
        BISHUI,
        "delimiter = \"|\"",
        "delimiter = \"a\"",
        "text: a delimiter is made of ASCII signs",
    ),
    (
        BISHUI,
        "delimiter = \"|\"",
        "delimiter = \"\"",
        "text: a delimiter is made of ASCII signs",
    ),
    (
        BISHUI,
        "{ is = \"P\" }",
        "{ is = \"P\", from = \"key\" }",
        "either `from` or `is`",
    ),
    (BISHUI, "{ is = \"P\" }", "{}", "either `from` or `is`"),
    (
        BISHUI,
        "{ is = \"P\" }",
        "{ is = \"P|Q\" }",
        "has the delimiter in it",
    ),
    (
        BISHUI,
        "{ from = \"key\", max = 20 }",
        "{ from = \"key\", max = 19 }",
        "`key` may need 20 bytes",
    ),
    (
        BISHUI,
        "width = 7, pad",
        "width = 3, pad",
        "`sequence` may need 4 bytes",
    ),
    (
        BISHUI,
        "pad = \"0\", align = \"right\"",
        "pad = \"0\"",
        "noughts pad only numbers",
    ),
    (
        BISHUI,
        "{ from = \"cnaps\", max = 12 }",
        "{ from = \"cnaps\", max = 12, width = 12 }",
        "`width` says all that `max` would",
    ),
    (
        BISHUI,
        "{ from = \"cnaps\", max = 12 }",
        "{ from = \"cnaps\", pad = \"0\" }",
        "need a `width`",
    ),
    (
        BISHUI,
        "{ from = \"remark\" }",
        "{ from = \"name\" }",
        "`name` stands twice",
    ),
    (
        BISHUI,
        "{ from = \"remark\" }",
        "{ from = \"code\" }",
        "`code` comes from the bank",
    ),
    (
        BISHUI,
        "{ from = \"remark\" }",
        "{ from = \"remark\", default = \"工资\" }",
        "`default` is for what a payment may lack",
    ),
    (
        BISHUI,
        "{ from = \"amount\", unit = \"fen\" }",
        "{ from = \"amount\" }",
        "`unit` belongs to amounts",
    ),
    (
        BISHUI,
        "{ from = \"remark\" }",
        "{ from = \"remark\", unit = \"fen\" }",
        "`unit` belongs to amounts",
    ),
    (
        BISHUI,
        "{ from = \"value_date\", format = \"%Y%m%d\" }",
        "{ from = \"value_date\" }",
        "`format` belongs to dates",
    ),
    (
        BISHUI,
        "format = \"%Y%m%d\"",
        "format = \"%Q!\"",
        "value_date",
    ),
    (
        BISHUI,
        "  { from = \"special_account\" },\n",
        "",
        "no header or trailer has `special_account`",
    ),
    (
        BISHUI,
        "  { from = \"special_account\" },\n",
        "  { from = \"name\" },\n",
        "`name` is said of one payment",
    ),
    (
        BISHUI,
        "{ from = \"paid_count\" }",
        "{ from = \"code\" }",
        "`code` is said of one payment",
    ),
    (BISHUI, "{ is = \"T\" }", "{ is = \"R\" }", "begin alike"),
    (BISHUI, "{ is = \"T\" }, ", "", "begins with a constant"),
    (
        BISHUI,
        "codes = \"refund\"",
        "codes = \"refunds\"",
        "there is no table [codes.refunds]",
    ),
    (
        BISHUI,
        "S000 = { verdict = \"paid\" }",
        "S000 = { verdict = \"success\" }",
        "a code means",
    ),
    (
        BISHUI,
        "S000 = { verdict = \"paid\" }",
        "S000 = { verdict = \"paid\", reason = \"CLOSED\" }",
        "a code means",
    ),
    (
        BISHUI,
        "S000 = { verdict = \"paid\" }",
        "default = { verdict = \"paid\" }",
        "no word for the rest",
    ),
    (
        BISHUI,
        "S000 = { verdict = \"paid\" }",
        "\"*\" = { verdict = \"paid\" }",
        "no word for the rest",
    ),
    (
        BISHUI,
        "reason = \"CLOSED\"",
        "reason = \"SHUT\"",
        "unknown variant `SHUT`",
    ),
    (
        BISHUI,
        "0000 = { status = 200",
        "0000 = { status = 500",
        "200 to 499",
    ),
    (
        BISHUI,
        "says = \"accepted\"",
        "says = \"paid\"",
        "unknown variant `paid`",
    ),
    (
        BISHUI,
        "says = \"refused\", reason = \"FORMAT\"",
        "says = \"refused\"",
        "a refusal needs a `reason`",
    ),
    (
        BISHUI,
        "{ from = \"code\" }, { from = \"text\" }]",
        "{ from = \"text\" }]",
        "reply: the line lacks `code`",
    ),
    (
        BISHUI,
        "query = \"/text/batches/{key}\"",
        "query = \"/text/batches\"",
        "paths.query needs `{key}`",
    ),
    (
        BISHUI,
        "query = \"/text/batches/{key}\"",
        "query = \"/text/batches/{key}?to={to}\"",
        "paths.query has both `{from}` and `{to}`",
    ),
    (
        BISHUI,
        "?after={after}",
        "",
        "paths.collect needs `{after}`",
    ),
    (
        BISHUI,
        "rows_max = 1000",
        "rows_max = 0",
        "rows_max is above nought",
    ),
    (
        BISHUI,
        "length = 20",
        "length = 40",
        "key.length is 12 to 28",
    ),
    (
        BISHUI,
        "answers = \"query\"",
        "answers = \"anything\"",
        "unknown variant `anything`",
    ),
    (
        BISHUI,
        "end = \"########\"",
        "end = \"结束\"",
        "`end` is made of ASCII signs",
    ),
    (
        CANGLING,
        "{ from = \"name\", width = 60 }",
        "{ from = \"name\" }",
        "`name` needs a `width`",
    ),
    (
        CANGLING,
        "{ from = \"name\", width = 60 }",
        "{ from = \"name\", width = 0 }",
        "a width is above nought",
    ),
    (
        CANGLING,
        "{ is = \"H01\", width = 3 }",
        "{ is = \"H01\", width = 2 }",
        "is longer than its width",
    ),
    (
        CANGLING,
        "format = \"%Y-%m-%d\", width = 10",
        "format = \"%Y-%m-%d\", width = 8",
        "longer than 8 bytes",
    ),
    (
        CANGLING,
        "trailer = [[\n  { is = \"T\", width = 1 },",
        "trailer = [[",
        "the first trailer line begins with a constant",
    ),
    (
        CANGLING,
        "default = \"\"",
        "default = \"none\"",
        "`default` of cnaps",
    ),
    (
        LANHE,
        "{ is = \"合计\" }",
        "{ is = \"合計𠮷\" }",
        "a character that the encoding does not hold",
    ),
    (
        LANHE,
        "{ from = \"account\" },\n  { from = \"name\" },",
        "{ from = \"name\" },",
        "no payment could be found",
    ),
    (
        LANHE,
        "{ from = \"code\" },\n  { from = \"text\" },\n]\ntrailer",
        "{ from = \"text\" },\n]\ntrailer",
        "the row lacks `code`",
    ),
];

#[test]
fn the_sample_profiles_load() {
    assert_eq!(banks().len(), 3);
}

#[test]
fn each_mistake_in_a_profile_is_named() {
    for (profile, from, to, expected) in MISTAKES {
        assert!(profile.contains(from), "nothing to change: {from}");
        let error = Textfile::from_toml(&profile.replacen(from, to, 1))
            .map(|_| ())
            .expect_err(to);
        let text = error.to_string();
        assert!(
            text.contains(expected),
            "{to}\n  says: {text}\n  not: {expected}"
        );
    }
}
