"""A workbook with every mistake that a wage sheet can have, planted among good rows, and the list of where each one stands."""

from dataclasses import replace
from datetime import date

from making.numbers import identity_check
from making.people import identity
from making.sheets import MONTH, Layout, add_titles, line, yuan
from making.workbook import Error, Number, Sheet, Yuan, xlsx_file

LAYOUT = Layout("序号 姓名 身份证号 班组 工种 出勤天数 应发工资 扣款 实发工资 银行卡号 联行号 备注", ())
HEADERS = LAYOUT.columns.split()
NAME, IDENTITY, CARD, BANK, AMOUNT = "姓名", "身份证号", "银行卡号", "联行号", "实发工资"

# Added to the right sum: no way of counting the unreadable amounts makes up for it.
TOTAL_OFF_BY = 1_234_567_89


def other_last(number):
    """The number with a last digit that is not the right one."""
    return number[:-1] + "3456789012"["0123456789".find(number[-1])]


def born_in_month_13(number):
    """An identity number whose check character is right, but whose date is none."""
    body = f"{number[:10]}13{number[12:17]}"
    return body + identity_check(body)


def planted(chance):
    """Every mistake of a single cell: its code, its column, and what stands there for a given worker."""
    child = identity(date(2018, 5, 4), chance)
    return [
        ("name_missing", NAME, lambda worker: None),
        ("name_bad", NAME, lambda worker: f"{worker.name[0]}*{worker.name[-1]}"),
        ("name_bad", NAME, lambda worker: f"{worker.name[0]}?"),
        ("name_too_long", NAME, lambda worker: worker.name * 31),
        ("id_missing", IDENTITY, lambda worker: None),
        ("id_form", IDENTITY, lambda worker: worker.identity[:17]),
        ("id_form", IDENTITY, lambda worker: f"{worker.identity[:9]}O{worker.identity[10:]}"),
        ("id_birth_date", IDENTITY, lambda worker: born_in_month_13(worker.identity)),
        ("id_check", IDENTITY, lambda worker: other_last(worker.identity)),
        ("under_age", IDENTITY, lambda worker: child),
        ("card_missing", CARD, lambda worker: None),
        ("card_digits", CARD, lambda worker: f"{worker.card[:10]}O{worker.card[11:]}"),
        ("card_digits", CARD, lambda worker: f"{worker.card[:6]}****{worker.card[-4:]}"),
        ("card_length", CARD, lambda worker: worker.card[:7]),
        ("card_length", CARD, lambda worker: worker.card * 2),
        ("card_scientific", CARD, lambda worker: Number("6.2258814142074E+18")),
        ("cnaps_form", BANK, lambda worker: worker.bank[:11]),
        ("cnaps_check", BANK, lambda worker: other_last(worker.bank)),
        ("amount_missing", AMOUNT, lambda worker: None),
        ("amount_not_number", AMOUNT, lambda worker: "待定"),
        ("amount_not_number", AMOUNT, lambda worker: "伍仟元整"),
        ("amount_below_fen", AMOUNT, lambda worker: Yuan("4321.125")),
        ("amount_below_fen", AMOUNT, lambda worker: "5,432.105"),
        ("amount_zero", AMOUNT, lambda worker: Yuan("0.00")),
        ("amount_negative", AMOUNT, lambda worker: Yuan("-3200.00")),
        ("cell_error", AMOUNT, lambda worker: Error("#REF!")),
    ]


class Draft:
    """A sheet that is being filled; what is wrong on it goes to `found`."""

    def __init__(self, name, project, found):
        self.sheet, self.found, self.sum, self.number = Sheet(name), found, 0, 0
        add_titles(self.sheet, LAYOUT, project, len(HEADERS))
        self.sheet.rows.append(HEADERS)

    def add(self, worker, code=None, column=None, write=None):
        """A worker's row, with one cell written wrong where `write` says how."""
        self.number += 1
        self.sum += worker.net
        cells = dict(zip(HEADERS, line(LAYOUT, HEADERS, worker, self.number)))
        if write:
            cells[column] = write(worker)
        self.sheet.rows.append(list(cells.values()))
        if code:
            self.note(code, column)

    def add_repeats(self, people, twice, shared):
        """`twice` once more with another card, and somebody else with the card of `shared`."""
        again = replace(people.worker(), name=twice.name, identity=twice.identity)
        self.add(again, "two_cards", IDENTITY)
        self.add(replace(people.worker(), card=shared.card), "card_of_two", CARD)

    def close(self, off_by=0):
        """The totals row, wrong by `off_by` fen, and the signatures."""
        total = dict.fromkeys(HEADERS) | {HEADERS[0]: "合计", AMOUNT: yuan(self.sum + off_by)}
        self.sheet.rows.append(list(total.values()))
        if off_by:
            self.note("total_differs", AMOUNT)
        self.sheet.rows += [[], ["制表人：段晓样", None, "劳资专管员：罗玉例", None, "项目负责人：杨样明"]]
        return self.sheet

    def note(self, code, column):
        """Keeps where the row just added is wrong."""
        self.found.append({"sheet": self.sheet.name, "row": len(self.sheet.rows), "column": column, "code": code})


def mistakes(project, people):
    """The workbook's bytes, and its mistakes as `mistakes.json` lists them."""
    found, good = [], people.team(34)
    main = Draft("工资表", project, found)
    wrong = iter(planted(people.chance))
    for worker in good:
        main.add(worker)
        if mistake := next(wrong, None):
            main.add(people.worker(), *mistake)
    main.add_repeats(people, good[3], good[9])
    extra = Draft("补充人员", project, found)
    for worker in people.team(6):
        extra.add(worker)
    main_sheet = main.close()
    extra.add_repeats(people, good[20], good[25])
    # Where no amount is unreadable: only there a total can be compared.
    sheets = [main_sheet, extra.close(TOTAL_OFF_BY), last_month(project, people, found), cardless(people, found)]
    return xlsx_file(sheets, shared=True), found


def last_month(project, people, found):
    """A sheet whose title names the month before."""
    draft = Draft("九月补录", project, found)
    for number, row in enumerate(draft.sheet.rows, 1):
        before = [cell.replace(MONTH, "2026年9月") if isinstance(cell, str) else cell for cell in row]
        if before != row:
            draft.sheet.rows[number - 1] = before
            found.append({"sheet": draft.sheet.name, "row": number, "column": "", "code": "month_differs"})
    draft.add(people.worker())
    return draft.close()


def cardless(people, found):
    """A sheet whose header lacks the cards: left out in silence, its workers would not be paid."""
    headers = [header for header in HEADERS if header != CARD]
    worker = people.worker()
    sheet = Sheet("零星用工", [headers, line(LAYOUT, headers, worker, 1)])
    found.append({"sheet": sheet.name, "row": 1, "column": "", "code": "no_header"})
    return sheet
