"""Records as the files that other systems read: AS9102 workbook and PDF, Q-DAS, QIF, CSV, Parquet.

    read_report(record) -> Report; to_workbook(report) -> XLSX; fair_paper(report, issued=...) -> Paper
    to_dfq(inspections) -> Q-DAS ASCII transfer format; to_qif(inspections, now=...) -> QIF 3.0 Results XML
    measurement_table, spc_table, ncr_table -> Table; to_csv(table), to_parquet(table)

A number is written exactly, with its unit and uncertainty beside it; NaN is refused, absent stays empty. Text
is never a formula. The commands are in `hallmark.export_cli`.
"""

from hallmark.errors import ExportError
from hallmark.exports.aqdef import to_dfq
from hallmark.exports.forms import Report, read_report
from hallmark.exports.measurements import measurement_table
from hallmark.exports.paper import fair_paper
from hallmark.exports.qif import to_qif
from hallmark.exports.quality_tables import ncr_table, spc_table
from hallmark.exports.tables import Column, Table, to_csv, to_parquet
from hallmark.exports.workbook import to_workbook

__all__ = [
    "Column", "ExportError", "Report", "Table", "fair_paper", "measurement_table", "ncr_table", "read_report",
    "spc_table", "to_csv", "to_dfq", "to_parquet", "to_qif", "to_workbook",
]  # fmt: skip
