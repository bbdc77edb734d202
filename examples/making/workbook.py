"""Writes what a spreadsheet program writes: .xlsx workbooks (ECMA-376) and .csv files; knows nothing of wages."""

import csv
import io
import zipfile
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

# Places in the list of cell formats in `STYLES`.
TEXT, MONEY, TITLE = 1, 2, 3
STYLES = (
    f'<styleSheet xmlns="{MAIN}">'
    '<fonts count="2"><font><sz val="11"/><name val="宋体"/></font><font><b/><sz val="16"/><name val="宋体"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="2" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1" applyAlignment="1">'
    '<alignment horizontal="center"/></xf></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


class Number(str):
    """A number cell, written with these digits."""


class Yuan(str):
    """A number cell shown with two decimals."""


class Error(str):
    """A cell whose formula failed, such as `#REF!`."""


class Title(str):
    """A text cell in large type."""


@dataclass
class Sum:
    """A cell that adds up a range, with the sum that the spreadsheet program saw last."""

    over: str
    value: str


@dataclass
class Sheet:
    """Rows of cells: None, plain text, or one of the kinds above. `merged` holds ranges such as `A1:F1`."""

    name: str
    rows: list = field(default_factory=list)
    merged: list = field(default_factory=list)


def reference(row, column):
    """`A1` for row 1 and column 0; 26 columns are enough here."""
    return f"{chr(ord('A') + column)}{row}"


def csv_file(sheet, encoding):
    """The sheet as .csv: commas, CRLF, quotes only where needed."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    width = max(map(len, sheet.rows))
    for row in sheet.rows:
        writer.writerow([cell or "" for cell in row] + [""] * (width - len(row)))
    return text.getvalue().encode(encoding)


def xlsx_file(sheets, shared):
    """A workbook; texts stand in the cells, or in a table of their own when `shared`, as the common programs do it."""
    table = {} if shared else None
    parts = {f"xl/worksheets/sheet{n}.xml": sheet_part(sheet, table) for n, sheet in enumerate(sheets, 1)}
    parts["xl/workbook.xml"] = workbook_part(sheets)
    parts["xl/styles.xml"] = STYLES
    if shared:
        parts["xl/sharedStrings.xml"] = shared_part(table)
    parts["xl/_rels/workbook.xml.rels"] = relations(
        [("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)]
        + [("styles", "styles.xml")]
        + [("sharedStrings", "sharedStrings.xml")] * shared
    )
    parts["_rels/.rels"] = relations([("officeDocument", "xl/workbook.xml")])
    return packed({"[Content_Types].xml": content_types(parts), **parts})


def packed(parts):
    """The parts as a ZIP archive in which nothing depends on clock or machine."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.compress_type = 0, zipfile.ZIP_DEFLATED
            package.writestr(entry, (HEAD + text).encode())
    return archive.getvalue()


def content_types(parts):
    """What each part is."""
    kinds = {"workbook": "sheet.main", "styles": "styles", "sharedStrings": "sharedStrings"}
    prefix = "application/vnd.openxmlformats-officedocument.spreadsheetml."
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{prefix}{kinds.get(name[3:-4], "worksheet")}+xml"/>'
        for name in parts
        if name.endswith(".xml")
    )
    return (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{overrides}</Types>'
    )


def relations(targets):
    """Which parts belong to a part, as (kind, place)."""
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'


def workbook_part(sheets):
    """The list of sheets."""
    names = "".join(f'<sheet name="{sheet.name}" sheetId="{n}" r:id="rId{n}"/>' for n, sheet in enumerate(sheets, 1))
    return f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>'


def shared_part(table):
    """The table of texts."""
    texts = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in table)
    return f'<sst xmlns="{MAIN}" uniqueCount="{len(table)}">{texts}</sst>'


def sheet_part(sheet, table):
    """One sheet; `table` collects its texts when it is not None."""
    rows = "".join(row_part(number, row, table) for number, row in enumerate(sheet.rows, 1) if row)
    merged = "".join(f'<mergeCell ref="{area}"/>' for area in sheet.merged)
    merged = merged and f'<mergeCells count="{len(sheet.merged)}">{merged}</mergeCells>'
    widths = '<cols><col min="1" max="26" width="16" customWidth="1"/></cols>'
    return f'<worksheet xmlns="{MAIN}">{widths}<sheetData>{rows}</sheetData>{merged}</worksheet>'


def row_part(number, row, table):
    """One row that has cells."""
    cells = "".join(cell_part(reference(number, place), cell, table) for place, cell in enumerate(row))
    return f'<row r="{number}">{cells}</row>'


def cell_part(place, cell, table):
    """One cell, nothing for an empty one."""
    if cell is None:
        return ""
    if isinstance(cell, Sum):
        return f'<c r="{place}" s="{MONEY}"><f>SUM({cell.over})</f><v>{cell.value}</v></c>'
    if isinstance(cell, Error):
        return f'<c r="{place}" s="{MONEY}" t="e"><v>{cell}</v></c>'
    if isinstance(cell, (Number, Yuan)):
        return f'<c r="{place}" s="{MONEY if isinstance(cell, Yuan) else 0}"><v>{cell}</v></c>'
    style = TITLE if isinstance(cell, Title) else TEXT
    if table is None:
        return f'<c r="{place}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
    return f'<c r="{place}" s="{style}" t="s"><v>{table.setdefault(str(cell), len(table))}</v></c>'
