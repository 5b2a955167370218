//! CSV: a header of field names (and `metadata.KEY`), then a record a row. Cells are text until a
//! field reads them.

use std::io::{self, BufRead};

use crate::ingest::DecodeOptions;
use crate::ingest::format::cells::{Record, Split};
use crate::ingest::format::lines::{Line, Lines};
use crate::ingest::format::source::MalformedInput;
use crate::ingest::output::Output;
use crate::ingest::rejection::{FieldError, ORIGINAL_BYTES_MAX, clip_bytes};
use crate::ingest::row::table::RowTable;
use crate::ingest::row::values::{FieldTarget, Naming, Row, Value};

pub(in crate::ingest) fn read(
    reader: &mut dyn BufRead,
    options: &DecodeOptions,
    output: &mut Output<'_>,
) -> io::Result<()> {
    let mut records = Records {
        lines: Lines::new(reader, options.row_bytes_max),
        record: Record::default(),
        start: 0,
    };
    let Some(header) = records.next(options)? else {
        return Err(MalformedInput::file("the file is empty").into_io());
    };
    let table = output.table(options.object)?;
    let columns = match header {
        Ok(()) => columns(table, &records.record),
        Err(error) => Err(vec![error]),
    };
    let columns = columns.map_err(|errors| {
        let original = clip_bytes(&records.record.text, ORIGINAL_BYTES_MAX);
        MalformedInput { object: options.object, line: Some(records.start), errors, original }
            .into_io()
    })?;

    let mut rows = 0;
    let result = read_rows(&mut records, &columns, &mut rows, options, output);
    let table = output.table(options.object)?;
    columns
        .iter()
        .filter(|column| column.target == FieldTarget::Ignored)
        .for_each(|column| table.ignore(&column.name, rows));
    result
}

struct CsvColumn {
    name: String,
    target: FieldTarget,
}

fn columns(table: &RowTable, header: &Record) -> Result<Vec<CsvColumn>, Vec<FieldError>> {
    let cells = header.cells().map_err(|_| vec![not_text()])?;
    let names: Vec<String> = cells.map(String::from).collect();
    let targets = table.names.columns(names.iter().map(String::as_str))?;
    Ok(names.into_iter().zip(targets).map(|(name, target)| CsvColumn { name, target }).collect())
}

fn read_rows(
    records: &mut Records<'_>,
    columns: &[CsvColumn],
    rows: &mut u64,
    options: &DecodeOptions,
    output: &mut Output<'_>,
) -> io::Result<()> {
    while let Some(record) = records.next(options)? {
        *rows += 1;
        let table = output.table(options.object)?;
        let text = &records.record.text;
        match record.and_then(|()| row(columns, &records.record)) {
            Ok(row) => table.add(records.start, row, || original(text), text.len()),
            Err(error) => table.reject(records.start, error, text.trim_ascii_end()),
        }
        output.step(options.object)?;
    }
    Ok(())
}

fn row<'r>(columns: &'r [CsvColumn], record: &'r Record) -> Result<Row<'r>, FieldError> {
    let cells = record.cells().map_err(|_| not_text())?;
    if cells.len() != columns.len() {
        let (cells, columns) = (cells.len(), columns.len());
        let message = format!(
            "the row has {cells} cells, the header {columns}; put a cell that has commas in quotes"
        );
        return Err(FieldError::malformed(message));
    }
    let mut row = Row::empty(Naming::Column);
    for (column, cell) in columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
        match &column.target {
            FieldTarget::Field(field) => row.set(*field, Value::Cell(cell)),
            FieldTarget::Metadata(key) => {
                row.metadata.push((key.as_str().into(), Value::Cell(cell)))
            }
            FieldTarget::Source => row.source = Value::Cell(cell),
            FieldTarget::Ignored => {}
        }
    }
    Ok(row)
}

fn original(text: &[u8]) -> String {
    String::from_utf8_lossy(text.trim_ascii_end()).into_owned()
}

fn not_text() -> FieldError {
    FieldError::malformed("not UTF-8 text; convert the file to UTF-8")
}

/// The records of a file, each beginning on a line of its own.
struct Records<'r> {
    lines: Lines<'r>,
    record: Record,
    /// The line on which the record begins.
    start: u64,
}

