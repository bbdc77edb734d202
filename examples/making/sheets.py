"""One wage sheet for each project, every one laid out by another hand: titles, order and names of the columns, totals, signatures, gaps."""

from dataclasses import dataclass

from making.people import TEAMS
from making.workbook import Number, Sheet, Sum, Title, Yuan, csv_file, reference, xlsx_file

MONTH = "2026年10月"

# What stands under a header. Headers that are not here stay empty, as 签字 does on a sheet that was signed on paper.
CELLS = {
    "序号": lambda worker, number: Number(number),
    "姓名": lambda worker, _: worker.name,
    "身份证号": lambda worker, _: worker.identity,
    "工资卡号": lambda worker, _: worker.card,
    "联行号": lambda worker, _: worker.bank,
    "班组": lambda worker, _: worker.team,
    "工种": lambda worker, _: TEAMS[worker.team],
    "出勤天数": lambda worker, _: Number(worker.days),
    "应发工资": lambda worker, _: yuan(worker.gross),
    "扣款": lambda worker, _: yuan(worker.deducted),
    "实发工资": lambda worker, _: yuan(worker.net),
    "备注": lambda worker, _: "月中进场" if worker.days < 20 else None,
}
SAME = {
    "工人姓名": "姓名", "收款人": "姓名", "身份证号码": "身份证号", "银行卡号": "工资卡号", "银行账号": "工资卡号",
    "开户行行号": "联行号", "实发金额": "实发工资",
}
TOTALLED = {"应发工资": "gross", "扣款": "deducted", "实发工资": "net"}


@dataclass
class Layout:
    """How one contractor writes."""

    columns: str
    workers: tuple
    kind: str = "xlsx"
    titles: tuple = ("{project}农民工工资发放表", "项目名称：{project}|月份：{month}|单位：元")
    gap_above: int = 0
    gap_every: int = 0
    names: tuple = ("工资表",)
    guidance: bool = False
    shared: bool = True
    formula: bool = False
    amounts_as_text: int = 0
    tabbed: bool = False
    dot: str = "·"


# In the order of `places.PROJECTS`.
LAYOUTS = [
    Layout("序号 姓名 身份证号 班组 工种 出勤天数 应发工资 扣款 实发工资 银行卡号 联行号 签字 备注", (412,), formula=True),
    Layout("序号 班组 工人姓名 身份证号码 工资卡号 开户行行号 出勤天数 实发金额 签字", (238,), kind="gb18030"),
    Layout(
        "序号 工人姓名 工种 身份证号 银行账号 联行号 应发工资 扣款 实发工资 签字", (164, 121), gap_above=1,
        names=("土建班组", "安装班组"), guidance=True,
    ),
    Layout(
        "收款人 银行账号 开户行行号 实发金额 身份证号码 备注", (566,), titles=(), shared=False, amounts_as_text=9,
    ),
    Layout(
        "序号 姓名 工种 出勤天数 应发工资 扣款 实发工资 身份证号 工资卡号 联行号 备注", (307,), kind="utf-8-sig", tabbed=True,
        gap_above=1,
    ),
    Layout(
        "班组 序号 姓名 工种 身份证号码 出勤天数 应发工资 扣款 实发金额 签字 工资卡号 开户行行号", (351,), gap_every=44,
        titles=("农民工工资支付表", "项目名称：{project}", "总包单位：{contractor}", "月份：{month}"), gap_above=1, dot="•",
    ),
    Layout("实发工资 姓名 银行卡号 联行号 身份证号 备注", (274,), kind="utf-8", titles=(), amounts_as_text=1),
    Layout(
        "序号 收款人 身份证号码 开户行行号 银行卡号 出勤天数 应发工资 扣款 实发工资 签字 备注", (193,), shared=False,
        gap_every=70, titles=("项目名称：{project}", "{month}工资发放明细（{contractor}）"), amounts_as_text=17,
    ),
]


def yuan(fen):
    """An amount as a number cell."""
    return Yuan(f"{fen // 100}.{fen % 100:02}")


def grouped(fen):
    """An amount as text with thousands apart: `5,432.10`."""
    return f"{fen // 100:,}.{fen % 100:02}"


def full_width(digits):
    """The digits as a Chinese input method leaves them."""
    return digits.translate({ord("0") + n: ord("０") + n for n in range(10)})


def in_fours(digits):
    """The digits as they stand on a card."""
    return " ".join(digits[place : place + 4] for place in range(0, len(digits), 4))


