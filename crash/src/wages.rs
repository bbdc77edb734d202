//! Made-up sheets: sixteen projects, half of them at each bank, and every month there is. Numbers pass every published check.

use std::fmt::Write as _;

use wagegate_domain::PayMonth;

use crate::Failure;

/// Projects, so also special accounts.
pub(crate) const PROJECTS: u32 = 16;
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// The `n`th sheet: one project, one month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sheet(pub(crate) u32);

impl Sheet {
    pub(crate) fn project(self) -> String {
        project_code(self.0 % PROJECTS)
    }

    /// # Errors
    /// Every month was paid.
    pub(crate) fn month(self) -> Result<PayMonth, Failure> {
        let months = self.0 / PROJECTS;
        let year = i16::try_from(2000 + months / 12)?;
        let month = i8::try_from(months % 12 + 1)?;
        PayMonth::new(year, month).map_err(|_| "every sheet there is was paid".into())
    }

    /// A few workers, now and then many: documents of one and of several commits.
    fn rows(self) -> u32 {
        3 + self.0 * 7 % 11
    }

    /// As CSV; each worker a little richer than the one before.
    pub(crate) fn text(self) -> String {
        let mut text = "姓名,身份证号,银行卡号,联行号,实发工资\n".to_owned();
        let project = self.0 % PROJECTS;
        for n in 1..=self.rows() {
            let name = ["张伟", "李秀英", "王芳", "赵刚"]
                .get(n as usize % 4)
                .expect("the place is below the length");
            // A card on which a wage failed must not be paid to again, so everybody has another every month.
            let card = card(project, self.0 / PROJECTS * 1_000 + n);
            let id = id_number(project, n);
            let (yuan, fen) = (4_000 + n + self.0 % 100, (n * 7 + self.0) % 100);
            writeln!(text, "{name},{id},{card},313731010015,{yuan}.{fen:02}")
                .expect("writing to a string cannot fail");
        }
        text
    }
}

/// Code of the `n`th project, from 0.
pub(crate) fn project_code(n: u32) -> String {
    format!("P{n:03}")
}

/// Its special account.
pub(crate) fn account(n: u32) -> String {
    format!("53000000{n:04}")
}

fn id_number(project: u32, n: u32) -> String {
    let (area, day) = (project % 90 + 1, n % 28 + 1);
    let body = format!("5301{area:02}1970{:02}{day:02}{:03}", n % 12 + 1, n % 1_000);
    let sum: u32 = body
        .bytes()
        .zip(WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    let check = b"10X98765432"
        .get(sum as usize % 11)
        .expect("eleven remainders");
    format!("{body}{}", char::from(*check))
}

fn card(project: u32, n: u32) -> String {
    let body = format!("622588{project:03}{n:09}");
    let doubled = |digit: u32| digit * 2 / 10 + digit * 2 % 10;
    let sum: u32 = (0..)
        .zip(body.bytes().rev())
        .map(
            |(place, digit)| match (place % 2, u32::from(digit - b'0')) {
                (1, digit) => digit,
                (_, digit) => doubled(digit),
            },
        )
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}
