//! Pages of the list.

use std::collections::HashSet;

use serde_json::Value;

use super::Suite;
use crate::conformance::problem::{Verdict, ensure, passed, seen};
use crate::conformance::wire::Plain;

impl Suite {
    pub(super) async fn lists_page_by_limit_and_offset(&self) -> Verdict {
        self.create_some(3).await?;
        let list = || self.client.list();
        let first = list().limit(2).page().await?.items;
        ensure(first.len() == 2, "a page of two holds another number")?;
        let second = list().limit(1).offset(1).page().await?.items;
        let moved = second.first().map(|token| &token.id) == first.get(1).map(|token| &token.id);
        ensure(
            second.len() == 1 && moved,
            "an offset of one does not skip one",
        )?;
        let all = list().limit(2).all().await?;
        let own: HashSet<_> = self
            .own()
            .await?
            .into_iter()
            .map(|token| token.id)
            .collect();
        let found = all.iter().filter(|token| own.contains(&token.id)).count();
        ensure(found == 3, "paging does not find each token once")?;
        let beyond = list().limit(2).offset(1_000_000).page().await?.items;
        ensure(beyond.is_empty(), "a page beyond the end holds something")?;
        passed()
    }

    pub(super) async fn pages_hold_25_by_default(&self) -> Verdict {
        self.options.need_many_tokens()?;
        self.create_some(26).await?;
        let page = self.client.list().page().await?.items.len();
        ensure(page == 25, format_args!("a page holds {page}"))?;
        let own = self.own().await?.len();
        ensure(own == 26, format_args!("{own} of 26 tokens are listed"))?;
        passed()
    }

    pub(super) async fn paging_links_stay_on_the_server(&self) -> Verdict {
        self.create_some(2).await?;
        let list = || self.client.list().limit(1);
        let mut links = list().page().await?.links.to_map();
        links.extend(list().offset(1).page().await?.links.to_map());
        for (name, link) in &links {
            let href = link.href.as_deref().unwrap_or("/");
            let own = href.starts_with('/') && !href.starts_with("//");
            ensure(
                own,
                format_args!("the link {name} is not relative to the root"),
            )?;
        }
        let names: Vec<_> = links.into_keys().collect();
        seen(names.join(" "))
    }

    pub(super) async fn the_total_is_told(&self) -> Verdict {
        self.create_some(2).await?;
        let page = self.client.list().limit(1).page().await?;
        match page.total_count {
            None => seen("there is no totalCount"),
            Some(1) => seen("it counts the page"),
            Some(count) if count > 1 => seen("it counts all pages"),
            Some(count) => {
                ensure(false, format_args!("{count} of at least two tokens"))?;
                passed()
            }
        }
    }

    pub(super) async fn old_api_versions_do_not_page(&self) -> Verdict {
        self.create_some(2).await?;
        let plain = Plain::get("/api/v2/tokens?limit=1").header("ld-api-version", "20191212");
        let listed = self.wire.send(plain).await?.with_status(200)?.json()?;
        let items = listed.get("items").and_then(Value::as_array);
        let whole = items.is_some_and(|items| items.len() > 1);
        ensure(whole, "the list of version 20191212 has a limit")?;
        passed()
    }
}