impl Records<'_> {
    /// The next record that is not a blank line. A malformed record is its first line only: the
    /// following lines are read as records, so that a stray quote does not swallow them.
    fn next(&mut self, options: &DecodeOptions) -> io::Result<Option<Result<(), FieldError>>> {
        let mut line = self.first_line()?;
        self.start = self.lines.number();
        let first_end = self.record.text.len();
        let error = loop {
            match line {
                None if self.record.text.is_empty() => return Ok(None),
                None => {
                    break FieldError::malformed(
                        "a quote is opened and never closed; close it, or double it to mean a quote",
                    );
                }
                Some(Line::TooLong) => break FieldError::too_long(options.row_bytes_max),
                Some(Line::Whole)
                    if self.record.text.trim_ascii_end().len() > options.row_bytes_max =>
                {
                    break FieldError::too_long(options.row_bytes_max);
                }
                Some(Line::Whole) => match self.record.split() {
                    Split::Whole => return Ok(Some(Ok(()))),
                    Split::Open => line = self.lines.next(&mut self.record.text)?,
                    Split::Bad => {
                        break FieldError::malformed(
                            "a cell goes on after its closing quote; double the quotes inside a cell",
                        );
                    }
                },
            }
        };
        self.lines.put_back(&self.record.text[first_end..]);
        self.record.text.truncate(first_end);
        Ok(Some(Err(error)))
    }

    fn first_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            self.record.clear();
            let line = self.lines.next(&mut self.record.text)?;
            if line != Some(Line::Whole) || !self.record.text.trim_ascii().is_empty() {
                return Ok(line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ingest::testing::{customers, invoices, render};
    use crate::ingest::{DecodeOptions, Format};

    fn check(input: &[u8], expected: &[&str]) {
        let options = DecodeOptions { format: Some(Format::Csv), row_bytes_max: 40, ..customers() };
        assert_eq!(
            render(input, &options).lines().collect::<Vec<_>>(),
            expected,
            "{}",
            String::from_utf8_lossy(input)
        );
    }

    #[test]
    fn cells_are_read_as_their_field_needs() {
        let header =
            "type,id,customer_id,invoice_date,amount,currency,proration,plan_id,period_end,note";
        let rows = "refund,7,00,2024-02-01,-9.9e3,eur,true,,2024-02-03 04:05:06.7Z,x\n\
                    \"one-time\",\"8\",c,2024-02-01T00:00:00,0,USD,,\"p,\"\"q\"\"\",,\n\
                    refund,9,c,2024-02-01,\"9,900\",USD,TRUE,,,\n\
                    refund,10,c,1/2/2024,+1,,0,,,\n";
        let shown = render(format!("{header}\r\n{rows}").as_bytes(), &invoices());
        assert_eq!(
            shown.lines().collect::<Vec<_>>(),
            [
                r#"row 2 {"id":"7","customer_id":"00","type":"refund","invoice_date":"2024-02-01T00:00:00","invoice_date_zoned":false,"amount":-9900,"currency":"EUR","period_end":"2024-02-03T04:05:06.700","period_end_zoned":true,"proration":true}"#,
                r#"row 3 {"id":"8","customer_id":"c","type":"one-time","invoice_date":"2024-02-01T00:00:00","invoice_date_zoned":false,"amount":0,"currency":"USD","plan_id":"p,\"q\""}"#,
                "reject 4 9: amount wrong_type \"amount\" must be a whole number of minor units, such as 9900 for $99.00 [9,900] \
             | proration wrong_type \"proration\" must be true or false [TRUE]",
                "reject 5 10: invoice_date bad_date \"invoice_date\" must be a date such as 2024-01-15 or 2024-01-15T00:00:00Z, in the years 0001 to 9999 [1/2/2024] \
             | amount wrong_type \"amount\" must be a whole number of minor units, such as 9900 for $99.00 [+1] \
             | currency required \"currency\" is required; give it a value \
             | proration wrong_type \"proration\" must be true or false [0]",
                "ignored note 4",
            ]
        );
    }

    #[test]
    fn lines_are_counted_as_an_editor_does() {
        check(
            b"\xEF\xBB\xBF\nid,name\n\n1,\"a\nb\"\n\r\n2,c",
            &["row 4 {\"id\":\"1\",\"name\":\"a\\nb\"}", "row 7 {\"id\":\"2\",\"name\":\"c\"}"],
        );
        check(b"id,name\n", &[]);
    }

    #[test]
    fn a_wrong_header_is_one_rejection_and_no_rows() {
        let missing = |name: &str| {
            format!(
                "{name} required the column \"{name}\" is missing; add it, or map the column that holds it to \"{name}\""
            )
        };
        check(b"id;name\n1;a\n", &[&format!("reject 1: {} | {}", missing("id"), missing("name"))]);
        check(
            b"id,name,id,note,note\n1,a,1,,\n",
            &["reject 1: id duplicate_key the column \"id\" is there twice; remove one of the two"],
        );
        check(
            b"id,name,\xFF\n1,a,\n",
            &["reject 1: malformed not UTF-8 text; convert the file to UTF-8"],
        );
        check(
            b"\n\"id,name\n1,a\n",
            &[
                "reject 2: malformed a quote is opened and never closed; close it, or double it to mean a quote",
            ],
        );
        check(b" \n", &["reject -: malformed the file is empty"]);
    }

    #[test]
    fn a_bad_record_hides_no_other() {
        check(
            b"id,name\n1\n2,b,c\n3,\xFF\n4,\n5,e\n",
            &[
                "row 6 {\"id\":\"5\",\"name\":\"e\"}",
                "reject 2: malformed the row has 1 cells, the header 2; put a cell that has commas in quotes",
                "reject 3: malformed the row has 3 cells, the header 2; put a cell that has commas in quotes",
                "reject 4: malformed not UTF-8 text; convert the file to UTF-8",
                "reject 5 4: name required \"name\" is required; give it a value",
            ],
        );
    }

    #[test]
    fn a_stray_quote_costs_its_line_only() {
        let after =
            "malformed a cell goes on after its closing quote; double the quotes inside a cell";
        let never =
            "malformed a quote is opened and never closed; close it, or double it to mean a quote";
        check(
            b"id,name\n1,\"a\n2,b\n3,\"c\"\n4,d\n",
            &[
                "row 3 {\"id\":\"2\",\"name\":\"b\"}",
                "row 4 {\"id\":\"3\",\"name\":\"c\"}",
                "row 5 {\"id\":\"4\",\"name\":\"d\"}",
                &format!("reject 2: {after}"),
            ],
        );
        check(
            b"id,name\n1,\"a\n2,b",
            &["row 3 {\"id\":\"2\",\"name\":\"b\"}", &format!("reject 2: {never}")],
        );
    }

    #[test]
    fn a_long_record_hides_no_other() {
        let long = "malformed the row is longer than 40 bytes; shorten it or raise the limit";
        let name = "x".repeat(38);
        check(
            format!("id,name\n1,{name}\n2,x{name}\n3,c\n").as_bytes(),
            &[
                &format!("row 2 {{\"id\":\"1\",\"name\":\"{name}\"}}"),
                "row 4 {\"id\":\"3\",\"name\":\"c\"}",
                &format!("reject 3: {long}"),
            ],
        );
        check(
            format!("id,name\n1,\"a\n2,b\n3,xxx{name}\n4,d\n").as_bytes(),
            &[
                "row 3 {\"id\":\"2\",\"name\":\"b\"}",
                "row 5 {\"id\":\"4\",\"name\":\"d\"}",
                &format!("reject 2: {long}"),
                &format!("reject 4: {long}"),
            ],
        );
    }

    #[test]
    fn columns_may_be_renamed() {
        let map = [("Kunde", "id"), ("Stufe", "metadata.tier"), ("full", "name")]
            .map(|(theirs, ours)| (theirs.into(), ours.into()));
        let options = DecodeOptions { map: map.into(), ..customers() };
        let shown = render(
            b"Kunde,full,name,Stufe,metadata.size,metadata\n1,A,ignored,gold,,\"{\"\"a\"\":1}\"\n,A,,,,{\n",
            &options,
        );
        assert_eq!(
            shown.lines().collect::<Vec<_>>(),
            [
                r#"row 2 {"id":"1","name":"A","metadata":"{\"a\":1,\"tier\":\"gold\"}"}"#,
                "reject 3: Kunde required \"id\" is required; give it a value \
             | metadata malformed \"metadata\" must be a JSON object such as {\"tier\": \"gold\"} [{]",
                "ignored name 2",
            ]
        );
    }
}
