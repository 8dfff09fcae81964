//! What of a report is asked for.

use std::time::Duration;

use super::report::Report;
use crate::due::{self, Due, RotationPolicy, has_ended};
use crate::id::Service;
use crate::service::{Privilege, TokenRecord, TokenState};
use crate::text::human_duration;
use crate::time::When;

impl Report {
    /// Tokens that end within this time from now, and have not ended yet.
    pub fn expiring_within(&self, time: Duration) -> Self {
        let now = self.as_of();
        self.select(
            format!("expiring within {}", human_duration(time)),
            |token| {
                let end = token.expires.credible().time();
                let rest = end.map(|end| end.duration_since(now));
                !has_ended(token, now) && matches!(rest, Some(Ok(rest)) if rest <= time)
            },
        )
    }

    /// Tokens whose time is over, by their date or by the service's word.
    pub fn expired(&self) -> Self {
        let now = self.as_of();
        self.select("expired", |token| has_ended(token, now))
    }

    /// Tokens that were not used for this long.
    ///
    /// One that was never used counts if it was made at least that long ago; not if the service
    /// does not tell when it was made, for that may have been today.
    /// [`never_used`](Self::never_used) finds it.
    pub fn unused_for(&self, time: Duration) -> Self {
        let now = self.as_of();
        self.select(format!("unused for {}", human_duration(time)), |token| {
            due::unused_for(token, time, now) == Some(true)
        })
    }

    /// Tokens that were never used, as their service says, however new.
    pub fn never_used(&self) -> Self {
        self.select("never used", |token| token.last_used == When::Never)
    }

    /// Tokens that never end, as their service says.
    ///
    /// Avisi Cloud does not say so of any token. To find what may go on for ever, ask for
    /// [`without_known_end`](Self::without_known_end).
    pub fn never_expires(&self) -> Self {
        self.select("never expiring", |token| token.expires == When::Never)
    }

    /// Tokens of which no end is known: those that never end, and those whose service does not say
    /// (or gives a date that cannot be one).
    ///
    /// ```
    /// # use access_tokens::{inventory::Inventory, avisi_cloud::Client};
    /// # use access_tokens_testing::{AvisiCloud, avisi_cloud::Seed};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let twin = AvisiCloud::start().await?;
    /// # twin.seed(Seed::new("ci"));
    /// # let avisi = Client::builder().base_url(twin.base_url()).credential(twin.credential()).build()?;
    /// let report = Inventory::new().add("cloud", avisi).collect().await;
    /// // Nothing tells when this token ends, so it may not end at all.
    /// let endless = report.without_known_end();
    /// assert!(endless.records().any(|token| token.name.as_deref() == Some("ci")));
    /// assert!(report.never_expires().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn without_known_end(&self) -> Self {
        self.select("without a known end", |token| {
            token.state != TokenState::Expired && token.expires.credible().time().is_none()
        })
    }

    /// Tokens that certainly can do everything: [`Privilege::Admin`]. A role of the account's own
    /// may allow as much, but does not count; see [`maybe_privileged`](Self::maybe_privileged).
    pub fn privileged(&self) -> Self {
        self.select("privileged", |token| token.privilege.is_admin())
    }

    /// Tokens that may be able to do everything: all but those that are known to be limited to
    /// reading or writing.
    pub fn maybe_privileged(&self) -> Self {
        self.select("maybe privileged", |token| {
            !matches!(token.privilege, Privilege::Read | Privilege::Write)
        })
    }

    /// Tokens in this state.
    ///
    /// Not every service tells the state of every token; [`may_work`](Self::may_work) leaves out
    /// only those that are known not to work.
    pub fn state(&self, state: TokenState) -> Self {
        self.select(state.to_string(), |token| token.state == state)
    }

    /// Tokens that may work: those that are neither over nor switched off nor unusable, as far as
    /// is known.
    pub fn may_work(&self) -> Self {
        let now = self.as_of();
        self.select("that may work", |token| {
            let known_dead = matches!(token.state, TokenState::Inactive | TokenState::Unusable);
            !known_dead && !has_ended(token, now)
        })
    }

    /// Tokens of this service.
    pub fn service(&self, service: Service) -> Self {
        self.select(format!("service {service}"), |token| {
            token.service == service
        })
    }

    /// Tokens of the account with this label.
    pub fn account(&self, label: &str) -> Self {
        self.select(format!("account {label}"), |token| {
            token.account.as_deref() == Some(label)
        })
    }

    /// Tokens that are due by a policy; not those of which that is unknown, which
    /// [`evaluate`](Self::evaluate) tells.
    pub fn due(&self, policy: &RotationPolicy) -> Self {
        let now = self.as_of();
        self.select("due", |token| policy.due(token, now).is_now())
    }

    /// Tokens for which the closure says so. A panic of the closure goes through; this report is
    /// not touched by it.
    pub fn matching(&self, wanted: impl FnMut(&TokenRecord) -> bool) -> Self {
        self.select("matching a condition", wanted)
    }

    /// All tokens with what a policy says of them.
    pub fn evaluate(&self, policy: &RotationPolicy) -> impl Iterator<Item = (&TokenRecord, Due)> {
        let now = self.as_of();
        self.records()
            .map(move |token| (token, policy.due(token, now)))
    }
}
