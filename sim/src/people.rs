//! Made-up workers whose numbers pass every published check.

use std::fmt::Write;

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// An identity number for the `n`th worker of a project.
pub fn id_number(project: u32, n: u32) -> String {
    let body = format!(
        "5301{:02}19{:02}{:02}{:02}{:03}",
        project % 90 + 1,
        60 + n / 1_000 % 30,
        n / 28 % 12 + 1,
        n % 28 + 1,
        n % 1_000
    );
    let sum: u32 = body
        .chars()
        .zip(WEIGHTS)
        .map(|(digit, weight)| digit.to_digit(10).unwrap_or(0) * weight)
        .sum();
    let check = b"10X98765432"[usize::try_from(sum % 11).unwrap_or(0)];
    format!("{body}{}", char::from(check))
}

/// A card number with its Luhn digit.
pub fn card(project: u32, n: u32) -> String {
    let body = format!("622588{project:03}{n:09}");
    let sum: u32 = body
        .chars()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = digit.to_digit(10).unwrap_or(0);
            if place % 2 == 1 {
                digit
            } else {
                digit * 2 / 10 + digit * 2 % 10
            }
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// What the `n`th worker is owed, in fen.
pub fn wage(n: u32) -> i64 {
    i64::from(4_000 + n) * 100 + i64::from(n % 100)
}

/// A wage sheet as CSV: `rows` workers, each a little richer than the one before.
pub fn sheet(project: u32, rows: u32) -> String {
    let mut text = "姓名,身份证号,银行卡号,联行号,实发工资\n".to_owned();
    for n in 1..=rows {
        let name = ["张伟", "李秀英", "阿依古丽·买买提", "王芳", "赵䶮"]
            [usize::try_from(n % 5).unwrap_or(0)];
        let written = writeln!(
            text,
            "{name},{},{},313731010015,{}.{:02}",
            id_number(project, n),
            card(project, n),
            4_000 + n,
            n % 100
        );
        written.expect("a string takes all that is written");
    }
    text
}
