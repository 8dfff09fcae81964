//! A report as a table for a terminal.

use std::fmt;

use self::columns::Layout;
use self::text::paragraph;
use super::report::{AccountOutcome, Report};

mod columns;
mod text;

/// Columns of a terminal for which a table is made unless it is told otherwise.
const WIDTH: usize = 100;

/// Table of a report for people, written by its `Display`: an aligned line for each token, then how
/// many there are, then a line for each account that could not be read.
///
/// No line is longer than the [width](Self::width), by default 100 columns. What matters most for a
/// decision comes first: whose account, which token, when it ends and when it was last used, what it
/// may do and whether it works. Names that are too long are cut in their middle, and columns for
/// which there is no room are left out from the end and named below the table. Which columns there are,
/// and their order, cannot be chosen: for others take the [records](Report::records) or
/// [CSV](Report::to_csv).
///
/// Characters count as many columns as a terminal gives them, and those that could move the cursor
/// or hide others are escaped. `-` stands for "none", `unknown` for what the service does not tell.
///
/// ```
/// # use access_tokens::{inventory::Inventory, query_server::Client};
/// # use access_tokens_testing::{QueryServer, query_server::Seed};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let twin = QueryServer::start().await?;
/// # twin.seed(Seed::new("a name so long that hardly any terminal has room for it in one line"));
/// # let query = Client::builder().base_url(twin.base_url()).credential(twin.credential()).build()?;
/// let report = Inventory::new().add("edge", query).collect().await;
/// // For a terminal of 80 columns.
/// let table = report.to_table().width(80).to_string();
/// assert!(table.lines().all(|line| line.chars().count() <= 80));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a table is shown by its Display"]
pub struct Table<'a> {
    report: &'a Report,
    width: usize,
}

impl Report {
    /// The tokens as a table for people; see [`Table`].
    pub fn to_table(&self) -> Table<'_> {
        Table {
            report: self,
            width: WIDTH,
        }
    }
}

impl Table<'_> {
    /// Columns of the terminal: no line gets longer. `usize::MAX` leaves nothing out.
    pub fn width(mut self, columns: usize) -> Self {
        self.width = columns.max(1);
        self
    }

    fn lines(&self, f: &mut fmt::Formatter<'_>, layout: &Layout) -> fmt::Result {
        let now = self.report.as_of();
        let mut cell = String::new();
        layout.line(f, &mut cell, |column, cell| cell.push_str(column.title))?;
        for token in self.report.records() {
            layout.line(f, &mut cell, |column, cell| {
                (column.write)(token, now, cell);
            })?;
        }
        Ok(())
    }

    fn footer(&self, f: &mut fmt::Formatter<'_>, layout: &Layout) -> fmt::Result {
        let report = self.report;
        if !report.is_empty() && layout.left_out().next().is_some() {
            let titles: Vec<&str> = layout.left_out().map(|column| column.title).collect();
            let text = format!("(no room for {})", titles.join(", "));
            paragraph(f, &text, self.width)?;
        }
        let mut summary = count(report.len(), "token");
        if !report.selection().is_empty() {
            let filters = report.selection().join(", ");
            summary = format!("{summary} of {} ({filters})", report.read());
        }
        let accounts = count(report.accounts().len(), "account");
        paragraph(f, &format!("{summary} in {accounts}"), self.width)?;
        for account in report.failures() {
            paragraph(f, &failure(account), self.width)?;
        }
        Ok(())
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layout = Layout::new(self.report, self.width);
        if !self.report.is_empty() {
            self.lines(f, &layout)?;
        }
        self.footer(f, &layout)
    }
}

/// How many tokens that cannot be read are named.
const NAMED: usize = 3;

fn failure(account: &AccountOutcome) -> String {
    let read = match (&account.error, account.records) {
        (Some(_), 0) => "not read".to_owned(),
        (_, some) => format!("not complete, {} read", count(some, "token")),
    };
    let mut parts = vec![format!("! {}: {read}", account.label)];
    if let Some(error) = &account.error {
        parts.push(error.to_string());
    }
    let unreadable = &account.unreadable;
    if !unreadable.is_empty() {
        let mut named: Vec<String> = unreadable
            .iter()
            .take(NAMED)
            .map(ToString::to_string)
            .collect();
        if unreadable.len() > NAMED {
            named.push(format!("and {} more", unreadable.len() - NAMED));
        }
        parts.push(format!(
            "{} cannot be read",
            count(unreadable.len(), "token")
        ));
        parts.push(named.join("; "));
    }
    parts.join(": ")
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
