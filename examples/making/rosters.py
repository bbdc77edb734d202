"""Rosters of two projects: the workers of their wage sheets as registered; drawn from no chance, so that no other file changes."""

from datetime import date, timedelta

from making.workbook import Number, Sheet, Title, csv_file, xlsx_file

MONTH = "2026-10"
HEADERS = "序号 姓名 身份证号 手机号 岗位 班组 进场日期 退场日期 银行卡号 开户行联行号 卡类型 考勤月份 考勤天数".split()

# Project and kind of file.
ROSTERS = {"530902202610001": "xlsx", "530302202610001": "gb18030"}


def roster(project, workers):
    """The path and the bytes of a project's roster, or nothing where it has none."""
    kind = ROSTERS.get(project["code"])
    if kind is None:
        return {}
    sheet = Sheet("花名册", [[Title(f"{project['name']}工人花名册")], [f"项目编码：{project['code']}"], HEADERS], ["A1:M1"])
    sheet.rows += [line(number, worker) for number, worker in enumerate(workers, 1)]
    sheet.rows += [[], ["制表人：段晓样", None, "劳资专管员：罗玉例"]]
    if kind == "xlsx":
        return {f"rosters/{project['code']}.xlsx": xlsx_file([sheet], True)}
    return {f"rosters/{project['code']}.csv": csv_file(sheet, kind)}


def line(number, worker):
    """One worker's row; telephones begin with 120, as no mobile number does."""
    return [
        Number(number),
        worker.name,
        worker.identity,
        f"120{number:08}",
        None if number % 9 == 0 else "建筑工人",
        worker.team,
        entered(number, worker),
        "2026-10-30" if number % 97 == 50 else None,
        worker.card,
        worker.bank,
        kind_of_card(number),
        MONTH,
        Number(worker.days),
    ]


def entered(number, worker):
    """The first day on site: who attended few days came in the middle of the month."""
    day = date(2026, 10, 12) if worker.days < 20 else date(2026, 3, 1) + timedelta(days=number % 120)
    return f"{day:%Y-%m-%d}"


def kind_of_card(number):
    """Most cards are another bank's; nobody is made to change."""
    if number % 11 == 0:
        return None
    if number % 5 == 0:
        return "云建宝卡"
    return "社保卡" if number % 7 == 0 else "他行卡"
