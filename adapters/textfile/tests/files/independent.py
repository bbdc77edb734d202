"""An independent reader of the sample banks' instruction files: Python's own codecs, none of our code, and the layouts written out a second time.

  independent.py BANK FILE   prints `count=.. sum=.. unique=..` (fen) of what the rows say; exit 1 on any violation
"""

import sys


def fen(yuan):
    whole, _, cents = yuan.partition(".")
    if len(cents) != 2 or not (whole + cents).isdigit():
        raise ValueError("not yuan with two decimals")
    return int(whole) * 100 + int(cents)


def digits(text):
    if not text.isdigit():
        raise ValueError("not digits")
    return int(text)


def card_number(text):
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(text))]
    if len(text) != 19 or sum(value - 9 if value > 9 else value for value in doubled) % 10:
        raise ValueError("no card number")
    return text


def bishui(data):
    lines = data.decode("gb18030").split("\r\n")
    if lines[-2:] != ["########", ""] or any("\r" in line or "\n" in line for line in lines):
        raise ValueError("line ends or closing line")
    head = lines[0].split("|")
    mark, key, account, count, total, day, rest = head
    if (mark, rest, len(key), len(day)) != ("P", "", 20, 8):
        raise ValueError("heading")
    rows = []
    for line in lines[1:-2]:
        number, card, name, cnaps, amount, remark, rest = line.split("|")
        if len(number) != 7 or len(cnaps) != 12 or not cnaps.isdigit() or rest or not name or not remark:
            raise ValueError("row")
        rows.append((digits(number), card_number(card), digits(amount)))
    return digits(count), digits(total), rows


def cangling(data):
    if not data.endswith(b"\n") or b"\r" in data:
        raise ValueError("line ends")
    lines = data[:-1].split(b"\n")
    if len(lines[0]) != 121 or len(lines[-1]) != 27:
        raise ValueError("width of heading or totals")
    rows = []
    for line in lines[1:-1]:
        if len(line) != 158:
            raise ValueError("width of a row")
        cells, place = [], 0
        for width in (1, 60, 32, 12, 15, 8, 30):
            cells.append(line[place : place + width].decode("gb18030"))
            place += width
        mark, name, card, cnaps, amount, number, remark = cells
        if mark != "D" or not name.strip() or not cnaps.isdigit() or not remark.strip():
            raise ValueError("row")
        rows.append((digits(number), card_number(card.rstrip(" ")), fen(amount)))
    if lines[0][:3] != b"H01" or lines[-1][:1] != b"T":
        raise ValueError("marks")
    return digits(lines[-1][1:9].decode()), fen(lines[-1][9:27].decode()), rows


def lanhe(data):
    lines = data.decode("gbk").split("\r\n")
    if lines[-2:] != ["*", ""] or any("\r" in line or "\n" in line for line in lines):
        raise ValueError("line ends or closing line")
    labels = ("#代发工资，金额单位：元", "批次号:", "制表时间:", "付款账号:", "付款户名:")
    if not all(line.startswith(label) for line, label in zip(lines, labels)):
        raise ValueError("heading")
    nothing, mark, count, total = lines[-3].split("|::|")
    if (nothing, mark) != ("", "合计") or not total.endswith("元"):
        raise ValueError("totals")
    rows = []
    for number, line in enumerate(lines[5:-3], 1):
        nothing, card, amount, name, nought, remark = line.split("|::|")
        if nothing or nought != "0" or not name or len(remark.encode("gbk")) > 20:
            raise ValueError("row")
        rows.append((number, card_number(card), fen(amount)))
    return digits(count), fen(total[:-1]), rows


def main(bank, path):
    with open(path, "rb") as file:
        count, total, rows = {"bishui": bishui, "cangling": cangling, "lanhe": lanhe}[bank](file.read())
    if [number for number, _, _ in rows] != list(range(1, len(rows) + 1)):
        raise ValueError("row numbers")
    if count != len(rows) or total != sum(amount for _, _, amount in rows):
        raise ValueError("stated totals differ from the rows")
    print(f"count={count} sum={total} unique={len({card for _, card, _ in rows})}")


try:
    main(*sys.argv[1:])
except ValueError as fault:
    sys.exit(f"violation: {fault}")
