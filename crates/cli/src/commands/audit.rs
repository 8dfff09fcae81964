//! `tokens audit`

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use access_tokens::inventory::Report;
use access_tokens::{TokenKind, TokenRecord, TokenState, When};
use serde::Serialize;

use super::Run;
use crate::args::{Audit, Severity};
use crate::error::{FINDINGS, OK, Stop, graver};
use crate::managed::{self, Managed};
use crate::output;

/// A rule: what it looks for, how grave that is, and where it stands in the OWASP Non-Human
/// Identities Top 10 (2025).
#[derive(Debug)]
struct Rule {
    id: &'static str,
    severity: Severity,
    what: &'static str,
    owasp: &'static [&'static str],
}

macro_rules! rules {
    ($($name:ident = $id:literal, $severity:ident, [$($owasp:literal),*], $what:literal;)*) => {
        $(static $name: Rule = Rule {
            id: $id,
            severity: Severity::$severity,
            what: $what,
            owasp: &[$($owasp),*],
        };)*
        #[cfg(test)]
        static RULES: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    ENDLESS_ADMIN = "AT001", High, ["NHI5", "NHI7"], "may do everything, and no end is known";
    ENDLESS = "AT002", Medium, ["NHI7"], "no end is known";
    UNUSED = "AT003", Medium, ["NHI1"], "not used for 90 days";
    OLD = "AT004", Medium, ["NHI7"], "older than its policy allows";
    EXPIRED = "AT005", Low, ["NHI1"], "expired, and still listed";
    PERSONAL = "AT006", Medium, ["NHI10"], "a person's token, where a service token exists";
    UNMANAGED = "AT007", Low, [], "nothing keeps it fresh";
    DISAGREE = "AT008", High, ["NHI1"], "the state and the service disagree";
}

const LONG_UNUSED: Duration = Duration::from_secs(90 * 86_400);

/// A token that breaks a rule.
#[derive(Debug, Serialize)]
struct Finding {
    rule: &'static str,
    #[serde(serialize_with = "lower")]
    severity: Severity,
    account: String,
    key: String,
    name: Option<String>,
    what: String,
    owasp: &'static [&'static str],
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn lower<S: serde::Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text(*severity))
}

fn text(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
    }
}

pub(crate) async fn run(run: &Run<'_>, audit: &Audit) -> Result<u8, Stop> {
    let (report, mut code) = super::list::collect(run, None, None).await?;
    let managed = managed::known(run).await?;
    let mut findings = judge(&report, &managed);
    findings.sort_by(|a, b| {
        let order = |f: &Finding| {
            (
                std::cmp::Reverse(f.severity),
                f.rule,
                f.account.clone(),
                f.key.clone(),
            )
        };
        order(a).cmp(&order(b))
    });
    let limit = audit.fail_on;
    let fails = |finding: &Finding| finding.severity >= limit;
    if findings.iter().any(fails) {
        code = graver(code, FINDINGS);
    }
    if run.json() {
        let complete = ("complete".to_owned(), report.is_complete().into());
        let findings = serde_json::to_value(&findings).map_err(|_| output::no_json())?;
        output::members(run.context, [complete, ("findings".to_owned(), findings)])?;
        return Ok(code);
    }
    for finding in &findings {
        let label = format!("{:<6}", text(finding.severity));
        let label = match finding.severity {
            Severity::High => run.style.bad(&label),
            Severity::Medium => run.style.warn(&label),
            Severity::Low => label,
        };
        let name = finding
            .name
            .as_deref()
            .unwrap_or(&finding.key)
            .escape_debug();
        let line = format!(
            "{label} {}  {}/{name}: {}",
            finding.rule, finding.account, finding.what
        );
        run.line(line, 14)?;
    }
    // What was not seen may be anything.
    if code == OK && findings.is_empty() && !run.quiet {
        run.context.say(run.style.good("nothing found"))?;
    }
    Ok(code)
}

/// Holds every token against the rules.
fn judge(report: &Report, managed: &[Managed]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut known = HashMap::new();
    for token in managed {
        for key in &token.keys {
            known.insert((token.account.as_str(), key.as_str()), token);
        }
    }
    let kind = |record: &TokenRecord, kind| record.kind == kind;
    let account = |record: &TokenRecord| record.account.as_deref().unwrap_or_default().to_owned();
    for record in report.records() {
        let label = account(record);
        let mut add = |rule: &'static Rule, what: Option<String>| {
            findings.push(Finding {
                rule: rule.id,
                severity: rule.severity,
                account: label.clone(),
                key: record.key.to_string(),
                name: record.name.clone(),
                what: what.unwrap_or_else(|| rule.what.to_owned()),
                owasp: rule.owasp,
            });
        };
        if record.state == TokenState::Expired {
            add(&EXPIRED, None);
            continue;
        }
        if record.state == TokenState::Inactive {
            continue;
        }
        let endless = !matches!(record.expires, When::At(_));
        if endless && record.privilege.is_admin() {
            add(&ENDLESS_ADMIN, None);
        } else if endless {
            add(&ENDLESS, None);
        }
        if unused(record, report.as_of()) {
            add(&UNUSED, None);
        }
        let others = || {
            report
                .records()
                .any(|other| other.account == record.account && kind(other, TokenKind::Service))
        };
        if kind(record, TokenKind::Personal) && others() {
            add(&PERSONAL, None);
        }
        match known.get(&(label.as_str(), record.key.as_str())) {
            None => add(&UNMANAGED, None),
            Some(token) if token.overdue => add(&OLD, None),
            Some(_) => {}
        }
    }
    for token in managed {
        let Some(current) = &token.current else {
            continue;
        };
        // An account that was not seen whole proves nothing about what is missing.
        let seen = report
            .accounts()
            .iter()
            .any(|a| *a.label == *token.account && a.error.is_none());
        let alive = report.records().any(|record| {
            record.account.as_deref() == Some(token.account.as_str())
                && record.key.as_str() == current.as_str()
                && !matches!(record.state, TokenState::Inactive | TokenState::Expired)
        });
        if seen && !alive {
            findings.push(Finding {
                rule: DISAGREE.id,
                severity: DISAGREE.severity,
                account: token.account.clone(),
                key: current.clone(),
                name: Some(token.name.clone()),
                what: "the state calls it current, and the service does not know it alive"
                    .to_owned(),
                owasp: DISAGREE.owasp,
            });
        }
    }
    findings
}

/// Whether it is certain that a token was not used for long.
fn unused(record: &TokenRecord, now: SystemTime) -> bool {
    let since = |time: SystemTime| now.duration_since(time).unwrap_or_default();
    match (record.last_used, record.created) {
        (When::At(used), _) => since(used) >= LONG_UNUSED,
        (When::Never, When::At(made)) => since(made) >= LONG_UNUSED,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_an_id_of_its_own_and_a_page() {
        let mut ids: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), RULES.len());
        for rule in RULES {
            let page = format!("{}/docs/audit/{}.md", env!("CARGO_MANIFEST_DIR"), rule.id);
            let text = std::fs::read_to_string(&page).unwrap_or_default();
            assert!(
                text.contains(rule.what),
                "{page} does not say: {}",
                rule.what
            );
            for entry in rule.owasp {
                assert!(text.contains(entry), "{page} does not name {entry}");
            }
        }
    }
}