def wage_sheet(layout, project, people):
    """The bytes of a project's wage sheet, what `sheets.json` says of it, and its workers."""
    teams = [people.team(size) for size in layout.workers]
    sheets = [filled(layout, name, project, workers) for name, workers in zip(layout.names, teams)]
    if layout.kind == "xlsx":
        name, content = f"{project['code']}.xlsx", xlsx_file([guidance()] * layout.guidance + sheets, layout.shared)
    else:
        name, content = f"{project['code']}.csv", csv_file(sheets[0], layout.kind)
    workers = sum(teams, [])
    return content, {
        "file": f"sheets/{name}",
        "project": project["code"],
        "rows": len(workers),
        "total_fen": sum(worker.net for worker in workers),
    }, workers


def filled(layout, name, project, workers):
    """A sheet from its title to the signatures."""
    headers = layout.columns.split()
    sheet = Sheet(name)
    add_titles(sheet, layout, project, len(headers))
    sheet.rows.append(headers)
    first = len(sheet.rows) + 1
    for number, worker in enumerate(workers, 1):
        sheet.rows.append(line(layout, headers, worker, number))
        if layout.gap_every and number % layout.gap_every == 0:
            sheet.rows.append([])
    add_totals(sheet, layout, headers, workers, first)
    sheet.rows += [[], ["制表人：段晓样", None, "劳资专管员：罗玉例", None, "项目负责人：杨样明"], [None, None, "2026年11月3日"]]
    return sheet


def add_titles(sheet, layout, project, width):
    """Titles across the whole width, and blank rows between them and the headers."""
    for number, title in enumerate(layout.titles, 1):
        texts = title.format(project=project["name"], contractor=project["contractor"], month=MONTH).split("|")
        if len(texts) == 1:
            sheet.rows.append([Title(texts[0])])
            sheet.merged.append(f"{reference(number, 0)}:{reference(number, width - 1)}")
        else:
            sheet.rows.append([texts[0], None, None, None, *texts[1:]])
            sheet.merged.append(f"{reference(number, 0)}:{reference(number, 3)}")
    sheet.rows += [[]] * layout.gap_above


def line(layout, headers, worker, number):
    """One worker's row, with the small untidiness of people who type."""
    cells = {header: CELLS.get(SAME.get(header, header), lambda *_: None)(worker, number) for header in headers}
    for header in headers:
        meaning = SAME.get(header, header)
        if meaning == "姓名":
            cells[header] = worker.name.replace("·", layout.dot)
        if meaning == "工资卡号" and number % 37 == 5:
            cells[header] = in_fours(worker.card)
        if meaning == "工资卡号" and number % 83 == 11:
            cells[header] = full_width(worker.card)
        if meaning == "身份证号" and number % 91 == 23:
            cells[header] = full_width(worker.identity)
        if meaning == "身份证号" and number % 5 == 0:
            cells[header] = cells[header].lower()
        if meaning in ("身份证号", "工资卡号", "联行号") and layout.tabbed:
            cells[header] += "\t"
        if meaning == "实发工资" and layout.amounts_as_text and number % layout.amounts_as_text == 0:
            cells[header] = grouped(worker.net)
    return list(cells.values())


def add_totals(sheet, layout, headers, workers, first):
    """The totals row: 合计 and the sums, as formulas where the layout says so."""
    totals = ["合计"] + [None] * (len(headers) - 1)
    for place, header in enumerate(headers):
        if field := TOTALLED.get(SAME.get(header, header)):
            value = yuan(sum(getattr(worker, field) for worker in workers))
            over = f"{reference(first, place)}:{reference(len(sheet.rows), place)}"
            totals[place] = Sum(over, value) if layout.formula else value
    if TOTALLED.get(SAME.get(headers[0], headers[0])):
        totals[1] = "合计"
    sheet.rows.append(totals)


def guidance():
    """A sheet of advice, such as contractors' templates begin with."""
    return Sheet(
        "填写说明",
        [
            [Title("填写说明")],
            ["1. 每人每月一行，身份证号与银行账号请设为文本格式后再填写。"],
            ["2. 实发工资为扣款后金额，保留两位小数。"],
            ["3. 银行账号必须为工人本人账户，不得代领。"],
            ["4. 填完后由劳资专管员复核并在公示栏公示。"],
        ],
        ["A1:F1"],
    )
