//! An account's tokens, listed once for all that are ticked together.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::super::record::{Record, Stamp};
use super::answers::mark_of;
use crate::listing::Listing;
use crate::service::{TokenKey, TokenRecord, TokenService, TokenServiceExt as _};

/// The tokens of an account at one time.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// When the list was begun.
    pub(crate) began: Stamp,
    pub(crate) tokens: Listing<TokenRecord>,
    by_key: HashMap<TokenKey, usize>,
    by_owner: HashMap<String, Vec<usize>>,
}

impl Snapshot {
    fn new(began: Stamp, tokens: Listing<TokenRecord>) -> Self {
        let (mut by_key, mut by_owner) = (HashMap::new(), HashMap::<String, Vec<usize>>::new());
        for (place, token) in tokens.iter().enumerate() {
            by_key.insert(token.key.clone(), place);
            if let Some(mark) = mark_of(token) {
                by_owner
                    .entry(mark.owner().to_owned())
                    .or_default()
                    .push(place);
            }
        }
        Self {
            began,
            tokens,
            by_key,
            by_owner,
        }
    }

    pub(crate) fn get(&self, key: &TokenKey) -> Option<&TokenRecord> {
        self.by_key
            .get(key)
            .and_then(|place| self.tokens.get(*place))
    }

    /// Whether a token that is not in it may be there all the same.
    pub(crate) fn may_hide(&self, key: &TokenKey) -> bool {
        self.tokens.may_hide(key.as_str()).is_some()
    }

    /// What concerns one record: the tokens that it names, and those with a mark of it.
    pub(crate) fn of(&self, record: &Record) -> Vec<TokenRecord> {
        let named = record
            .tokens()
            .filter_map(|token| self.by_key.get(&token.key));
        let marked = self.by_owner.get(record.incarnation.owner());
        let mut places: Vec<usize> = named.chain(marked.into_iter().flatten()).copied().collect();
        places.sort_unstable();
        places.dedup();
        places
            .iter()
            .filter_map(|place| self.tokens.get(*place))
            .cloned()
            .collect()
    }
}

/// What the ticks of one pass share about an account.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) service: Arc<dyn TokenService>,
    shared: Arc<OnceCell<Result<Arc<Snapshot>, Arc<crate::Error>>>>,
}

impl Account {
    pub(crate) fn new(service: Arc<dyn TokenService>) -> Self {
        Self {
            service,
            shared: Arc::default(),
        }
    }

    /// The list of this pass. What is wrong with the account is asked once, too.
    pub(crate) async fn shared(&self, now: Stamp) -> Result<Arc<Snapshot>, Arc<crate::Error>> {
        self.shared.get_or_init(|| self.fresh(now)).await.clone()
    }

    /// A new list.
    pub(crate) async fn fresh(&self, now: Stamp) -> Result<Arc<Snapshot>, Arc<crate::Error>> {
        let tokens = self.service.list_all().await.map_err(Arc::new)?;
        Ok(Arc::new(Snapshot::new(now, tokens)))
    }
}
