"""An independent reader of pain.001, pain.002 and camt files: Python's expat, none of our code. Prints `key=value` lines for the tests.

  independent.py instruction FILE   what a schema cannot see: counts, sums, duplicates, character rules; exit 1 on a violation
  independent.py documents FOLDER   one line for each document found below: what it says, and how many transactions it has
"""

import pathlib
import re
import sys
import unicodedata
import xml.etree.ElementTree as ET
from decimal import Decimal

REFERENCE = re.compile(r"[A-Z0-9]{1,35}")
CNAPS = re.compile(r"[0-9]{12}")


def local(tag):
    return tag.rsplit("}", 1)[-1]


def find(node, path):
    for name in path.split("/"):
        node = next((child for child in node if local(child.tag) == name), None)
        if node is None:
            return None
    return node


def text(node, path):
    found = find(node, path)
    return None if found is None or found.text is None else found.text.strip()


def unfit(value):
    return any(unicodedata.category(c) in ("Cc", "Cs", "Cn") or c == "\ufffd" for c in value)


def instruction(path):
    stated_counts, stated_sums, names = [], [], []
    count, total, seen, faults = 0, Decimal(0), set(), []
    where = []
    for event, node in ET.iterparse(path, events=("start", "end")):
        tag = local(node.tag)
        if event == "start":
            where.append(tag)
            continue
        where.pop()
        above = where[-1] if where else ""
        if above in ("GrpHdr", "PmtInf") and tag == "NbOfTxs":
            stated_counts.append(int(node.text))
        elif above in ("GrpHdr", "PmtInf") and tag == "CtrlSum":
            stated_sums.append(Decimal(node.text))
        elif (above, tag) in (("GrpHdr", "MsgId"), ("PmtInf", "PmtInfId")):
            names.append(node.text)
        elif (above, tag) == ("CtgyPurp", "Cd") and node.text != "SALA":
            faults.append("category purpose")
        elif tag == "CdtTrfTxInf":
            count += 1
            reference = text(node, "PmtId/EndToEndId")
            amount = find(node, "Amt/InstdAmt")
            total += Decimal(amount.text)
            if reference in seen:
                faults.append(f"row {count}: EndToEndId twice")
            seen.add(reference)
            if not REFERENCE.fullmatch(reference):
                faults.append(f"row {count}: EndToEndId")
            if amount.get("Ccy") != "CNY" or not re.fullmatch(r"[0-9]+\.[0-9]{2}", amount.text):
                faults.append(f"row {count}: amount")
            name = text(node, "Cdtr/Nm")
            if not 1 <= len(name) <= 60 or unfit(name):
                faults.append(f"row {count}: name")
            if not re.fullmatch(r"[0-9]{8,32}", text(node, "CdtrAcct/Id/Othr/Id")):
                faults.append(f"row {count}: account")
            agent = find(node, "CdtrAgt/FinInstnId/ClrSysMmbId")
            if agent is not None and (text(agent, "ClrSysId/Cd") != "CNAPS" or not CNAPS.fullmatch(text(agent, "MmbId"))):
                faults.append(f"row {count}: clearing number")
            if unfit(text(node, "RmtInf/Ustrd") or ""):
                faults.append(f"row {count}: remark")
            node.clear()
    if stated_counts != [count, count]:
        faults.append(f"NbOfTxs {stated_counts}, rows {count}")
    if stated_sums != [total, total]:
        faults.append(f"CtrlSum {stated_sums}, sum {total}")
    if len(set(names)) != 1 or not REFERENCE.fullmatch(names[0]):
        faults.append("MsgId and PmtInfId")
    print(f"count={count} sum={total} unique={len(seen)} faults={len(faults)}")
    for fault in faults[:20]:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def below(node, name):
    return [inner for inner in node.iter() if local(inner.tag) == name]


def report(root):
    rows = below(root, "TxInfAndSts")
    paid = sum(text(row, "TxSts") in ("ACSC", "ACCC") for row in rows)
    groups = below(root, "OrgnlPmtInfAndSts")
    silent = [group for group in groups if not below(group, "TxInfAndSts")]
    stated = sum(text(group, "PmtInfSts") is not None for group in silent)
    levels = [text(group, "PmtInfSts") for group in groups] + [text(group, "GrpSts") for group in below(root, "OrgnlGrpInfAndSts")]
    levels += [text(count, "DtldSts") for count in below(root, "NbOfTxsPerSts")]
    paid_levels = sum(level in ("ACSC", "ACCC") for level in levels)
    return dict(kind="report", transactions=len(rows), paid=paid, silent=stated, paid_levels=paid_levels, returns=0)


def returned(node):
    codes = {code.text for kind in ("Cd", "SubFmlyCd") for code in below(node, kind)}
    return "RRTN" in codes


def entries(root):
    transactions = returns = 0
    for entry in below(root, "Ntry"):
        details = below(entry, "TxDtls")
        status = find(entry, "Sts")
        booked = (text(status, "Cd") or (status.text or "").strip()) == "BOOK" if status is not None else False
        code = find(entry, "BkTxCd")
        of_entry = (code is not None and returned(code)) or text(entry, "RvslInd") in ("true", "1")
        transactions += max(1, len(details))
        if not booked:
            continue
        if not details:
            returns += of_entry
        for detail in details:
            own = find(detail, "BkTxCd")
            of_detail = find(detail, "RtrInf") is not None or (own is not None and returned(own))
            returns += of_detail or (of_entry and own is None)
    return dict(kind="entries", transactions=transactions, paid=0, silent=0, paid_levels=0, returns=returns)


def documents(folder):
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if not path.is_file() or path.suffix not in ("", ".xml"):
            continue
        try:
            root = ET.parse(path).getroot()
        except ET.ParseError:
            print(f"kind=broken transactions=0 paid=0 silent=0 paid_levels=0 returns=0 path={path}") if path.suffix == ".xml" else None
            continue
        message = next((local(child.tag) for child in root), "")
        if message.startswith("CstmrPmtStsRpt"):
            found = report(root)
        elif message.startswith(("BkToCstmrDbtCdtNtfctn", "BkToCstmrStmt", "BkToCstmrAcctRpt")):
            found = entries(root)
        else:
            found = dict(kind="other", transactions=0, paid=0, silent=0, paid_levels=0, returns=0)
        print(" ".join(f"{key}={value}" for key, value in found.items()), f"path={path}")
    return 0


if __name__ == "__main__":
    sys.exit({"instruction": instruction, "documents": documents}[sys.argv[1]](sys.argv[2]))
