//! One worker as a form states it: fields with the cell and the column that they came from. What a cell means is not known here.

use crate::intake::{cells::Cell, place::Place, row::Flawed};

/// What a roster says of a worker, attendance apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Name,
    IdNumber,
    Phone,
    /// 岗位: manager or worker.
    Role,
    /// 工种: any trade; only the managers among them matter.
    Trade,
    Team,
    EnteredOn,
    LeftOn,
    Card,
    Cnaps,
    CardKind,
    Month,
    Days,
}

impl Field {
    /// Every field.
    pub(super) const ALL: [Self; 13] = [
        Self::Name,
        Self::IdNumber,
        Self::Phone,
        Self::Role,
        Self::Trade,
        Self::Team,
        Self::EnteredOn,
        Self::LeftOn,
        Self::Card,
        Self::Cnaps,
        Self::CardKind,
        Self::Month,
        Self::Days,
    ];

    /// What its column is called in the first place, and other names for it; best first.
    pub(super) const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Name => &["姓名", "工人姓名", "人员姓名", "员工姓名", "名字", "name"],
            Self::IdNumber => &[
                "身份证号",
                "身份证号码",
                "身份证",
                "公民身份号码",
                "证件号码",
                "证件号",
                "身份证件号码",
                "id_number",
            ],
            Self::Phone => &["手机号", "手机号码", "联系电话", "电话", "手机", "phone"],
            Self::Role => &["岗位", "人员类型", "工人类型", "岗位类型", "role"],
            Self::Trade => &["工种", "工种/岗位", "岗位/工种", "trade"],
            Self::Team => &["班组", "班组名称", "所属班组", "team"],
            Self::EnteredOn => &["进场日期", "进场时间", "入场日期", "入场时间", "entered_on"],
            Self::LeftOn => &["退场日期", "退场时间", "离场日期", "离场时间", "left_on"],
            Self::Card => &[
                "银行卡号",
                "工资卡号",
                "工资卡账号",
                "银行账号",
                "银行卡账号",
                "银行帐号",
                "卡号",
                "工资卡",
                "card",
            ],
            Self::Cnaps => &[
                "开户行联行号",
                "联行号",
                "开户行行号",
                "银行联行号",
                "行号",
                "cnaps",
            ],
            Self::CardKind => &["卡类型", "银行卡类型", "工资卡类型", "卡种", "card_kind"],
            Self::Month => &["考勤月份", "出勤月份", "month"],
            Self::Days => &["考勤天数", "出勤天数", "days"],
        }
    }

    /// What its column is called in the first place.
    pub(super) const fn zh(self) -> &'static str {
        match self.names() {
            [best, ..] => best,
            [] => "",
        }
    }
}

/// One cell and where it stands.
pub(super) struct Said {
    /// The column's header or key, as written.
    pub(super) column: String,
    pub(super) cell: Cell,
}

/// One worker, unread.
pub(super) struct Entry {
    pub(super) place: Place,
    /// Name of the sheet or message; empty where there is only one.
    pub(super) sheet: String,
    pub(super) said: Vec<(Field, Said)>,
    /// Months with days.
    pub(super) attendance: Vec<(Said, Said)>,
    /// What was wrong before a field was looked at.
    pub(super) flaws: Vec<Flawed>,
}

impl Entry {
    pub(super) fn new(place: Place, sheet: &str) -> Self {
        Self {
            place,
            sheet: sheet.to_owned(),
            said: Vec::new(),
            attendance: Vec::new(),
            flaws: Vec::new(),
        }
    }

    pub(super) fn say(&mut self, field: Field, column: &str, cell: Cell) {
        let column = column.to_owned();
        self.said.push((field, Said { column, cell }));
    }

    /// What is said of a field, if it is more than blank.
    pub(super) fn filled(&self, field: Field) -> Option<&Said> {
        self.said(field).filter(|said| !said.cell.is_blank())
    }

    pub(super) fn cell(&self, field: Field) -> &Cell {
        const EMPTY: &Cell = &Cell::Empty;
        self.said(field).map_or(EMPTY, |said| &said.cell)
    }

    /// Where a field stands, or would.
    pub(super) fn column(&self, field: Field) -> String {
        self.said(field)
            .map_or_else(|| field.zh().to_owned(), |said| said.column.clone())
    }

    fn said(&self, field: Field) -> Option<&Said> {
        let found = self.said.iter().find(|(other, _)| *other == field);
        found.map(|(_, said)| said)
    }
}
